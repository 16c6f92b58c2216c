"""What goes wrong: which classes are taken for which, and how far probabilities can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from workbench.candidate import BASELINE
from workbench.judge.charts.parts import GREY, PALETTE, WIDTH, Chart, Row, colour, data, empty, names_axis

#: With more classes than this a matrix cannot be read; the most frequent confusions are listed instead.
MOST_CLASSES = 20


def confusion_matrix(counts: Sequence[Sequence[int]], class_names: Sequence[str], width: int = WIDTH) -> Chart:
    """Draws how often each class was taken for which, the darker the larger its share of the class.

    Of more than 20 classes it lists the most frequent confusions.

    Args:
        counts: ``counts[i][j]`` images of class ``i`` were predicted as class ``j``.
        class_names: Names of the classes.
        width: Most pixels.
    """
    cells = []
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            share = count / sum(row) if sum(row) else 0.0
            cells.append({"row": i, "column": j, "label": class_names[i], "prediction": class_names[j],
                          "images": int(count), "share": share, "dark": share > 0.5})  # fmt: skip
    if not cells:
        return empty("no predictions have been recorded")
    tooltip = ["label:N", "prediction:N", "images:Q", alt.Tooltip("share:Q", format=".1%", title="share of the class")]
    if len(class_names) > MOST_CLASSES:
        return _confusions(cells, tooltip, width)
    side = max(22, min(64, (width - 120) // len(class_names)))
    x = alt.X("prediction:N", sort=list(class_names), title="predicted as",
              axis=alt.Axis(orient="top", labelAngle=0 if len(class_names) < 4 else -45, labelLimit=110,
                            domain=False, ticks=False))  # fmt: skip
    y = alt.Y("label:N", sort=list(class_names), title="label",
              axis=alt.Axis(labelLimit=110, domain=False, ticks=False))  # fmt: skip
    base = alt.Chart(data(cells)).encode(x=x, y=y)
    squares = base.mark_rect(stroke="#FFFFFF", strokeWidth=1).encode(
        color=alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], range=["#F4F8FC", "#08519C"]), legend=None),
        tooltip=tooltip,
    )  # fmt: skip
    numbers = base.mark_text(fontSize=11 if side > 30 else 9).encode(
        text=alt.condition("datum.images > 0", alt.Text("images:Q", format=",d"), alt.value("")),
        color=alt.condition("datum.dark", alt.value("#FFFFFF"), alt.value("#222222")),
    )
    return alt.layer(squares, numbers).properties(width=side * len(class_names), height=side * len(class_names))


def _confusions(cells: list[dict[str, Any]], tooltip: list[Any], width: int) -> Chart:
    wrong = sorted((c for c in cells if c["row"] != c["column"] and c["images"]), key=lambda c: -c["images"])
    worst = [{**c, "confusion": f"{c['label']} → {c['prediction']}"} for c in wrong[:MOST_CLASSES]]
    if not worst:
        return empty("no test image was taken for another class")
    return (
        alt.Chart(data(worst))
        .mark_bar(color=PALETTE[0])
        .encode(
            x=alt.X("images:Q", title="test images", axis=alt.Axis(tickMinStep=1, format="~s")),
            y=names_axis("confusion", [c["confusion"] for c in worst], "label → predicted as", limit=240),
            tooltip=tooltip,
        )
        .properties(width=width, height=20 * len(worst) + 10)
    )


def reliability(curves: Mapping[str, Sequence[Row] | None], colors: Mapping[str, str], width: int = 360) -> Chart:
    """Draws the share of predictions that are right against the probability that was given to them.

    Args:
        curves: For each candidate its ``reliability``, as :func:`workbench.judge.metrics.calibration` returns it.
        colors: See :func:`colors`.
        width: In pixels; the chart is a square.
    """
    points = [
        {"candidate": name, **{key: at[key] for key in ("confidence", "accuracy", "images")}}
        for name, curve in curves.items()
        if name != BASELINE
        for at in curve or ()
    ]
    if not points:
        return empty("no candidate gave probabilities")
    unit = alt.Scale(domain=[0, 1])
    x = alt.X(
        "confidence:Q", scale=unit, axis=alt.Axis(format="~%", tickCount=5), title="probability given to predictions"
    )
    y = alt.Y("accuracy:Q", scale=unit, axis=alt.Axis(format="~%", tickCount=5), title="share of them that are right")
    ideal = alt.Chart(data([{"confidence": end, "accuracy": end} for end in (0, 1)]))
    drawn = alt.Chart(data(points)).encode(x=x, y=y, color=colour(colors, curves))
    return alt.layer(
        ideal.mark_line(color=GREY, strokeDash=[5, 4], strokeWidth=1).encode(x=x, y=y),
        drawn.mark_line(strokeWidth=2),
        drawn.mark_circle(opacity=0.9).encode(
            size=alt.Size("images:Q", scale=alt.Scale(range=[20, 260]), legend=None),
            tooltip=["candidate:N", alt.Tooltip("confidence:Q", format=".3f"), alt.Tooltip("accuracy:Q", format=".3f"),
                     "images:Q"],
        ),
    ).properties(width=width, height=width)  # fmt: skip


def class_recall(
    recalls: Mapping[str, Mapping[str, float | None] | None], colors: Mapping[str, str], width: int = WIDTH
) -> Chart:
    """Draws the recall of each class, one bar a candidate; of more than 20 classes, of the hardest ones.

    Args:
        recalls: For each candidate its ``per_class_recall``, by name of the class.
        colors: See :func:`colors`.
        width: In pixels.
    """
    bars: list[dict[str, Any]] = [
        {"candidate": name, "label": label, "recall": recall}
        for name, of in recalls.items()
        if name != BASELINE
        for label, recall in (of or {}).items()
        if recall is not None
    ]
    if not bars:
        return empty("no candidate has been tested")
    classes = list(dict.fromkeys(bar["label"] for bar in bars))
    if len(classes) > MOST_CLASSES:
        classes = sorted(classes, key=lambda c: sum(b["recall"] for b in bars if b["label"] == c))[:MOST_CLASSES]
        bars = [bar for bar in bars if bar["label"] in classes]
    names = [name for name in colors if any(bar["candidate"] == name for bar in bars)]
    step = max(5, 16 - 2 * len(names))
    return (
        alt.Chart(data(bars))
        .mark_bar()
        .encode(
            x=alt.X("recall:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="~%"),
                    title="recall: share of the class's test images predicted right"),
            y=names_axis("label", classes),
            yOffset=alt.YOffset("candidate:N", sort=names),
            color=colour(colors, names),
            tooltip=["candidate:N", "label:N", alt.Tooltip("recall:Q", format=".3f")],
        )
        .properties(width=width, height=len(classes) * (step * len(names) + 8))
    )  # fmt: skip
