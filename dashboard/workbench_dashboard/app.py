"""The dashboard's page: accuracy against training time, and the leaderboard. It reads; it never trains."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from workbench.judge import charts
from workbench_dashboard import data


def main() -> None:
    """Draws the page."""
    st.set_page_config(page_title="Workbench", page_icon=":material/compare:", layout="wide")
    st.title("Hand-crafted features or deep learning?")
    runs = data.run_names()
    if not runs:
        st.info(f"There are no runs in {data.workspace().path} yet. Start one in a terminal:")
        st.code("workbench tune digits", language="bash")
        return
    run = st.selectbox("Run", runs)
    document = data.document(run)
    if isinstance(document, str):
        st.warning(document)
        return
    rows, counts = document["leaderboard"], document["data"]["counts"]
    st.caption(
        f"{counts['images']:,} images, {len(document['data']['classes'])} classes: {counts['train']:,} to train, "
        f"{counts['val']:,} to validate, {counts['test']:,} to test. "
        f"Left out: {len(document['data']['skipped']):,} files."
    )
    if any(row["test_accuracy"] is not None for row in rows):
        st.subheader("Test accuracy against training time")
        st.altair_chart(charts.accuracy_against_time(rows, charts.colors(document["candidates"])), width="stretch")
    else:
        st.info("No candidate has been tested yet. This page fills as the run goes on.")
    st.subheader("Leaderboard")
    table = pd.DataFrame(rows)
    table["trials"] = [f"{t['complete']} / {t['pruned']} / {t['failed']}" for t in table["trials"]]
    shown = table.drop(columns=["best_params"]).rename(columns=lambda name: name.replace("_", " "))
    number = st.column_config.NumberColumn
    names = list(map(str, shown))
    accuracies = {name: number(format="%.4f") for name in names if "accuracy" in name}
    times = {name: number(format="%.2f") for name in names if "seconds" in name or name == "latency ms"}
    st.dataframe(shown, hide_index=True, column_config={**accuracies, **times})
    st.caption("trials: complete / pruned / failed; refit: training and validation images together, timed alone")


main()
