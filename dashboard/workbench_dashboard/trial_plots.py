"""Optuna's plots of a candidate's trials. Loading many takes seconds: it is done once for each number of them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import streamlit as st

from workbench_dashboard import data

if TYPE_CHECKING:
    from optuna.study import Study

PLOTS = {
    "History": "plot_optimization_history",
    "Parameter importance": "plot_param_importances",
    "Parallel coordinates": "plot_parallel_coordinate",
    "Slices": "plot_slice",
    "Learning curves": "plot_intermediate_values",
}
#: Plots that draw every trial as a line or a point in each panel, and how many of the best they are given.
LIMITED, MOST = ("Parallel coordinates", "Slices", "Learning curves"), 500


def plot(path: str, run: str, candidate: str, ended: int, kind: str, color: str) -> Any:
    """Returns a Plotly figure, or why there is none.

    Args:
        path: The workspace.
        run: The run's name.
        candidate: The candidate.
        ended: Number of its trials that have ended.
        kind: A key of :data:`PLOTS`.
        color: The candidate's.
    """
    return _plot(path, run, candidate, ended, kind, color)


@st.cache_data(max_entries=32, show_spinner=False)
def _plot(path: str, run: str, candidate: str, ended: int, kind: str, color: str) -> Any:
    import optuna.visualization

    study = _study(path, run, candidate, ended)
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    if kind in LIMITED and len(complete) > MOST:
        study = _copy(sorted(complete, key=lambda trial: -(trial.value or 0.0))[:MOST])
    names = {name for trial in complete for name in trial.params}
    if not names and kind != "History" and kind != "Learning curves":
        return "This candidate has no parameters to tune."
    if kind == "Parameter importance" and len(complete) < 4:
        return "Parameter importance needs at least four completed trials."
    if kind == "Learning curves" and not any(trial.intermediate_values for trial in study.trials):
        return "This candidate does not learn step by step, so there are no learning curves."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            figure = getattr(optuna.visualization, PLOTS[kind])(study)
    except (ValueError, RuntimeError, ZeroDivisionError) as error:  # all trials alike, say
        return f"Optuna cannot draw this: {error}"
    sides = (
        {"t": 30, "l": 50, "r": 40, "b": 90} if kind == "Parallel coordinates" else {"t": 30, "l": 10, "r": 10, "b": 10}
    )
    figure.update_layout(title=None, margin=sides)
    if kind == "History":
        figure.update_traces(marker_color=color, selector={"mode": "markers"})
        figure.update_traces(line_color="#7F7F7F", selector={"mode": "lines"})
        figure.update_yaxes(title="validation accuracy")
        figure.update_layout(legend={"orientation": "h", "y": 1.12})
    elif kind == "Parameter importance":
        figure.update_traces(marker_color=color)
    return figure


@st.cache_resource(max_entries=8, show_spinner=False)
def _study(path: str, run: str, candidate: str, ended: int) -> Study:
    """Returns a copy in memory of a study's trials that have ended."""
    study = data.comparison(run).studies[candidate]
    return _copy([trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()])


def _copy(trials: list[Any]) -> Study:
    import optuna

    study = optuna.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(["validation accuracy"])
    study.add_trials(trials)
    return study
