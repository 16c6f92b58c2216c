"""The classifier ``mlp``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def mlp(trial: Trial, task: Task) -> Any:
    """Shallow neural network: one or two hidden layers over the features, stopped when it no longer improves."""
    from workbench_plugins.classifiers.scaling import scaler
    from workbench_plugins.classifiers.shallow_network import ShallowNetwork

    width = trial.suggest_int("width", 16, 512, log=True)
    layers = trial.suggest_int("layers", 1, 2)
    return ShallowNetwork(
        hidden_layer_sizes=(width,) * layers,
        alpha=trial.suggest_float("alpha", 1e-6, 1e1, log=True),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        batch_size=trial.suggest_categorical("batch_size", [32, 64, 128, 256]),
        scaler=scaler(trial),
        random_state=task.seed,
    )


def _start(task: Task) -> dict[str, Any]:
    return {"width": 256, "layers": 1, "alpha": 0.1, "learning_rate": 1e-3, "batch_size": 128, "scale": "each"}


mlp.start = _start  # type: ignore[attr-defined]
mlp.preload = ("workbench_plugins.classifiers.shallow_network", "workbench_plugins.classifiers.scaling")  # type: ignore[attr-defined]
