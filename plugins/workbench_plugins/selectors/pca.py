"""The selector ``pca``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def pca(trial: Trial, task: Task) -> Any:
    """Principal components of the standardised features, as many as explain a share of the variance."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    variance = trial.suggest_float("variance", 0.7, 0.99)
    return make_pipeline(StandardScaler(), PCA(variance, svd_solver="full", random_state=task.seed))


def _start(task: Task) -> dict[str, Any]:
    return {"variance": 0.95}


pca.start = _start  # type: ignore[attr-defined]
pca.preload = ("sklearn.decomposition", "sklearn.preprocessing", "sklearn.pipeline")  # type: ignore[attr-defined]
