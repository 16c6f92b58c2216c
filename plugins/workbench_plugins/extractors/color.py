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


def _picture(extractor: Any, image: Any) -> Any:
    """Draws the histogram of each channel of the whole image: red, green and blue, or grey."""
    import numpy as np

    bins, side = extractor.kw_args["bins"], 240
    colours = [(213, 94, 0), (0, 158, 115), (0, 114, 178)] if image.shape[2] == 3 else [(110, 110, 110)]
    drawn = np.full((side, side, 3), 255, np.uint8)
    band = side // len(colours)
    for number, colour in enumerate(colours):
        counts, _ = np.histogram(image[..., number], bins=bins, range=(0, 256))
        heights = np.round((band - 8) * counts / counts.max()).astype(int)
        bottom = (number + 1) * band
        for at, height in enumerate(heights):
            left, right = at * side // bins, (at + 1) * side // bins
            drawn[bottom - height : bottom, left + 1 : right] = colour
    return drawn


color.start = _start  # type: ignore[attr-defined]
color.picture = _picture  # type: ignore[attr-defined]
color.preload = ("workbench_plugins.kernels.color", "sklearn.preprocessing")  # type: ignore[attr-defined]


def color_features(
    images: npt.NDArray[np.uint8], space: str = "rgb", bins: int = 16, grid: int = 1, n_jobs: int = 1
) -> npt.NDArray[np.float32]:
    """Returns for each cell of the grid and each channel: a histogram, mean, standard deviation and skewness.

    Colours are those of ``skimage.color``: RGB and HSV but for rounding, which may put a value on the border of two
    bins into the other one, and Lab to within 0.01 of its units. Every channel is scaled to 0 to 1; skewness is the
    cube root of the third central moment.

    Args:
        images: ``(n, height, width, 1 or 3)``, uint8.
        space: ``"rgb"``, ``"hsv"`` or ``"lab"``, or ``"grey"`` for one channel.
        bins: Bins of a histogram; its entries sum to one.
        grid: Cells along each side.
        n_jobs: Number of threads.

    Returns:
        ``(n, grid * grid * channels * (bins + 3))``, float32.
    """
    from workbench_plugins.extractors.batches import cell_of, in_batches
    from workbench_plugins.kernels.color import SPACES, color_cells, lab_tables

    _, height, width, channels = images.shape
    cells, tables = (cell_of(height, grid), cell_of(width, grid), grid), lab_tables()
    return in_batches(
        lambda batch, features: color_cells(batch, SPACES[space], bins, *cells, *tables, features),
        images,
        grid * grid * channels * (bins + 3),
        n_jobs,
    )
