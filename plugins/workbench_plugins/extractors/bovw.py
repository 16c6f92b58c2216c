"""The extractor ``bovw``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Skip, Task, Trial


def bovw(trial: Trial, task: Task) -> Any:
    """Bag of visual words: dense SIFT descriptors, told apart by a codebook learned from the training images."""
    from workbench_plugins.extractors.visual_words import BagOfVisualWords

    cells = _cells(task)
    return BagOfVisualWords(
        words=trial.suggest_categorical("words", [64, 128, 256, 512]),
        cell=trial.suggest_int("cell", *cells),
        step=_step(task),
        encoding=trial.suggest_categorical("encoding", ["hard", "triangle"]),
        grid=trial.suggest_int("grid", 1, 3),
        n_jobs=task.n_jobs,
        random_state=task.seed,
    )


def _cells(task: Task) -> tuple[int, int]:
    """Returns the least and the largest side of a cell, in pixels; a descriptor is four wide, an image twice that."""
    side = min(task.image_shape[:2])
    if side < 16:
        raise Skip(f"images of {side} pixels are too small for SIFT descriptors")
    return min(2, side // 8), max(2, min(8, side // 8))


def _step(task: Task) -> int:
    """Returns the step between descriptors that gives about 25 along the shorter side."""
    return max(1, round(min(task.image_shape[:2]) / 28))


def _start(task: Task) -> dict[str, Any]:
    return {"words": 256, "cell": min(3, _cells(task)[1]), "encoding": "triangle", "grid": 2}


bovw.start = _start  # type: ignore[attr-defined]
bovw.preload = ("workbench_plugins.extractors.visual_words",)  # type: ignore[attr-defined]
