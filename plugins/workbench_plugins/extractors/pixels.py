"""The extractor ``pixels``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin import Task, Trial

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def pixels(trial: Trial, task: Task) -> Any:
    """The pixels themselves, downscaled: what a classifier gets without any feature extraction."""
    from sklearn.preprocessing import FunctionTransformer

    settings = {"side": trial.suggest_categorical("side", _sides(task)), "n_jobs": task.n_jobs}
    return FunctionTransformer(pixel_features, kw_args=settings)


def _sides(task: Task) -> list[int]:
    shorter = min(task.image_shape[:2])
    return [side for side in (8, 16, 24, 32) if side <= shorter] or [shorter]


def _start(task: Task) -> dict[str, Any]:
    return {"side": _sides(task)[len(_sides(task)) // 2]}


pixels.start = _start  # type: ignore[attr-defined]
pixels.preload = ("sklearn.preprocessing", "sklearn.pipeline")  # type: ignore[attr-defined]


def pixel_features(images: npt.NDArray[np.uint8], side: int = 16, n_jobs: int = 1) -> npt.NDArray[np.float32]:
    """Returns the mean of every cell of a ``side`` x ``side`` grid, for each channel, 0 to 1.

    Args:
        images: ``(n, height, width, channels)``, uint8; height and width are at least ``side``.
        side: Cells along each side.
        n_jobs: Number of threads.

    Returns:
        ``(n, side * side * channels)``, float32.
    """
    import numpy as np

    from workbench_plugins.extractors.batches import in_batches

    _, height, width, channels = images.shape
    tops = np.arange(side) * height // side
    lefts = np.arange(side) * width // side
    areas = np.diff([*tops, height])[:, None] * np.diff([*lefts, width])[None, :]

    def compute(batch: npt.NDArray[np.uint8], features: npt.NDArray[np.float32]) -> None:
        sums = np.add.reduceat(np.add.reduceat(batch, tops, axis=1, dtype=np.float32), lefts, axis=2)
        features[:] = (sums / (areas[None, :, :, None] * 255)).reshape(features.shape)

    return in_batches(compute, images, side * side * channels, n_jobs)
