"""The extractor ``hog``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Skip, Task, Trial


# Extractors ask in coarse steps: a finer one gains little, and features that were asked for before are in the cache.
def hog(trial: Trial, task: Task) -> Any:
    """Histograms of oriented gradients: the shape of things, cell by cell."""
    from workbench_plugins.extractors.hog_transformer import HOG

    side = min(task.image_shape[:2])
    margin, enlarge, most = 0, 1, _most_cells(side)
    if side <= _SMALL:
        margin = trial.suggest_categorical("margin", [0, 2, 4])
        enlarge = trial.suggest_categorical("enlarge", [1, 2, 3])
    cell = round(enlarge * (side + 2 * margin) / trial.suggest_int("cells", 4, most))
    block = trial.suggest_int("cells_per_block", 1, 3)
    return HOG(
        orientations=trial.suggest_int("orientations", 6, 12, step=3),
        pixels_per_cell=(cell, cell),
        cells_per_block=(block, block),
        block_norm=trial.suggest_categorical("block_norm", ["L2-Hys", "L2"]),
        margin=margin,
        enlarge=enlarge,
        n_jobs=task.n_jobs,
    )


#: Images up to so many pixels have too few of them for fine cells; enlarged, and with a margin, they do better.
_SMALL = 48


def _most_cells(side: int) -> int:
    """Returns the most cells along the shorter side, which has so many pixels: cells keep at least two."""
    most = min(12, side // 2)
    if most < 4:
        raise Skip(f"images of {side} pixels are too small for gradient histograms")
    return most


def _start(task: Task) -> dict[str, Any]:
    side = min(task.image_shape[:2])
    small = {"margin": 2, "enlarge": 2, "orientations": 12} if side <= _SMALL else {"orientations": 9}
    return {**small, "cells": min(8, _most_cells(side)), "cells_per_block": 2, "block_norm": "L2-Hys"}


def _picture(extractor: Any, image: Any) -> Any:
    """Draws the gradients of each cell as a star (scikit-image's drawing)."""
    import numpy as np
    from skimage.feature import hog as draw

    from workbench_plugins.extractors.hog_transformer import enlarged

    pixels = enlarged(image[None], extractor.margin, extractor.enlarge)[0]
    times = max(1, 256 // min(pixels.shape[:2]))  # lines need room
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    cell = tuple(times * side for side in extractor.pixels_per_cell)
    settings = {"orientations": extractor.orientations, "cells_per_block": extractor.cells_per_block}
    _, drawn = draw(pixels, pixels_per_cell=cell, visualize=True, channel_axis=-1, **settings)
    return (255 * np.clip(drawn / (np.percentile(drawn, 99.5) or 1), 0, 1)).astype(np.uint8)


hog.start = _start  # type: ignore[attr-defined]
hog.picture = _picture  # type: ignore[attr-defined]
hog.preload = ("workbench_plugins.extractors.hog_transformer",)  # type: ignore[attr-defined]


def __getattr__(name: str) -> Any:
    """Lets ``from workbench_plugins.extractors.hog import HOG`` work without loading Numba for a mere listing."""
    if name == "HOG":
        from workbench_plugins.extractors.hog_transformer import HOG

        return HOG
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
