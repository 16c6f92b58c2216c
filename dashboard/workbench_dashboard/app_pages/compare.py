"""The verdict, accuracy against training time, the leaderboard, where the time went, and every pair."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from workbench.judge import charts
from workbench.judge.verdict import format_parameters, remarks_of
from workbench_dashboard import data, frame, measures
from workbench_dashboard.data import Opened
from workbench_dashboard.measures import CLOCKS, METRICS, leaderboard


def page() -> None:
    """Draws the page."""
    opened = frame.choose_tested_run()
    if opened is None:
        return
    _verdict(opened)
    metric, clock, chosen = _controls(opened)
    if not chosen:
        st.info("Pick at least one candidate.")
        return
    frame.draw_at_once(measures.chart(opened, chosen, metric, clock), "compare_drawn")
    st.caption("Filled points: no other candidate is both better and faster (the Pareto front). Bars: 95 % intervals.")
    _leaderboard(opened, chosen)
    _remarks(opened, chosen)
    _ledger(opened, chosen)
    _pairs(opened, chosen)
    _downloads(opened)


def _verdict(opened: Opened) -> None:
    first, _, rest = opened.document["verdict"].partition(". ")
    with st.container(border=True):
        st.markdown(f"#### {frame.plain(first.rstrip('.'))}.")
        if rest:
            st.markdown(frame.plain(rest))
        if opened.state != "finished":
            st.caption(f"This run is {opened.state}: the verdict is about what there is so far.")


def _controls(opened: Opened) -> tuple[str, str, list[str]]:
    rows, tested, usual = opened.document["leaderboard"], measures.competitors(opened), measures.usual_metric(opened)
    left, middle, right = st.columns([2, 2, 4])
    metrics = [name for name, metric in METRICS.items() if any(metric.of(row) is not None for row in rows)]
    return (
        left.selectbox("Metric", metrics, index=metrics.index(usual) if usual in metrics else 0, key="compare_metric"),
        middle.selectbox("Time", list(CLOCKS), key="compare_clock"),
        right.multiselect("Candidates", tested, default=tested, key=f"compare_candidates_{'|'.join(tested)}"),
    )


def _leaderboard(opened: Opened, chosen: list[str]) -> None:
    st.subheader("Leaderboard")
    untested = [row for row in opened.document["leaderboard"] if row["test_accuracy"] is None]
    table, columns = leaderboard([*measures.shown(opened, chosen), *untested])
    st.dataframe(table, hide_index=True, column_config=columns, placeholder="-")
    st.caption(
        "A click on a heading sorts. Training time is that of the refit on training and validation images, alone on "
        "the machine; trials: complete / pruned / failed."
    )


def _remarks(opened: Opened, chosen: list[str]) -> None:
    rows = measures.shown(opened, chosen)
    for row in rows:
        for remark in remarks_of(row):
            st.markdown(f":material/info: **{frame.plain(row['candidate'])}**: {frame.plain(remark)}")
    with st.expander("The parameters that were found"):
        for row in rows:
            if row["best_params"]:
                found = format_parameters(row["best_params"])
                st.markdown(f"**{frame.plain(row['candidate'])}**: {frame.plain(found)}")


def _ledger(opened: Opened, chosen: list[str]) -> None:
    st.subheader("Where the training time went")
    ledger = {name: phases for name, phases in opened.document["ledger"].items() if name in chosen}
    frame.draw(charts.ledger(ledger))
    st.caption("The refit and the test, by phase; compiling is warmup.")


def _pairs(opened: Opened, chosen: list[str]) -> None:
    rows = opened.document["leaderboard"]
    gains = [{**row["gain"], "a": row["candidate"], "b": row["gain"]["over"]} for row in rows if row.get("gain")]
    pairs = [p for p in (*opened.document["pairwise"], *gains) if {p["a"], p["b"]} <= {*chosen, "baseline"}]
    if not pairs:
        return
    st.subheader("Every pair")
    table = pd.DataFrame(
        {
            "candidate": [p["a"] for p in pairs],
            "against": [p["b"] for p in pairs],
            "difference (points)": [100 * p["difference"] for p in pairs],
            "from": [100 * p["low"] for p in pairs],
            "to": [100 * p["high"] for p in pairs],
            "p (Holm)": [p["p_holm"] for p in pairs],
            "evidence": ["yes" if p["p_holm"] < 0.05 else "no" for p in pairs],
        }
    )
    points = st.column_config.NumberColumn(format="%.1f")
    st.dataframe(
        table,
        hide_index=True,
        column_config={**dict.fromkeys(("difference (points)", "from", "to"), points),
                       **{side: measures.names_column(list(table[side])) for side in ("candidate", "against")},
                       "p (Holm)": st.column_config.NumberColumn(format="%.2g")},
    )  # fmt: skip
    st.caption(
        "Difference of test accuracy in percentage points with its 95 % paired bootstrap interval; p of the exact "
        "McNemar test after Holm's correction over all pairs of the run. An ensemble is held against the best of all "
        "candidates, and corrected for the number of ensembles."
    )


def _downloads(opened: Opened) -> None:
    st.subheader("Take it along")
    with st.container(horizontal=True):
        table = pd.DataFrame(opened.document["leaderboard"]).drop(columns=["metrics"])
        st.download_button(
            "Leaderboard (CSV)", table.to_csv(index=False), f"{opened.name}.csv", "text/csv", icon=":material/table:",
            on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Report (HTML)", partial(data.report, opened.name), f"{opened.name}.html", "text/html",
            icon=":material/description:", on_click="ignore",
        )  # fmt: skip


page()
