"""The extractor ``color``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin import Task, Trial

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def color(trial: Trial, task: Task) -> Any:
    """Histograms and moments of the colours (of the grey values, without colour), on a spatial grid."""
    from sklearn.preprocessing import FunctionTransformer

    spaces = ["rgb", "hsv", "lab"] if task.image_shape[2] == 3 else ["grey"]
    settings = {
        "space": trial.suggest_categorical("space", spaces) if len(spaces) > 1 else spaces[0],
        "bins": trial.suggest_categorical("bins", [8, 16, 32]),
        "grid": trial.suggest_int("grid", 1, 4),
        "n_jobs": task.n_jobs,
    }
    return FunctionTransformer(color_features, kw_args=settings)


def _start(task: Task) -> dict[str, Any]:
    start = {"bins": 16, "grid": 2}
    return {"space": "hsv", **start} if task.image_shape[2] == 3 else start


color.start = _start  # type: ignore[attr-defined]
color.preload = ("skimage.color", "sklearn.preprocessing", "sklearn.pipeline")  # type: ignore[attr-defined]


def color_features(
    images: npt.NDArray[np.uint8], space: str = "rgb", bins: int = 16, grid: int = 1, n_jobs: int = 1
) -> npt.NDArray[np.float32]:
    """Returns for each cell of the grid and each channel: a histogram, mean, standard deviation and skewness.

    Args:
        images: ``(n, height, width, 1 or 3)``, uint8.
        space: ``"rgb"``, ``"hsv"`` or ``"lab"`` (as scikit-image converts them), or ``"grey"`` for one channel.
        bins: Bins of a histogram; its entries sum to one.
        grid: Cells along each side.
        n_jobs: Number of threads.

    Returns:
        ``(n, grid * grid * channels * (bins + 3))``, float32.
    """
    import numpy as np
    from skimage.color import rgb2hsv, rgb2lab

    from workbench_plugins.extractors.batches import grid_cells, in_batches

    cells = grid_cells(images.shape[1], images.shape[2], grid)

    def compute(batch: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        if space == "hsv":
            values = rgb2hsv(batch)
        elif space == "lab":  # L lies in 0..100, a and b in about -128..127
            values = (rgb2lab(batch) + np.array([0.0, 128, 128])) / np.array([100.0, 255, 255])
        else:
            values = batch / 255.0
        index = np.clip((values * bins).astype(np.int64), 0, bins - 1)
        n, channels = len(batch), batch.shape[3]
        offset = (np.arange(n)[:, None, None, None] * channels + np.arange(channels)) * bins
        columns = []
        for rows, cols in cells:
            part = values[:, rows, cols].reshape(n, -1, channels)
            counts = np.bincount((index[:, rows, cols] + offset).ravel(), minlength=n * channels * bins)
            mean = part.mean(axis=1)
            centred = part - mean[:, None]
            spread = part.std(axis=1)
            skewness = np.cbrt((centred**3).mean(axis=1))
            columns += [counts.reshape(n, -1) / part.shape[1], mean, spread, skewness]
        return np.concatenate(columns, axis=1)

    return in_batches(compute, images, n_jobs)
