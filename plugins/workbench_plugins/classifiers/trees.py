"""What the two ensembles of trees ask a trial for."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial
from workbench_plugins.classifiers import balance


def settings(trial: Trial, task: Task) -> dict[str, Any]:
    """Returns the arguments of scikit-learn's forests that a trial chooses, and those that the task gives."""
    return {
        "n_estimators": trial.suggest_int("n_estimators", 100, 500, log=True),
        "max_features": trial.suggest_float("max_features", 0.01, 0.5, log=True),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 10, log=True),
        "class_weight": balance.class_weight(trial, task),
        "n_jobs": task.n_jobs,
        "random_state": task.seed,
    }


def start(task: Task) -> dict[str, Any]:
    """Returns what is tried first."""
    return {"n_estimators": 300, "max_features": 0.05, "min_samples_leaf": 1, **balance.start(task)}
