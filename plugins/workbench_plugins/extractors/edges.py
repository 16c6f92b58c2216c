"""The extractor ``edges``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin import Task, Trial

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def edges(trial: Trial, task: Task) -> Any:
    """Strength, density and direction of edges (Sobel or Scharr), on a spatial grid."""
    from sklearn.preprocessing import FunctionTransformer

    settings = {
        "operator": trial.suggest_categorical("operator", ["sobel", "scharr"]),
        "grid": trial.suggest_int("grid", 2, min(8, min(task.image_shape[:2]) // 4)),
        "orientations": trial.suggest_int("orientations", 4, 12),
        "n_jobs": task.n_jobs,
    }
    return FunctionTransformer(edge_features, kw_args=settings)


def _start(task: Task) -> dict[str, Any]:
    return {"operator": "sobel", "grid": 4, "orientations": 8}


edges.start = _start  # type: ignore[attr-defined]
edges.preload = ("sklearn.preprocessing", "sklearn.pipeline")  # type: ignore[attr-defined]


def edge_features(
    images: npt.NDArray[np.uint8],
    operator: str = "sobel",
    grid: int = 4,
    orientations: int = 8,
    n_jobs: int = 1,
) -> npt.NDArray[np.float32]:
    """Returns for each cell: mean and spread of the edge strength, share of edge pixels, directions of the edges.

    A pixel counts as an edge where its gradient is more than twice the image's mean.

    Args:
        images: ``(n, height, width, 1 or 3)``, uint8; colour is turned to luminance.
        operator: ``"sobel"`` or ``"scharr"``.
        grid: Cells along each side.
        orientations: Bins over 180 degrees, weighted by strength.
        n_jobs: Number of threads.

    Returns:
        ``(n, grid * grid * (3 + orientations))``, float32.
    """
    import numpy as np

    from workbench_plugins.extractors.batches import grid_cells, in_batches, to_grey

    smooth = np.array([1, 2, 1] if operator == "sobel" else [3, 10, 3], dtype=np.float32)
    smooth /= smooth.sum()
    cells = grid_cells(images.shape[1], images.shape[2], grid)

    def compute(batch: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        grey = np.pad(to_grey(batch) / 255, ((0, 0), (1, 1), (1, 1)), mode="edge")
        across = grey[:, :, 2:] - grey[:, :, :-2]
        down = grey[:, 2:] - grey[:, :-2]
        gx = smooth[0] * across[:, :-2] + smooth[1] * across[:, 1:-1] + smooth[2] * across[:, 2:]
        gy = smooth[0] * down[:, :, :-2] + smooth[1] * down[:, :, 1:-1] + smooth[2] * down[:, :, 2:]
        strength = np.hypot(gx, gy)
        strong = strength > 2 * strength.mean(axis=(1, 2), keepdims=True) + 1e-6
        bins = (np.arctan2(gy, gx) % np.pi * (orientations / np.pi)).astype(np.int64) % orientations
        n = len(batch)
        bins += np.arange(n)[:, None, None] * orientations
        columns = []
        for rows, cols in cells:
            part = strength[:, rows, cols].reshape(n, -1)
            weights = np.bincount(bins[:, rows, cols].ravel(), part.ravel(), n * orientations).reshape(n, -1)
            columns += [
                part.mean(axis=1, keepdims=True),
                part.std(axis=1, keepdims=True),
                strong[:, rows, cols].reshape(n, -1).mean(axis=1, keepdims=True),
                weights / (weights.sum(axis=1, keepdims=True) + 1e-6),
            ]
        return np.concatenate(columns, axis=1)

    return in_batches(compute, images, n_jobs)
