"""Figures of the dashboard alone: valid Vega-Lite that draws what it was given, and says where there is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.judge import charts
from workbench_dashboard import figures

NASTY = "<b>a.b[0]</b>"


def values(chart: Any) -> list[dict[str, Any]]:
    """Returns the rows of a chart's data; Altair holds the chart against Vega-Lite's schema on the way."""
    return [value for rows in chart.to_dict()["datasets"].values() for value in rows]


def test_classes_are_drawn_the_largest_first() -> None:
    drawn = figures.class_balance({"few": 1, NASTY: 1200})
    assert values(drawn) == [{"label": NASTY, "images": 1200}, {"label": "few", "images": 1}]


def test_a_family_is_drawn_with_its_spread_in_points() -> None:
    (row,) = values(figures.family_importance([{"family": NASTY, "drop": 0.25, "spread": 0.05}]))
    assert row["family"] == NASTY
    assert (row["points"], row["low"], row["high"]) == pytest.approx((25, 20, 30))


def test_every_step_of_a_running_trial_is_drawn() -> None:
    drawn = values(figures.trial_curve({NASTY: {0: 0.5, 3: 0.75}}, charts.colors([NASTY])))
    assert [(value["step"], value["validation_accuracy"]) for value in drawn] == [(0, 0.5), (3, 0.75)]


@pytest.mark.parametrize(
    "chart", [figures.class_balance({}), figures.family_importance([]), figures.trial_curve({}, {})]
)
def test_without_data_a_figure_says_so(chart: Any) -> None:
    (row,) = values(chart)
    assert " " in row["says"]
