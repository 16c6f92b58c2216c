"""The classifier ``forest``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def forest(trial: Trial, task: Task) -> Any:
    """Random forest."""
    from sklearn.ensemble import RandomForestClassifier

    from workbench_plugins.classifiers.balance import class_weight

    return RandomForestClassifier(
        n_estimators=trial.suggest_int("n_estimators", 100, 500, log=True),
        max_features=trial.suggest_float("max_features", 0.01, 0.5, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 10, log=True),
        class_weight=class_weight(trial, task),
        n_jobs=task.n_jobs,
        random_state=task.seed,
    )


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    return {"n_estimators": 300, "max_features": 0.05, "min_samples_leaf": 1, **balance.start(task)}


# As of scikit-learn's own forest: bootstrap draws images, so that a weight is not a repetition of an image.
_REASON = "trees on bootstrap samples are only statistically the same"
forest.expected_failed_checks = {  # type: ignore[attr-defined]
    "check_sample_weight_equivalence_on_dense_data": _REASON,
    "check_sample_weight_equivalence_on_sparse_data": _REASON,
}
forest.start = _start  # type: ignore[attr-defined]
forest.preload = ("sklearn.ensemble", "sklearn.pipeline")  # type: ignore[attr-defined]
