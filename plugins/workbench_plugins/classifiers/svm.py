"""The classifier ``svm``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def svm(trial: Trial, task: Task) -> Any:
    """Support vector machine with an RBF kernel."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from workbench_plugins.classifiers.kernel_machine import RBFMachine

    return make_pipeline(
        StandardScaler(),
        RBFMachine(
            C=trial.suggest_float("C", 1e-1, 1e3, log=True),
            gamma=trial.suggest_float("gamma", 1e-5, 1e-2, log=True),
            random_state=task.seed,
        ),
    )


def _start(task: Task) -> dict[str, Any]:
    return {"C": 10.0, "gamma": 1e-3}


svm.start = _start  # type: ignore[attr-defined]
svm.preload = (  # type: ignore[attr-defined]
    "workbench_plugins.classifiers.kernel_machine",
    "sklearn.preprocessing",
    "sklearn.pipeline",
)
