"""The classifier ``logistic``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def logistic(trial: Trial, task: Task) -> Any:
    """Logistic regression, multinomial, with an L2 penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from workbench_plugins.classifiers.balance import class_weight
    from workbench_plugins.classifiers.scaling import scaler

    scale = scaler(trial)
    regression = LogisticRegression(
        C=trial.suggest_float("C", 1e-5, 1e2, log=True),
        class_weight=class_weight(trial, task),
        max_iter=500,
        random_state=task.seed,
    )
    return make_pipeline(scale, regression)


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    return {"scale": "each", "C": 0.01, **balance.start(task)}


logistic.start = _start  # type: ignore[attr-defined]
logistic.preload = ("sklearn.linear_model", "workbench_plugins.classifiers.scaling")  # type: ignore[attr-defined]
