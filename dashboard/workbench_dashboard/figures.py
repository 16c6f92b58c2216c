"""Charts that only the dashboard has: pure functions, as :mod:`workbench.judge.charts` are, whose parts they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from workbench.judge.charts.parts import PALETTE, TEXT, WIDTH, Chart, colour, data, empty, names_axis


def class_balance(classes: Mapping[str, int], width: int = WIDTH) -> Chart:
    """Draws the number of images of each class, the largest first.

    Args:
        classes: Number of images by the class's name.
        width: In pixels.
    """
    if not classes:
        return empty("there are no classes")
    ordered = sorted(classes.items(), key=lambda item: (-item[1], item[0]))
    return (
        alt.Chart(data([{"label": name, "images": count} for name, count in ordered]))
        .mark_bar(color=PALETTE[0])
        .encode(
            x=alt.X("images:Q", title="images", axis=alt.Axis(tickMinStep=1, format=",d")),
            y=names_axis("label", [name for name, _ in ordered]),
            tooltip=["label:N", alt.Tooltip("images:Q", format=",d")],
        )
        .properties(width=width, height=22 * len(ordered) + 10)
    )


def family_importance(rows: Sequence[Mapping[str, Any]], color: str = PALETTE[0], width: int = WIDTH) -> Chart:
    """Draws what each feature family is worth, with the spread over its permutations.

    Args:
        rows: As :func:`workbench.judge.explanations.family_importance` returns them.
        color: Of the bars: the candidate's.
        width: In pixels.
    """
    if not rows:
        return empty("there is one family of features only, so there is nothing to compare")
    ends = [
        {**row, "points": 100 * row["drop"], "low": 100 * (row["drop"] - row["spread"]),
         "high": 100 * (row["drop"] + row["spread"])} for row in rows
    ]  # fmt: skip
    title = "points of test accuracy lost"
    base = alt.Chart(data(ends)).encode(y=names_axis("family", [row["family"] for row in rows]))
    tooltip = ["family:N", alt.Tooltip("points:Q", format=".2f"), alt.Tooltip("spread:Q", format=".4f")]
    bars = base.mark_bar(color=color, height=14).encode(x=alt.X("points:Q", title=title), tooltip=tooltip)
    spread = base.mark_rule(color=TEXT, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    return alt.layer(bars, spread).properties(width=width, height=30 * len(rows) + 10)


def trial_curve(curves: Mapping[str, Mapping[int, float]], colors: Mapping[str, str], width: int = WIDTH) -> Chart:
    """Draws the learning curve of each candidate's trial that is running.

    Args:
        curves: Validation accuracy by step, by the candidate's name.
        colors: See :func:`workbench.judge.charts.colors`.
        width: In pixels.
    """
    points = [
        {"candidate": name, "step": step, "validation_accuracy": value}
        for name, curve in curves.items()
        for step, value in curve.items()
    ]
    if not points:
        return empty("the running trial does not learn step by step, or is in its first step")
    return (
        alt.Chart(data(points))
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=45))
        .encode(
            x=alt.X("step:Q", title="step (epoch, boosting round, rung)", axis=alt.Axis(tickMinStep=1, grid=False)),
            y=alt.Y("validation_accuracy:Q", title="validation accuracy", scale=alt.Scale(zero=False),
                    axis=alt.Axis(format="~%")),
            color=colour(colors, curves),
            tooltip=["candidate:N", "step:Q", alt.Tooltip("validation_accuracy:Q", format=".4f")],
        )
        .properties(width=width, height=240)
    )  # fmt: skip
