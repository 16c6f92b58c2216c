"""The selector ``l1``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def l1(trial: Trial, task: Task) -> Any:
    """The features that a sparse linear SVM uses."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from workbench_plugins.selectors.sparse import SparseSelector

    looseness = trial.suggest_float("looseness", 2.0, 200.0, log=True)
    return make_pipeline(StandardScaler(), SparseSelector(looseness, random_state=task.seed))


def _start(task: Task) -> dict[str, Any]:
    return {"looseness": 30.0}


l1.start = _start  # type: ignore[attr-defined]
l1.preload = ("workbench_plugins.selectors.sparse",)  # type: ignore[attr-defined]
