"""Charts draw the data they are given, in the colours asked for, whatever names there are, and nothing from nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import vl_convert

from workbench.judge import charts

NASTY = ["a.b[0]", '<b>"x"</b>', "it's\\n: {datum}"]


def row(candidate: str, test_accuracy: float | None, refit_seconds: float, family: str = "deep") -> dict[str, Any]:
    low, high = (None, None) if test_accuracy is None else (test_accuracy - 0.01, test_accuracy + 0.01)
    interval = {"test_accuracy_low": low, "test_accuracy_high": high}
    return {"candidate": candidate, "family": family, "test_accuracy": test_accuracy, "refit_seconds": refit_seconds,
            **interval}  # fmt: skip


ROWS = [row(NASTY[0], 0.97, 40), row(NASTY[1], 0.95, 0.3), row(NASTY[2], 0.94, 9), row("baseline", 0.1, 0, "baseline")]
COLORS = charts.colors([*NASTY, "baseline"])
POINTS = [
    {"candidate": name, "images": n, "test_accuracy": 0.9, "low": 0.8, "high": 0.95, "seconds": n / 100}
    for name in NASTY
    for n in (100, 1000)
]
STEPS = [
    {"candidate": name, "seconds": 9.0, "validation_accuracy": 0.7,
     "steps": [{"seconds": 1.5, "validation_accuracy": 0.5}, {"seconds": 4.0, "validation_accuracy": 0.7}]}
    for name in NASTY
]  # fmt: skip
CURVES = {name: [{"confidence": 0.7, "accuracy": 0.6, "images": 5}] for name in NASTY}
RECALLS = {name: dict.fromkeys(NASTY, 0.5) for name in NASTY}
MATRIX = [[5, 1, 0], [0, 7, 2], [0, 0, 9]]

DRAWN: dict[str, charts.Chart] = {
    "accuracy": charts.accuracy_against_time(ROWS, COLORS),
    "ledger": charts.ledger({name: {"tuning": 99.0, "fit": 2.0, "predict": 1.0} for name in NASTY}),
    "anytime": charts.anytime(STEPS, COLORS),
    "confusion": charts.confusion_matrix(MATRIX, NASTY),
    "reliability": charts.reliability(CURVES, COLORS),
    "recall": charts.class_recall(RECALLS, COLORS),
    "curve": charts.learning_curve(POINTS, COLORS, [{"a": NASTY[0], "b": NASTY[1], "images": 321}]),
    "seconds": charts.learning_seconds(POINTS, COLORS),
}


def values(chart: charts.Chart) -> list[dict[str, Any]]:
    """Returns all data of a chart."""
    return [value for rows in chart.to_dict()["datasets"].values() for value in rows]


def scales(chart: charts.Chart, field: str) -> dict[str, str]:
    """Returns the colour of each value of a field."""
    found: dict[str, str] = {}
    for encoding in _find(chart.to_dict(), "color"):
        if isinstance(encoding, dict) and encoding.get("field") == field:
            found |= dict(zip(encoding["scale"]["domain"], encoding["scale"]["range"], strict=True))
    return found


def _find(part: Any, key: str) -> Iterator[Any]:
    if isinstance(part, dict):
        if key in part:
            yield part[key]
        for inner in part.values():
            yield from _find(inner, key)
    elif isinstance(part, list):
        for inner in part:
            yield from _find(inner, key)


@pytest.mark.parametrize("name", DRAWN)
def test_names_are_data_and_come_out_of_the_renderer_as_they_are(name: str) -> None:
    spec = DRAWN[name].to_dict()
    fields = {found for found in _find(spec, "field") if isinstance(found, str)}
    assert not any(character in field for field in fields for character in ".[]<\\")
    svg = vl_convert.vegalite_to_svg(json.dumps(spec))
    assert "a.b[0]" in svg
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_a_candidate_has_one_colour_in_every_chart() -> None:
    expected = {name: COLORS[name] for name in NASTY}
    for name in ("accuracy", "anytime", "reliability", "recall", "curve", "seconds"):
        assert scales(DRAWN[name], "candidate") == expected, name


def test_colours_follow_the_run_and_set_the_baseline_apart() -> None:
    names = [f"c{i}" for i in range(10)]
    found = charts.colors(["baseline", *names])
    assert len(set(found.values())) == 11
    assert {name: found[name] for name in names[:4]} == {
        name: color for name, color in charts.colors(names[:4]).items() if name != "baseline"
    }
    assert found["baseline"] == charts.colors([])["baseline"]


def test_the_front_is_who_nobody_beats_in_both() -> None:
    rows = [row("slow", 0.97, 40), row("beaten", 0.94, 9), row("fast", 0.95, 0.3), row("failed", None, 1),
            row("same but slower", 0.95, 0.4), row("baseline", 0.93, 0, "baseline"),
            row("no better than the baseline", 0.93, 0.1)]  # fmt: skip
    assert charts.pareto_front(rows) == ["fast", "slow"]
    points = [value for value in values(charts.accuracy_against_time(rows, COLORS)) if "dx" in value]
    drawn = {value["candidate"]: value["front"] for value in points}
    assert drawn == {
        "slow": True,
        "fast": True,
        "beaten": False,
        "same but slower": False,
        "no better than the baseline": False,
    }


def test_labels_that_would_lie_on_each_other_are_moved_apart() -> None:
    rows = [row(f"hog/svm {i}", 0.95 + 0.0001 * i, 1 + 0.01 * i) for i in range(6)]
    found = [value for value in values(charts.accuracy_against_time(rows, charts.colors([]))) if "dx" in value]
    places = {(value["align"], value["dy"]) for value in found}
    assert len(places) == 6


def test_a_baseline_far_below_is_written_and_one_nearby_is_a_line() -> None:
    far = charts.accuracy_against_time(ROWS, COLORS).to_dict()
    assert "baseline: 10.0 %, below this axis ↓" in json.dumps(far, ensure_ascii=False)
    near = charts.accuracy_against_time([*ROWS[:3], row("baseline", 0.93, 0, "baseline")], COLORS)
    assert {value.get("says") for value in values(near)} >= {"baseline: 93.0 %"}
    dashes = list(_find(near.to_dict(), "strokeDash"))
    assert dashes
    assert not list(_find(far, "strokeDash"))
    assert all(value.get("seconds") != 0 for value in values(near))  # no point at 0 seconds on a log axis


def test_the_ledger_draws_its_phases_and_not_the_tuning() -> None:
    assert {value["phase"] for value in values(DRAWN["ledger"])} == {"fit", "predict"}
    assert sum(value["seconds"] for value in values(DRAWN["ledger"])) == 9


def test_a_line_goes_on_to_the_end_of_its_trials() -> None:
    drawn = [value for value in values(DRAWN["anytime"]) if value["candidate"] == NASTY[0]]
    assert [(value["seconds"], value["validation_accuracy"]) for value in drawn] == [(1.5, 0.5), (4, 0.7), (9, 0.7)]


def test_confusions_are_counted_and_of_many_classes_listed() -> None:
    cells = {(v["label"], v["prediction"]): v for v in values(DRAWN["confusion"])}
    assert len(cells) == 9
    assert cells[NASTY[1], NASTY[2]]["images"] == 2
    assert cells[NASTY[1], NASTY[2]]["share"] == pytest.approx(2 / 9)
    many = [f"class {i}" for i in range(40)]
    counts = [[10 if i == j else i * (j == 0) for j in range(40)] for i in range(40)]
    listed = charts.confusion_matrix(counts, many)
    assert [value["images"] for value in values(listed)] == list(range(39, 19, -1))
    assert values(listed)[0]["confusion"] == "class 39 → class 0"


def test_a_crossover_is_marked_where_it_was_reached() -> None:
    assert "n* = 321" in {value.get("says") for value in values(DRAWN["curve"])}
    never = charts.learning_curve(POINTS, COLORS, [{"a": NASTY[0], "b": NASTY[1], "images": None}])
    assert not any("says" in value for value in values(never))


@pytest.mark.parametrize(
    "chart",
    [
        charts.accuracy_against_time([], {}),
        charts.accuracy_against_time([row("a", None, 1), ROWS[3]], COLORS),
        charts.ledger({}),
        charts.ledger({"a": {"tuning": 3.0, "fit": None}}),
        charts.anytime([], COLORS),
        charts.confusion_matrix([], []),
        charts.reliability({"a": None}, COLORS),
        charts.class_recall({"a": None}, COLORS),
        charts.learning_curve([], COLORS),
        charts.learning_seconds([], COLORS),
    ],
)
def test_without_data_a_chart_says_so(chart: charts.Chart) -> None:
    (only,) = values(chart)
    assert only["says"] in vl_convert.vegalite_to_svg(chart.to_json())
