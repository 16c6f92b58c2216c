"""The classifier ``bayes``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def bayes(trial: Trial, task: Task) -> Any:
    """Gaussian naive Bayes: the simplest model of the features."""
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(var_smoothing=trial.suggest_float("var_smoothing", 1e-9, 1.0, log=True))


def _start(task: Task) -> dict[str, Any]:
    return {"var_smoothing": 1e-3}


bayes.start = _start  # type: ignore[attr-defined]
bayes.preload = ("sklearn.naive_bayes", "sklearn.pipeline")  # type: ignore[attr-defined]
