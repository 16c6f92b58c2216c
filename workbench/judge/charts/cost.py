"""Where the time goes: by phase, until the best validation accuracy, and as the training images grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    images_axis,
    is_number,
    names_axis,
    of_field,
    seconds_axis,
)  # fmt: skip

#: Phases of the ledger in the order of the work, and their colours: viridis, so that none is taken for a candidate's.
PHASES = {
    "load": "#472D7B", "extract": "#3B528B", "rungs": "#2C728E", "select": "#21918C", "warmup": "#28AE80",
    "fit": "#5EC962", "predict": "#FDE725",
}  # fmt: skip


def ledger(
    seconds: Mapping[str, Mapping[str, float | None]], phases: Sequence[str] = tuple(PHASES), width: int = WIDTH
) -> Chart:
    """Draws the seconds of each candidate as a bar, stacked by phase.

    Args:
        seconds: For each candidate its seconds by phase, as the document's ``ledger`` has it. Tuning is no phase: it
            takes as long as it is let, and would hide the rest.
        phases: Which phases to draw; what else is in there is left out.
        width: In pixels.
    """
    bars = [
        {"candidate": name, "phase": phase, "seconds": of[phase], "order": order}
        for name, of in seconds.items()
        for order, phase in enumerate(phases)
        if is_number(of.get(phase)) and of[phase]
    ]
    if not bars:
        return empty("no seconds have been recorded")
    present = [phase for phase in phases if any(bar["phase"] == phase for bar in bars)]
    names = [name for name in seconds if any(bar["candidate"] == name for bar in bars)]
    return (
        alt.Chart(data(bars))
        .mark_bar(stroke=GREY, strokeWidth=0.5)
        .encode(
            x=alt.X("seconds:Q", stack="zero", title="seconds"),
            y=names_axis("candidate", names),
            color=alt.Color(
                "phase:N",
                scale=alt.Scale(domain=present, range=[PHASES.get(phase, GREY) for phase in present]),
                legend=alt.Legend(orient="bottom", title=None, columns=3),
            ),
            order="order:O",
            tooltip=["candidate:N", "phase:N", alt.Tooltip("seconds:Q", format=".3g")],
        )
        .properties(width=width, height=34 * len(names) + 10)
    )


def anytime(candidates: Sequence[Row], colors: Mapping[str, str], width: int = WIDTH) -> Chart:
    """Draws the best validation accuracy so far against the seconds that a candidate's own trials have taken.

    Args:
        candidates: Those of :func:`workbench.judge.anytime.anytime`.
        colors: See :func:`colors`.
        width: In pixels.
    """
    points = [
        {
            "candidate": row["candidate"],
            "seconds": max(at["seconds"], 1e-2),
            "validation_accuracy": at["validation_accuracy"],
        }
        for row in candidates
        for at in (*row["steps"], row)  # the last step goes on to the end of its trials
    ]
    if not points:
        return empty("no trial has been completed")
    return (
        alt.Chart(data(points))
        .mark_line(interpolate="step-after", strokeWidth=2.5, point=alt.OverlayMarkDef(size=40))
        .encode(
            x=alt.X("seconds:Q", scale=alt.Scale(type="log", nice=False), axis=seconds_axis(),
                    title="seconds of the candidate's own trials (log)"),
            y=alt.Y("validation_accuracy:Q", scale=alt.Scale(zero=False), axis=alt.Axis(format="~%"),
                    title="best validation accuracy so far"),
            color=colour(colors, [row["candidate"] for row in candidates]),
            tooltip=["candidate:N", alt.Tooltip("seconds:Q", format=".3g"),
                     alt.Tooltip("validation_accuracy:Q", format=".4f", title="validation accuracy")],
        )
        .properties(width=width, height=HEIGHT)
    )  # fmt: skip


def learning_curve(
    points: Sequence[Row], colors: Mapping[str, str], crossover: Sequence[Row] = (), width: int = WIDTH
) -> Chart:
    """Draws test accuracy with its interval against the number of training images, one line a candidate.

    Args:
        points: ``candidate``, ``images``, ``test_accuracy``, ``low`` and ``high`` of each.
        colors: See :func:`colors`.
        crossover: ``a``, ``b`` and ``images``, at which one overtakes the other; None: not reached, not drawn.
        width: In pixels.
    """
    drawn = [p for p in points if is_number(p.get("test_accuracy")) and p["candidate"] != BASELINE]
    if not drawn:
        return empty("no point of the learning curve has been measured")
    x = images_axis()
    y = alt.Y("test_accuracy:Q", scale=alt.Scale(zero=False), axis=alt.Axis(format="~%"),
              title="test accuracy (95 % interval)")  # fmt: skip
    keys = ("candidate", "images", "test_accuracy", "low", "high")
    base = alt.Chart(data([{key: p.get(key) for key in keys} for p in drawn])).encode(
        x=x, color=colour(colors, [p["candidate"] for p in drawn])
    )
    layers: list[alt.Chart] = [
        base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(y=of_field("low", y), y2="high:Q"),
        base.mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=45)).encode(
            y=y,
            tooltip=["candidate:N", alt.Tooltip("images:Q", format=",d"),
                     alt.Tooltip("test_accuracy:Q", format=".4f", title="test accuracy")],
        ),
    ]  # fmt: skip
    met = [
        {"images": c["images"], "says": f"n* = {c['images']:,.0f}", "pair": f"{c['a']}, {c['b']}"}
        for c in crossover
        if is_number(c.get("images"))
    ]
    if met:
        marks = alt.Chart(data(met)).encode(x=x, tooltip=["pair:N", "says:N"])
        layers += [
            marks.mark_rule(color=GREY, strokeDash=[5, 4]),
            marks.mark_text(color=TEXT, align="left", dx=5, baseline="top", fontSize=FONT_SIZE).encode(
                y=alt.value(4), text="says:N"
            ),
        ]
    return alt.layer(*layers).properties(width=width, height=HEIGHT)


def learning_seconds(points: Sequence[Row], colors: Mapping[str, str], width: int = WIDTH) -> Chart:
    """Draws training time against the number of training images, both logarithmic, one line a candidate.

    Args:
        points: ``candidate``, ``images`` and ``seconds`` of each.
        colors: See :func:`colors`.
        width: In pixels.
    """
    drawn = [
        {"candidate": p["candidate"], "images": p["images"], "seconds": max(p["seconds"], 1e-3)}
        for p in points
        if is_number(p.get("seconds")) and p["candidate"] != BASELINE
    ]
    if not drawn:
        return empty("no point of the learning curve has been measured")
    return (
        alt.Chart(data(drawn))
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=45))
        .encode(
            x=images_axis(),
            y=alt.Y("seconds:Q", scale=alt.Scale(type="log", nice=False), axis=seconds_axis(),
                    title="training time (seconds, log)"),
            color=colour(colors, [p["candidate"] for p in drawn]),
            tooltip=["candidate:N", alt.Tooltip("images:Q", format=",d"), alt.Tooltip("seconds:Q", format=".3g")],
        )
        .properties(width=width, height=260)
    )  # fmt: skip
