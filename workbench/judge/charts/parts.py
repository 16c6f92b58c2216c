"""What charts share: colours, axes and data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from workbench.candidate import BASELINE

#: Told apart by the colour-blind too: Okabe and Ito's without black and yellow, which vanish on dark and on white; then
#: some of Paul Tol's muted ones.
PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#AA4466", "#999933", "#44AA99", "#8877CC",
)  # fmt: skip
GREY = "#7F7F7F"
TEXT = "currentColor"  # that of the page: dark on light, light on dark
WIDTH, HEIGHT, FONT_SIZE = 560, 340, 12  # pixels

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
Row = Mapping[str, Any]


def colors(candidates: Iterable[str]) -> dict[str, str]:
    """Gives every candidate its colour, the same in every chart: by the order of the run, and grey for the baseline."""
    names = [name for name in dict.fromkeys(candidates) if name != BASELINE]
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)} | {BASELINE: GREY}


def is_number(value: Any) -> bool:
    """Whether a value can be drawn."""
    return isinstance(value, int | float) and math.isfinite(value)


def data(rows: Sequence[Row]) -> pd.DataFrame:
    """Returns data as every Streamlit takes them: an older one drops those that are no frame."""
    return pd.DataFrame([dict(row) for row in rows])


def empty(says: str) -> alt.Chart:
    """A chart with nothing in it but the reason."""
    text = alt.Chart(data([{"says": says}])).mark_text(fontSize=13, color=GREY)
    return text.encode(text="says:N").properties(width=WIDTH, height=60)


def colour(colors: Mapping[str, str], present: Iterable[str], legend: bool = True) -> alt.Color:
    """Returns the colours of the candidates that are present, in the order of the run."""
    here = set(present)
    names = [name for name in colors if name in here and (name != BASELINE or not legend)]
    columns = 3 if sum(map(len, names[:3])) < 25 else 1 if max(map(len, names)) > 30 else 2  # a phone's width
    return alt.Color(
        "candidate:N",
        scale=alt.Scale(domain=names, range=[colors[name] for name in names]),
        legend=alt.Legend(orient="bottom", title=None, columns=columns, labelLimit=300, symbolOpacity=1)
        if legend
        else None,
    )


def names_axis(field: str, names: Sequence[str], title: str | None = None, limit: int = 180) -> alt.Y:
    """Returns an axis of names in the order given."""
    return alt.Y(
        f"{field}:N", sort=list(names), title=title, axis=alt.Axis(labelLimit=limit, domain=False, ticks=False)
    )


def seconds_axis() -> alt.Axis:
    """Returns a logarithmic axis of seconds, without the crowd of its grid lines."""
    return alt.Axis(format="~g", tickCount=6, labelOverlap="greedy", grid=False)


def images_axis() -> alt.X:
    """Returns the logarithmic axis of a learning curve."""
    return alt.X("images:Q", scale=alt.Scale(type="log", nice=False, padding=12),
                 axis=alt.Axis(format="~s", tickCount=6, labelOverlap="greedy", grid=False),
                 title="number of training images (log)")  # fmt: skip


def of_field(name: str, like: alt.Y) -> alt.Y:
    """Returns an axis like another, of another field."""
    axis = like.copy()
    axis.shorthand = f"{name}:Q"
    return axis
