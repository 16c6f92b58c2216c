"""The classifier ``knn``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def knn(trial: Trial, task: Task) -> Any:
    """Nearest neighbours over standardised features."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(),
        KNeighborsClassifier(
            n_neighbors=trial.suggest_int("n_neighbors", 1, min(50, max(1, task.n_train // 2)), log=True),
            weights=trial.suggest_categorical("weights", ["uniform", "distance"]),
            metric=trial.suggest_categorical("metric", ["euclidean", "cosine"]),
            n_jobs=task.n_jobs,
        ),
    )


def _start(task: Task) -> dict[str, Any]:
    return {"n_neighbors": 5, "weights": "distance", "metric": "cosine"}


knn.start = _start  # type: ignore[attr-defined]
knn.preload = ("sklearn.neighbors", "sklearn.preprocessing", "sklearn.pipeline")  # type: ignore[attr-defined]
