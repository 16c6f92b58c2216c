"""The classifier ``linear-svm``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def linear_svm(trial: Trial, task: Task) -> Any:
    """Linear support vector machine, one class against the rest."""
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    from workbench_plugins.classifiers.balance import class_weight
    from workbench_plugins.classifiers.scaling import scaler

    scale = scaler(trial)
    machine = LinearSVC(
        C=trial.suggest_float("C", 1e-6, 1e1, log=True),
        class_weight=class_weight(trial, task),
        max_iter=2000,
        random_state=task.seed,
    )
    return make_pipeline(scale, machine)


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    return {"scale": "each", "C": 1e-3, **balance.start(task)}


_REASON = "coordinate descent visits images in an order that depends on their number"
linear_svm.expected_failed_checks = {  # type: ignore[attr-defined]
    "check_sample_weight_equivalence_on_dense_data": _REASON,
    "check_sample_weight_equivalence_on_sparse_data": _REASON,
}
linear_svm.start = _start  # type: ignore[attr-defined]
linear_svm.preload = ("sklearn.svm", "workbench_plugins.classifiers.scaling")  # type: ignore[attr-defined]
