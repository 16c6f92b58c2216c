"""The trials of a candidate: Optuna's own plots, and what failed and why."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.judge import charts
from workbench.tuning.trials import TrialSummary, best_of
from workbench_dashboard import data, frame, trial_plots


def page() -> None:
    """Draws the page."""
    opened = frame.choose_run()
    if opened is None:
        return
    names = [name for name in opened.specification["candidates"] if name != "baseline"] or ["baseline"]
    name = st.segmented_control("Candidate", names, default=names[0], required=True, key=f"trials_{opened.name}")
    trials = data.trials(opened.name, name)
    if not trials:
        st.info("No trial of this candidate has been started.", icon=":material/hourglass_empty:")
        return
    ended = [trial for trial in trials if trial.state not in ("RUNNING", "WAITING")]
    states = [trial.record["state"] for trial in trials]
    said = [f"**{states.count(state):,}** {state}" for state in ("complete", "pruned", "failed")]
    best = best_of(trials)
    if best is not None:
        said.append(f"best validation accuracy **{best.record['validation_accuracy']:.4f}**")
    st.markdown(" · ".join(said))
    _plots(opened.name, name, ended, charts.colors(opened.document["candidates"])[name])
    _not_complete([trial for trial in ended if trial.record["state"] != "complete"])


def _plots(run: str, candidate: str, ended: list[TrialSummary], color: str) -> None:
    complete = sum(trial.record["state"] == "complete" for trial in ended)
    if not complete:
        st.info("No trial has been completed, so there is nothing to plot.", icon=":material/hourglass_empty:")
        return
    kind = st.segmented_control("Plot", list(trial_plots.PLOTS), default="History", required=True, key="trials_plot")
    with st.spinner("Reading the trials ..."):
        figure = trial_plots.plot(str(data.workspace().path), run, candidate, len(ended), kind, color)
    if isinstance(figure, str):
        st.info(figure, icon=":material/info:")
        return
    st.plotly_chart(figure, width="stretch", key=f"plot_{run}_{candidate}_{kind}")
    if kind in trial_plots.LIMITED and complete > trial_plots.MOST:
        st.caption(f"The best {trial_plots.MOST:,} of {complete:,} completed trials are drawn.")


def _not_complete(trials: list[TrialSummary]) -> None:
    if not trials:
        return
    st.subheader("Trials that did not complete")
    rows: list[dict[str, Any]] = [
        {
            "trial": trial.number,
            "state": trial.record["state"],
            "reason": trial.record["reason"],
            "seconds": trial.record["trial_seconds"],
        }
        for trial in trials
    ]
    st.dataframe(rows, hide_index=True, column_config={"seconds": st.column_config.NumberColumn(format="%.2f")})
    traced = {trial.number: trial.record["traceback"] for trial in trials if trial.record.get("traceback")}
    if traced:
        number = st.selectbox("Traceback of trial", list(traced)[::-1], key="trials_traceback")
        with st.expander("Traceback, for whoever wrote the plugin"):
            st.code(traced[number], language=None)


page()
