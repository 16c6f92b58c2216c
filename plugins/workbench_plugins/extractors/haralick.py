"""The extractor ``haralick``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin import Task, Trial

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def haralick(trial: Trial, task: Task) -> Any:
    """Haralick's properties of grey-level co-occurrence matrices, on a spatial grid: how grey values neighbour."""
    from sklearn.preprocessing import FunctionTransformer

    settings = {
        "levels": trial.suggest_categorical("levels", [8, 16, 32]),
        "distances": tuple(2**k for k in range(trial.suggest_int("distances", 1, 3))),
        "grid": trial.suggest_int("grid", 1, 3),
        "n_jobs": task.n_jobs,
    }
    return FunctionTransformer(haralick_features, kw_args=settings)


def _start(task: Task) -> dict[str, Any]:
    return {"levels": 16, "distances": 2, "grid": 1}


haralick.start = _start  # type: ignore[attr-defined]
haralick.preload = ("workbench_plugins.kernels.haralick", "sklearn.preprocessing")  # type: ignore[attr-defined]


def haralick_features(
    images: npt.NDArray[np.uint8],
    levels: int = 16,
    distances: tuple[int, ...] = (1, 2),
    grid: int = 1,
    n_jobs: int = 1,
) -> npt.NDArray[np.float32]:
    """Returns for each cell, distance and direction (0, 45, 90, 135 degrees) six properties of the matrix.

    Haralick, Shanmugam and Dinstein, IEEE SMC 1973. They are contrast, dissimilarity, homogeneity, ASM, correlation and
    entropy of ``skimage.feature.graycomatrix(..., symmetric=True, normed=True)`` on the luminance, rounded to uint8 and
    cut into levels.

    Args:
        images: ``(n, height, width, 1 or 3)``, uint8; colour is turned to luminance.
        levels: Grey levels.
        distances: Between the pixels of a pair, in pixels; along a diagonal so many to the side and so many down, as
            Haralick has it (for scikit-image that is a distance of ``2 ** 0.5`` times as much).
        grid: Cells along each side; a pair lies in one cell.
        n_jobs: Number of threads.

    Returns:
        ``(n, grid * grid * distances * 4 * 6)``, float32.
    """
    import numpy as np

    from workbench_plugins.extractors.batches import cell_borders, in_batches
    from workbench_plugins.kernels.haralick import PROPERTIES, haralick_cells

    offsets = np.array([offset for d in distances for offset in ((0, d), (d, d), (d, 0), (d, -d))], np.int64)
    borders = cell_borders(images.shape[1], grid), cell_borders(images.shape[2], grid), grid
    return in_batches(
        lambda batch, features: haralick_cells(batch, levels, offsets, *borders, features),
        images,
        grid * grid * len(offsets) * len(PROPERTIES),
        n_jobs,
    )
