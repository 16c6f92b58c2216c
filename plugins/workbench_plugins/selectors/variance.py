"""The selector ``variance``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def variance(trial: Trial, task: Task) -> Any:
    """The features that vary most, with whatever class."""
    from sklearn.feature_selection import SelectPercentile

    from workbench_plugins.selectors.scores import variances

    return SelectPercentile(variances, percentile=trial.suggest_int("percentile", 5, 100, log=True))


def _start(task: Task) -> dict[str, Any]:
    return {"percentile": 50}


variance.start = _start  # type: ignore[attr-defined]
variance.preload = ("sklearn.feature_selection", "sklearn.pipeline")  # type: ignore[attr-defined]
