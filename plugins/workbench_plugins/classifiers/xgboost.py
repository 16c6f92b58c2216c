"""The classifier ``xgboost``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def xgboost(trial: Trial, task: Task) -> Any:
    """Gradient-boosted trees (XGBoost)."""
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=trial.suggest_int("n_estimators", 50, 400, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.03, 0.5, log=True),
        max_depth=trial.suggest_int("max_depth", 2, 8),
        min_child_weight=trial.suggest_float("min_child_weight", 0.5, 20, log=True),
        subsample=trial.suggest_float("subsample", 0.5, 1.0),
        colsample_bytree=trial.suggest_float("colsample_bytree", 0.1, 1.0, log=True),
        reg_lambda=trial.suggest_float("reg_lambda", 1e-2, 1e2, log=True),
        tree_method="hist",
        n_jobs=task.n_jobs,
        random_state=task.seed,
    )


xgboost.preload = ("xgboost", "sklearn.pipeline")  # type: ignore[attr-defined]
