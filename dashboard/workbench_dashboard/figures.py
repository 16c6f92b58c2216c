"""Charts that only the dashboard has: pure functions, as :mod:`workbench.judge.charts` are, whose parts they share."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt

from workbench.judge.charts.parts import PALETTE, WIDTH, Chart, colour, data, empty, names_axis


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
            x=alt.X("images:Q", title="images", axis=alt.Axis(tickMinStep=1, format=",")),
            y=names_axis("label", [name for name, _ in ordered]),
            tooltip=["label:N", alt.Tooltip("images:Q", format=",")],
        )
        .properties(width=width, height=22 * len(ordered) + 10)
    )


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
