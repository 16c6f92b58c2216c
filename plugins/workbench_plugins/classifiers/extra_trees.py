"""The classifier ``extra-trees``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def extra_trees(trial: Trial, task: Task) -> Any:
    """Extremely randomised trees."""
    from sklearn.ensemble import ExtraTreesClassifier

    from workbench_plugins.classifiers.balance import class_weight

    return ExtraTreesClassifier(
        n_estimators=trial.suggest_int("n_estimators", 100, 500, log=True),
        max_features=trial.suggest_float("max_features", 0.01, 0.5, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 10, log=True),
        class_weight=class_weight(trial, task),
        n_jobs=task.n_jobs,
        random_state=task.seed,
    )


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    return {"n_estimators": 300, "max_features": 0.05, "min_samples_leaf": 1, **balance.start(task)}


extra_trees.start = _start  # type: ignore[attr-defined]
extra_trees.preload = ("sklearn.ensemble", "sklearn.pipeline")  # type: ignore[attr-defined]
