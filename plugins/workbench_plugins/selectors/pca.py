"""The selector ``pca``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def pca(trial: Trial, task: Task) -> Any:
    """Principal components (randomised) of the features."""
    from sklearn.pipeline import make_pipeline

    from workbench_plugins.classifiers.scaling import scaler
    from workbench_plugins.selectors.components import PrincipalComponents

    components = trial.suggest_int("components", 16, 512, log=True)
    return make_pipeline(scaler(trial), PrincipalComponents(components, random_state=task.seed))


def _start(task: Task) -> dict[str, Any]:
    return {"components": 128, "scale": "alike"}


pca.start = _start  # type: ignore[attr-defined]
pca.preload = ("workbench_plugins.selectors.components", "workbench_plugins.classifiers.scaling")  # type: ignore[attr-defined]
