"""What accuracy costs: test accuracy against training time, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from workbench.candidate import BASELINE
from workbench.judge.charts.parts import (
    FONT_SIZE,
    GREY,
    HEIGHT,
    TEXT,
    WIDTH,
    Chart,
    Row,
    colour,
    data,
    empty,
    is_number,
    of_field,
    seconds_axis,
)  # fmt: skip

_LETTER = 0.5 * FONT_SIZE  # mean width of one in pixels
_Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


def pareto_front(rows: Sequence[Row]) -> list[str]:
    """Returns the candidates that no other one beats both in test accuracy and in training time, fastest first.

    The baseline, which takes no time to learn nothing, is not among them; who is no more accurate, neither.

    Args:
        rows: The leaderboard; who was not tested is left out.
    """
    baseline, front = _baseline_of(rows), []
    highest = -1.0 if baseline is None else baseline["test_accuracy"]
    for row in sorted(_tested(rows), key=lambda row: (row["refit_seconds"], -row["test_accuracy"])):
        if row["test_accuracy"] > highest:
            highest = row["test_accuracy"]
            front.append(row["candidate"])
    return front


def accuracy_against_time(
    rows: Sequence[Row],
    colors: Mapping[str, str],
    width: int = WIDTH,
    measure: str = "test accuracy",
    time: str = "training time of the refit",
    budget_seconds: float | None = None,
) -> Chart:
    """Draws test accuracy with its 95 % interval against the training time of the refit.

    Filled points are on the Pareto front; the steps that join them are the best that is to be had for the time. The
    baseline is a dashed line over all times, since it learns nothing; where it lies far below all others it is written
    at the lower edge instead, so that it does not press the others together.

    Args:
        rows: Rows of the leaderboard; those without a test accuracy are left out.
        colors: See :func:`colors`.
        width: Width that labels are placed for, in pixels.
        measure: What the rows have as their ``test_accuracy``, in words, where it is another measure.
        time: What they have as their ``refit_seconds``, in words.
        budget_seconds: Where to draw a candidate's share of the budget; not at all if that is far to the right.
    """
    tested = _tested(rows)
    if not tested:
        return empty("no candidate has been tested")
    front = pareto_front(rows)
    points = [
        {key: row[key] for key in ("candidate", "test_accuracy", "test_accuracy_low", "test_accuracy_high")}
        | {"seconds": max(row["refit_seconds"], 1e-3), "front": row["candidate"] in front}  # a log axis has no zero
        for row in tested
    ]
    points.sort(key=lambda point: point["front"])  # what is drawn last lies on top
    low = min(point["test_accuracy_low"] for point in points)
    high = max(point["test_accuracy_high"] for point in points)
    margin = 0.08 * (high - low) or 0.01
    floor, top = max(0.0, low - margin), min(1.0, high + margin / 2)
    baseline = _baseline_of(rows)
    near = baseline is not None and baseline["test_accuracy"] > floor - 1.5 * (top - floor)
    if baseline is not None and near:
        floor = max(0.0, min(floor, baseline["test_accuracy"] - margin))
    seconds = [point["seconds"] for point in points]
    first = min(seconds) / 1.6
    longest = max(len(point["candidate"]) for point in points)
    label = min(0.4, (20 + _LETTER * longest) / width)  # its share of the width, to be kept free beside the last point
    last = max(seconds) * (max(seconds) / first) ** (label / (1 - label))
    if budget_seconds is not None and budget_seconds > 30 * max(seconds):
        budget_seconds = None
    if budget_seconds is not None:
        last = max(last, budget_seconds * 1.1)
    level = baseline["test_accuracy"] if baseline is not None else None
    _place_labels(points, (first, last), (floor, top), width, level)
    uncertain = any(point["test_accuracy_low"] < point["test_accuracy_high"] for point in points)
    x = alt.X("seconds:Q", scale=alt.Scale(type="log", domain=[first, last], nice=False), axis=seconds_axis(),
              title=f"{time} (seconds, log)")  # fmt: skip
    y = alt.Y("test_accuracy:Q", scale=alt.Scale(domain=[floor, top], nice=False, zero=False),
              axis=alt.Axis(format="~%"), title=f"{measure}{' (95 % interval)' if uncertain else ''}")  # fmt: skip
    shade = colour(colors, [point["candidate"] for point in points], legend=False)
    base = alt.Chart(data(points)).encode(x=x, color=shade)
    layers: list[alt.Chart] = []
    if baseline is not None:
        layers += _baseline(baseline["test_accuracy"], floor if not near else None, y)
    if budget_seconds is not None:
        layers += _budget(budget_seconds, x)
    steps = alt.Chart(data([point for point in points if point["front"]]))
    layers += [
        steps.mark_line(color=GREY, strokeWidth=1, opacity=0.8, interpolate="step-after").encode(x=x, y=y),
        base.mark_rule(strokeWidth=2).encode(y=of_field("test_accuracy_low", y), y2="test_accuracy_high:Q"),
        base.mark_point(size=90, strokeWidth=2, opacity=1).encode(
            y=y,
            fill=alt.condition("datum.front", shade, alt.value("#FFFFFF")),
            tooltip=[
                alt.Tooltip("candidate:N"),
                alt.Tooltip("test_accuracy:Q", format=".4f", title=measure),
                alt.Tooltip("seconds:Q", format=".3g", title=f"{time} (seconds)"),
            ],
        ),
        alt.Chart(data(points))
        .mark_text(color=TEXT, fontSize=FONT_SIZE, baseline="middle", align=alt.expr("datum.align"),
                   dx=alt.expr("datum.dx"), dy=alt.expr("datum.dy"))
        .encode(x=x, y=y, text="candidate:N"),
    ]  # fmt: skip
    return alt.layer(*layers).properties(width=width, height=HEIGHT)


def _baseline_of(rows: Iterable[Row]) -> Row | None:
    return next((r for r in rows if r["family"] == "baseline" and r["test_accuracy"] is not None), None)


def _tested(rows: Iterable[Row]) -> list[Row]:
    return [
        r
        for r in rows
        if r["test_accuracy"] is not None and r["family"] != "baseline" and is_number(r["refit_seconds"])
    ]


def _baseline(accuracy: float, below: float | None, y: alt.Y) -> list[alt.Chart]:
    """A dashed line at the baseline's test accuracy, or, if that is below the axis, words at its lower edge."""
    says = f"{BASELINE}: {accuracy:.1%}".replace("%", " %") + ("" if below is None else ", below this axis ↓")
    rows = data([{"test_accuracy": accuracy if below is None else below, "says": says}])
    text = (
        alt.Chart(rows)
        .mark_text(align="right", baseline="bottom", dx=-4, dy=-4, fontSize=FONT_SIZE, color=GREY)
        .encode(x=alt.value("width"), y=y, text="says:N")
    )
    line = alt.Chart(rows).mark_rule(color=GREY, strokeDash=[6, 4], strokeWidth=1.5).encode(y=y)
    return [line, text] if below is None else [text]


def _budget(seconds: float, x: alt.X) -> list[alt.Chart]:
    """A dotted line at the time that a candidate had."""
    mark = alt.Chart(data([{"seconds": seconds, "says": f"its share of the budget: {seconds:,.0f} s"}])).encode(x=x)
    text = mark.mark_text(align="right", baseline="bottom", dx=-5, dy=-4, fontSize=FONT_SIZE, color=GREY)
    rule = mark.mark_rule(color=GREY, strokeDash=[2, 3], strokeWidth=1.5)
    return [rule, text.encode(y=alt.value(HEIGHT), text="says:N")]


def _place_labels(
    points: list[dict[str, Any]],
    times: tuple[float, float],
    accuracies: tuple[float, float],
    width: int,
    baseline: float | None,
) -> None:
    """Gives each point a side for its label, such that labels lie on no point, interval, step or other label.

    Vega-Lite does not place labels itself. The first free place is taken, beside the point, then higher and lower, then
    beyond its interval; where there is none, the one that covers the least.
    """
    span = math.log(times[1] / times[0])

    def pixel(point: Row, accuracy: str = "test_accuracy") -> tuple[float, float]:
        x = math.log(point["seconds"] / times[0]) / span * width
        return x, (accuracies[1] - point[accuracy]) / (accuracies[1] - accuracies[0]) * HEIGHT

    taken: list[_Box] = []
    if baseline is not None:
        line = min(HEIGHT, (accuracies[1] - baseline) / (accuracies[1] - accuracies[0]) * HEIGHT)
        taken += [(0, line - 1, width, line + 1), (width - (110 if line < HEIGHT else 180), line - 20, width, line)]
    front = sorted(pixel(point) for point in points if point["front"])
    for (x, y), (next_x, next_y) in pairwise(front):  # the steps of the front
        taken += [(x, y - 2, next_x, y + 2), (next_x - 2, next_y, next_x + 2, y)]
    for point in points:
        (x, y), high, low = pixel(point), pixel(point, "test_accuracy_high")[1], pixel(point, "test_accuracy_low")[1]
        taken += [(x - 7, y - 7, x + 7, y + 7), (x - 2, high, x + 2, low)]
    for point in sorted(points, key=lambda point: -point["test_accuracy"]):
        x, y = pixel(point)
        length = _LETTER * len(point["candidate"])
        ends = [pixel(point, end)[1] - y for end in ("test_accuracy_high", "test_accuracy_low")]
        beside = (0, -15, 15, -30, 30, -45, 45, -60, 60)
        places: list[tuple[int, float]] = [(dx, dy) for dy in beside for dx in (10, -10)]
        places += [(0, ends[0] - 12), (0, ends[1] + 12)]  # above and below its interval
        best = None
        for dx, dy in places:
            left = x + dx - (length / 2 if dx == 0 else length if dx < 0 else 0)
            box = (left, y + dy - 7, left + length, y + dy + 7)
            outside = max(0.0, -box[0]) + max(0.0, box[2] - width) + max(0.0, -box[1]) + max(0.0, box[3] - HEIGHT)
            covered = sum(_overlap(box, other) for other in taken) + 20 * outside
            if best is None or covered < best[0]:
                best = covered, dx, dy, box
        assert best is not None
        _, dx, dy, box = best
        taken.append(box)
        point |= {"align": "center" if dx == 0 else "left" if dx > 0 else "right", "dx": dx, "dy": dy}


def _overlap(a: _Box, b: _Box) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return wide * high if wide > 0 and high > 0 else 0.0
