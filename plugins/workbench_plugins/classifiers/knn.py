"""The classifier ``knn``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def knn(trial: Trial, task: Task) -> Any:
    """Nearest neighbours."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    from workbench_plugins.classifiers.scaling import scaler

    scale = scaler(trial)
    neighbours = KNeighborsClassifier(
        n_neighbors=trial.suggest_int("n_neighbors", 1, min(50, max(1, task.n_train // 2)), log=True),
        weights=trial.suggest_categorical("weights", ["uniform", "distance"]),
        metric=trial.suggest_categorical("metric", ["euclidean", "cosine"]),
        n_jobs=task.n_jobs,
    )
    return make_pipeline(scale, neighbours)


def _start(task: Task) -> dict[str, Any]:
    return {"scale": "alike", "n_neighbors": 5, "weights": "distance", "metric": "cosine"}


knn.start = _start  # type: ignore[attr-defined]
knn.preload = ("sklearn.neighbors", "workbench_plugins.classifiers.scaling")  # type: ignore[attr-defined]
