"""The network ``speedrun``."""

from __future__ import annotations

import functools
from typing import Any

from workbench.plugin import Skip, Task, Trial


def speedrun(trial: Trial, task: Task) -> Any:
    """Network made to reach a good accuracy in seconds on one GPU: whitened first layer, large steps (Keras)."""
    from workbench_plugins.networks.speedrun_classifier import SpeedrunClassifier, build_speedrun

    if min(task.image_shape[:2]) < 16:
        raise Skip("needs images of at least 16 pixels a side")
    build = functools.partial(build_speedrun, width=trial.suggest_categorical("width", _widths(task)))
    return SpeedrunClassifier(
        build,
        epochs=trial.suggest_int("epochs", 5, 30, log=True),
        batch_size=trial.suggest_categorical("batch_size", [128, 256, 512, 1024]),
        learning_rate=trial.suggest_float("learning_rate", 0.03, 3.0, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-5, 1e-2, log=True),
        label_smoothing=0.2,
        augmentation=trial.suggest_categorical("augmentation", ["shift", "shift+flip"]),
        device=task.device,
        seed=task.seed,
        deterministic=task.deterministic,
    )


def _widths(task: Task) -> list[int]:
    return [32, 64, 128] if task.device == "gpu" else [8, 16, 32]


def _start(task: Task) -> dict[str, Any]:
    gpu = task.device == "gpu"
    return {
        "width": 64 if gpu else 16,
        "epochs": 10,
        "batch_size": 1024 if gpu and task.n_train >= 20_000 else 128,
        "learning_rate": 0.5,
        "weight_decay": 5e-4,
        "augmentation": "shift+flip" if task.image_shape[2] == 3 else "shift",
    }


speedrun.start = _start  # type: ignore[attr-defined]
speedrun.preload = ("workbench_plugins.networks.speedrun_classifier", "sklearn.pipeline")  # type: ignore[attr-defined]
