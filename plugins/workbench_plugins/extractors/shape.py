"""The extractor ``shape``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin import Task, Trial

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def shape(trial: Trial, task: Task) -> Any:
    """Shape of the bright and the dark region by Otsu's threshold: Hu's moments, area, eccentricity, solidity, ..."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(shape_features, kw_args={"n_jobs": task.n_jobs})


shape.preload = ("workbench_plugins.kernels.shape", "sklearn.preprocessing")  # type: ignore[attr-defined]


def shape_features(images: npt.NDArray[np.uint8], n_jobs: int = 1) -> npt.NDArray[np.float32]:
    """Returns Otsu's threshold and, for the largest bright and the largest dark region, 17 numbers.

    They are: seven moments of Hu (IRE Trans. IT 1962), ``sign * log10(1 + 1e8 * |moment|)``; area by the image's;
    eccentricity; extent (area by bounding box); solidity (area by convex hull); the axes of the ellipse of equal
    moments, by the image's longer side; the number of border pixels, squared, by area; row and column of the centre, 0
    to 1; and ``log2(1 + regions)``. Threshold, moments, area, eccentricity, extent and axes equal scikit-image's
    ``threshold_otsu`` and ``regionprops``; its convex hull is drawn in pixels, ours is the polygon of their corners.

    Args:
        images: ``(n, height, width, 1 or 3)``, uint8; colour is turned to luminance.
        n_jobs: Number of threads.

    Returns:
        ``(n, 35)``, float32.
    """
    from workbench_plugins.extractors.batches import in_batches
    from workbench_plugins.kernels.shape import NUMBERS, shape_regions

    return in_batches(shape_regions, images, 1 + 2 * NUMBERS, n_jobs)
