"""The classifier ``svm``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial

#: From so many training images on, a trial may choose to approximate the kernel.
_LARGE = 10_000


def svm(trial: Trial, task: Task) -> Any:
    """Support vector machine with an RBF kernel; from 10,000 images on it may approximate the kernel."""
    from sklearn.pipeline import make_pipeline

    from workbench_plugins.classifiers.balance import class_weight
    from workbench_plugins.classifiers.kernel_machine import ApproximateRBFMachine, RBFMachine
    from workbench_plugins.classifiers.scaling import scaler

    settings: dict[str, Any] = {
        "C": trial.suggest_float("C", 1e-1, 1e3, log=True),
        "gamma": trial.suggest_float("gamma", 0.05, 10.0, log=True),
        "class_weight": class_weight(trial, task),
        "random_state": task.seed,
    }
    scale = scaler(trial)
    kernel = "exact"
    if task.n_train > _LARGE:
        kernel = trial.suggest_categorical("kernel", ["exact", "nystroem", "fourier"])
    if kernel == "exact":
        return make_pipeline(scale, RBFMachine(**settings))
    components = trial.suggest_int("components", 500, 4000, log=True)
    return make_pipeline(scale, ApproximateRBFMachine(method=kernel, components=components, **settings))


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    kernel = {"kernel": "exact"} if task.n_train > _LARGE else {}
    return {"C": 5.0, "gamma": 1.0, "scale": "alike", **kernel, **balance.start(task)}


svm.start = _start  # type: ignore[attr-defined]
svm.preload = ("workbench_plugins.classifiers.kernel_machine", "workbench_plugins.classifiers.scaling")  # type: ignore[attr-defined]
