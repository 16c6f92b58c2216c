"""The extractor ``hog``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Skip, Task, Trial


def hog(trial: Trial, task: Task) -> Any:
    """Histograms of oriented gradients: the shape of things, cell by cell."""
    from workbench_plugins.extractors.hog_transformer import HOG

    cell = trial.suggest_categorical("pixels_per_cell", _cells(task))
    block = trial.suggest_int("cells_per_block", 1, 3)
    return HOG(
        orientations=trial.suggest_int("orientations", 6, 12),
        pixels_per_cell=(cell, cell),
        cells_per_block=(block, block),
        block_norm=trial.suggest_categorical("block_norm", ["L2-Hys", "L2", "L1"]),
        n_jobs=task.n_jobs,
    )


def _cells(task: Task) -> list[int]:
    """Returns the sizes of cells, in pixels, that cut the image into 3 to 10 along its shorter side."""
    side = min(task.image_shape[:2])
    cells = [size for size in (4, 6, 7, 8, 12, 16, 24, 32) if 3 <= side / size <= 10]
    if not cells:
        raise Skip(f"images of {side} pixels are too small for gradient histograms")
    return cells


def _start(task: Task) -> dict[str, Any]:
    cell = min(_cells(task), key=lambda size: abs(size - min(task.image_shape[:2]) / 8))
    return {"pixels_per_cell": cell, "cells_per_block": 2, "orientations": 9, "block_norm": "L2-Hys"}


hog.start = _start  # type: ignore[attr-defined]
hog.preload = ("workbench_plugins.extractors.hog_transformer",)  # type: ignore[attr-defined]


def __getattr__(name: str) -> Any:
    """Lets ``from workbench_plugins.extractors.hog import HOG`` work without loading Numba for a mere listing."""
    if name == "HOG":
        from workbench_plugins.extractors.hog_transformer import HOG

        return HOG
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
