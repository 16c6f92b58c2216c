"""The extractor ``edges``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin import Task, Trial

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def edges(trial: Trial, task: Task) -> Any:
    """Strength, Canny density and direction of edges (Sobel or Scharr), on a spatial grid."""
    from sklearn.preprocessing import FunctionTransformer

    settings = {
        "operator": trial.suggest_categorical("operator", ["sobel", "scharr"]),
        "sigma": trial.suggest_float("sigma", 0.5, 2.0, step=0.5),
        "grid": trial.suggest_int("grid", *_grids(task)),
        "orientations": trial.suggest_int("orientations", 4, 12, step=4),
        "n_jobs": task.n_jobs,
    }
    return FunctionTransformer(edge_features, kw_args=settings)


def _grids(task: Task) -> tuple[int, int]:
    """Returns the fewest and the most cells along a side: cells keep at least four pixels."""
    most = max(1, min(8, min(task.image_shape[:2]) // 4))
    return min(2, most), most


def _start(task: Task) -> dict[str, Any]:
    return {"operator": "sobel", "sigma": 1.0, "grid": min(4, _grids(task)[1]), "orientations": 8}


def _picture(extractor: Any, image: Any) -> Any:
    """Draws the strength of edges, and in orange those that Canny marks."""
    import numpy as np
    from skimage import color, feature, filters

    grey = color.rgb2gray(image) if image.shape[2] == 3 else image[..., 0] / 255
    operator, sigma = extractor.kw_args["operator"], extractor.kw_args["sigma"]
    strength = (filters.sobel if operator == "sobel" else filters.scharr)(grey)
    drawn = np.repeat((255 * np.clip(strength / (strength.max() or 1), 0, 1))[..., None], 3, axis=2)
    drawn[feature.canny(grey, sigma, 0.1, 0.2, mode="reflect")] = (230, 159, 0)
    return drawn.astype(np.uint8)


edges.start = _start  # type: ignore[attr-defined]
edges.picture = _picture  # type: ignore[attr-defined]
edges.preload = ("workbench_plugins.kernels.edges", "sklearn.preprocessing")  # type: ignore[attr-defined]


def edge_features(
    images: npt.NDArray[np.uint8],
    operator: str = "sobel",
    sigma: float = 1.0,
    low_threshold: float = 0.1,
    high_threshold: float = 0.2,
    grid: int = 4,
    orientations: int = 8,
    n_jobs: int = 1,
) -> npt.NDArray[np.float32]:
    """Returns for each cell: mean and spread of the edge strength, density of edges, histogram of their directions.

    Strength is ``skimage.filters.sobel`` or ``scharr`` of the luminance (0 to 1, rounded to 1/255). Density is the
    share of pixels that ``skimage.feature.canny(..., mode="reflect")`` marks; ours computes in single precision, which
    may turn a pixel in a thousand. Directions are binned exactly, those on the border of two bins in the upper one.

    Args:
        images: ``(n, height, width, 1 or 3)``, uint8; colour is turned to luminance.
        operator: ``"sobel"`` or ``"scharr"``.
        sigma: Standard deviation of Canny's smoothing, in pixels.
        low_threshold: Canny's lower threshold.
        high_threshold: Canny's upper threshold.
        grid: Cells along each side.
        orientations: Bins over 180 degrees, weighted by strength.
        n_jobs: Number of threads.

    Returns:
        ``(n, grid * grid * (3 + orientations))``, float32.
    """
    import numpy as np

    from workbench_plugins.extractors.batches import cell_borders, cell_of, in_batches
    from workbench_plugins.kernels.edges import edge_cells

    corner, middle = {"sobel": (1 / 4, 2 / 4), "scharr": (3 / 16, 10 / 16)}[operator]
    radius = int(4 * sigma + 0.5)
    gaussian = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    gaussian = (gaussian / gaussian.sum()).astype(np.float32)
    angles = np.pi * np.arange(1, orientations) / orientations
    borders = (
        np.stack([np.cos(angles), np.sin(angles)], axis=1).round(15).astype(np.float32)
    )  # 90 degrees: exactly 0, 1
    cells = cell_of(images.shape[1], grid), cell_borders(images.shape[2], grid), grid
    return in_batches(
        lambda batch, features: edge_cells(
            batch, corner, middle, gaussian, low_threshold, high_threshold, borders, *cells, features
        ),
        images,
        grid * grid * (3 + orientations),
        n_jobs,
    )
