"""The selector ``kbest``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def kbest(trial: Trial, task: Task) -> Any:
    """The best features by ANOVA F-value between feature and class."""
    from sklearn.feature_selection import SelectPercentile, f_classif

    return SelectPercentile(f_classif, percentile=trial.suggest_int("percentile", 5, 100, log=True))


def _start(task: Task) -> dict[str, Any]:
    return {"percentile": 50}


kbest.start = _start  # type: ignore[attr-defined]
kbest.preload = ("sklearn.feature_selection", "sklearn.pipeline")  # type: ignore[attr-defined]
