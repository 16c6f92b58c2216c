"""The extractor ``gabor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin import Task, Trial

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def gabor(trial: Trial, task: Task) -> Any:
    """Energies of a bank of Gabor filters, on a spatial grid: texture by scale and direction."""
    from sklearn.preprocessing import FunctionTransformer

    settings = {
        "frequencies": tuple(0.4 / 2**k for k in range(trial.suggest_int("scales", 1, _scales(task)))),
        "orientations": trial.suggest_categorical("orientations", [4, 6, 8]),
        "grid": trial.suggest_int("grid", 1, 4),
        "n_jobs": task.n_jobs,
    }
    return FunctionTransformer(gabor_features, kw_args=settings)


def _scales(task: Task) -> int:
    """Returns the most scales: the widest filter stays narrower than the image."""
    return 2 if min(task.image_shape[:2]) < 48 else 3


def _start(task: Task) -> dict[str, Any]:
    return {"scales": 2, "orientations": 4, "grid": 2}


gabor.start = _start  # type: ignore[attr-defined]
gabor.preload = ("workbench_plugins.kernels.gabor", "sklearn.preprocessing")  # type: ignore[attr-defined]


def gabor_features(
    images: npt.NDArray[np.uint8],
    frequencies: tuple[float, ...] = (0.4, 0.2),
    orientations: int = 4,
    bandwidth: float = 1.0,
    grid: int = 1,
    n_jobs: int = 1,
) -> npt.NDArray[np.float32]:
    """Returns for each filter and cell mean and standard deviation of the magnitude of the filter's response.

    Responses are those of ``skimage.filters.gabor`` on the luminance (0 to 1, rounded to 1/255). Its Gaussian is as
    wide as it is long, so that a filter is one along the rows after one along the columns.

    Args:
        images: ``(n, height, width, 1 or 3)``, uint8; colour is turned to luminance.
        frequencies: Of the waves, in cycles per pixel.
        orientations: Directions over 180 degrees.
        bandwidth: In octaves.
        grid: Cells along each side.
        n_jobs: Number of threads.

    Returns:
        ``(n, frequencies * orientations * grid * grid * 2)``, float32.
    """
    import numpy as np

    from workbench_plugins.extractors.batches import cell_of, in_batches
    from workbench_plugins.kernels.gabor import gabor_cells

    filters = []
    for frequency in frequencies:
        octaves = 2.0**bandwidth
        sigma = np.sqrt(np.log(2) / 2) / np.pi * (octaves + 1) / (octaves - 1) / frequency
        for theta in np.pi * np.arange(orientations) / orientations:
            cosine, sine = np.cos(theta), np.sin(theta)
            radius = int(np.ceil(max(abs(3 * sigma * cosine), abs(3 * sigma * sine), 1)))
            place = np.arange(-radius, radius + 1)
            envelope = np.exp(-0.5 * (place / sigma) ** 2) / np.sqrt(2 * np.pi) / sigma
            wave = 2j * np.pi * frequency * place
            filters.append((radius, envelope * np.exp(wave * cosine), envelope * np.exp(wave * sine)))
    radii = np.array([radius for radius, _, _ in filters], np.int64)
    across, down = np.zeros((2, 2 * len(filters), 2 * radii.max() + 1), np.float32)
    for k, (_, columns, rows) in enumerate(filters):
        across[2 * k, : len(columns)], across[2 * k + 1, : len(columns)] = columns.real, columns.imag
        down[2 * k, : len(rows)], down[2 * k + 1, : len(rows)] = rows.real, rows.imag
    cells = cell_of(images.shape[1], grid), cell_of(images.shape[2], grid), grid
    return in_batches(
        lambda batch, features: gabor_cells(batch, across, radii, down, radii, *cells, features),
        images,
        len(filters) * grid * grid * 2,
        n_jobs,
    )
