"""The selector ``mutual-info``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def mutual_info(trial: Trial, task: Task) -> Any:
    """The features that tell most about the class, by mutual information: also what no straight line shows."""
    from sklearn.feature_selection import SelectPercentile

    from workbench_plugins.selectors.scores import mutual_information

    return SelectPercentile(mutual_information, percentile=trial.suggest_int("percentile", 5, 100, log=True))


def _start(task: Task) -> dict[str, Any]:
    return {"percentile": 50}


mutual_info.start = _start  # type: ignore[attr-defined]
mutual_info.preload = ("sklearn.feature_selection", "sklearn.pipeline")  # type: ignore[attr-defined]
