"""The extractor ``lbp``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin import Task, Trial

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def lbp(trial: Trial, task: Task) -> Any:
    """Local binary patterns, uniform, at several radii, on a spatial grid: fine texture, whatever the brightness."""
    from sklearn.preprocessing import FunctionTransformer

    settings = {
        "radii": tuple(range(1, 1 + trial.suggest_int("radii", 1, _radii(task)))),
        "grid": trial.suggest_int("grid", 1, _grids(task)),
        "n_jobs": task.n_jobs,
    }
    return FunctionTransformer(lbp_features, kw_args=settings)


def _radii(task: Task) -> int:
    return max(1, min(4, min(task.image_shape[:2]) // 8))


def _grids(task: Task) -> int:
    """Returns the most cells along a side: cells keep at least eight pixels, or their histograms are all noise."""
    return max(1, min(8, min(task.image_shape[:2]) // 8))


def _start(task: Task) -> dict[str, Any]:
    return {"radii": min(2, _radii(task)), "grid": min(3, _grids(task))}


lbp.start = _start  # type: ignore[attr-defined]
lbp.preload = ("workbench_plugins.kernels.lbp", "sklearn.preprocessing")  # type: ignore[attr-defined]


def lbp_features(
    images: npt.NDArray[np.uint8], radii: tuple[float, ...] = (1,), grid: int = 1, n_jobs: int = 1
) -> npt.NDArray[np.float32]:
    """Returns for each radius and cell the shares of the ten uniform local binary patterns of eight points.

    Ojala, Pietikainen and Maenpaa, PAMI 2002; codes equal ``skimage.feature.local_binary_pattern(grey, 8, radius,
    "uniform")`` on the luminance, rounded to uint8.

    Args:
        images: ``(n, height, width, 1 or 3)``, uint8; colour is turned to luminance.
        radii: Radii of the circles, in pixels.
        grid: Cells along each side.
        n_jobs: Number of threads.

    Returns:
        ``(n, radii * grid * grid * 10)``, float32.
    """
    import numpy as np

    from workbench_plugins.extractors.batches import cell_of, in_batches
    from workbench_plugins.kernels.lbp import POINTS, lbp_cells, uniform_codes

    angles = 2 * np.pi * np.arange(POINTS) / POINTS
    circles = [(np.round(-r * np.sin(angles), 5), np.round(r * np.cos(angles), 5)) for r in radii]
    codes = uniform_codes()
    cells = cell_of(images.shape[1], grid), cell_of(images.shape[2], grid), grid
    width = grid * grid * (POINTS + 2)

    def compute(batch: npt.NDArray[np.uint8], features: npt.NDArray[np.float32]) -> None:
        for k, (rows, columns) in enumerate(circles):
            part = np.empty((len(batch), width), np.float32)
            lbp_cells(batch, rows, columns, codes, *cells, part)
            features[:, k * width : (k + 1) * width] = part

    return in_batches(compute, images, len(circles) * width, n_jobs)
