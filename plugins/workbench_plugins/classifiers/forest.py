"""The classifier ``forest``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def forest(trial: Trial, task: Task) -> Any:
    """Random forest."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=trial.suggest_int("n_estimators", 100, 500, log=True),
        max_features=trial.suggest_float("max_features", 0.01, 0.5, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 10, log=True),
        n_jobs=task.n_jobs,
        random_state=task.seed,
    )


def _start(task: Task) -> dict[str, Any]:
    return {"n_estimators": 300, "max_features": 0.05, "min_samples_leaf": 1}


forest.start = _start  # type: ignore[attr-defined]
forest.preload = ("sklearn.ensemble", "sklearn.pipeline")  # type: ignore[attr-defined]
