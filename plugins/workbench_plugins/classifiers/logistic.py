"""The classifier ``logistic``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def logistic(trial: Trial, task: Task) -> Any:
    """Logistic regression, multinomial, with an L2 penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(),
        LogisticRegression(C=trial.suggest_float("C", 1e-5, 1e2, log=True), max_iter=500, random_state=task.seed),
    )


def _start(task: Task) -> dict[str, Any]:
    return {"C": 0.01}


logistic.start = _start  # type: ignore[attr-defined]
logistic.preload = ("sklearn.linear_model", "sklearn.preprocessing", "sklearn.pipeline")  # type: ignore[attr-defined]
