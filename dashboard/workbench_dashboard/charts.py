"""Charts: pure functions from rows of the leaderboard to a figure."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

#: One colour a family, told apart by the colour-blind too (Okabe and Ito).
FAMILY_COLOURS = {"hand-crafted": "#0072B2", "deep": "#D55E00", "baseline": "#7F7F7F"}


def accuracy_against_time(rows: list[dict[str, Any]]) -> alt.LayerChart | alt.FacetChart:
    """Draws test accuracy with its 95 % interval against the training time of the refit.

    Args:
        rows: Rows of the leaderboard; those without a test accuracy are left out.
    """
    table = pd.DataFrame([row for row in rows if row["test_accuracy"] is not None])
    table["refit_seconds"] = table["refit_seconds"].clip(lower=1e-3)  # a logarithmic axis has no zero
    time = alt.X("refit_seconds:Q", scale=alt.Scale(type="log"), title="training time of the refit (seconds, log)")
    colour = alt.Color(
        "family:N",
        scale=alt.Scale(domain=list(FAMILY_COLOURS), range=list(FAMILY_COLOURS.values())),
        legend=alt.Legend(orient="bottom", title=None),
    )
    base = alt.Chart(table).encode(x=time, color=colour)
    interval = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("test_accuracy_low:Q", title="test accuracy", scale=alt.Scale(zero=False)),
        y2="test_accuracy_high:Q",
    )
    points = base.mark_circle(size=120, opacity=1).encode(
        y=alt.Y("test_accuracy:Q", scale=alt.Scale(zero=False)),
        tooltip=[
            "candidate:N",
            alt.Tooltip("test_accuracy:Q", format=".4f"),
            alt.Tooltip("refit_seconds:Q", format=".3g"),
            alt.Tooltip("latency_ms:Q", format=".3g"),
        ],
    )
    labels = base.mark_text(align="left", dx=10, dy=-8).encode(y="test_accuracy:Q", text="candidate:N")
    return alt.layer(interval, points, labels).properties(height=380)
