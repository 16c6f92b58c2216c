"""The classifier ``xgboost``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def xgboost(trial: Trial, task: Task) -> Any:
    """Gradient-boosted trees (XGBoost), with early stopping."""
    from workbench_plugins.classifiers.balance import class_weight
    from workbench_plugins.classifiers.boosting import BoostedTrees

    return BoostedTrees(
        learning_rate=trial.suggest_float("learning_rate", 0.05, 0.5, log=True),
        max_depth=trial.suggest_int("max_depth", 2, 8),
        min_child_weight=trial.suggest_float("min_child_weight", 0.5, 20, log=True),
        subsample=trial.suggest_float("subsample", 0.5, 1.0),
        colsample_bytree=trial.suggest_float("colsample_bytree", 0.05, 1.0, log=True),
        reg_lambda=trial.suggest_float("reg_lambda", 1e-2, 1e2, log=True),
        class_weight=class_weight(trial, task),
        device="cuda" if task.device == "gpu" else "cpu",
        n_jobs=task.n_jobs,
        random_state=task.seed,
    )


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    return {
        **balance.start(task),
        "learning_rate": 0.2,
        "max_depth": 4,
        "min_child_weight": 1.0,
        "subsample": 0.8,
        "colsample_bytree": 0.3,
        "reg_lambda": 1.0,
    }


xgboost.start = _start  # type: ignore[attr-defined]
xgboost.preload = ("workbench_plugins.classifiers.boosting", "sklearn.pipeline")  # type: ignore[attr-defined]
