"""Applies a function to a stack of images batch by batch, on several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

#: Bytes of uint8 pixels in one batch: small enough for the cache, and for floats made of it to fit in memory.
_BATCH_BYTES = 1_000_000


def in_batches(
    function: Callable[[npt.NDArray[np.uint8], npt.NDArray[np.float32]], Any],
    images: npt.NDArray[np.uint8],
    n_features: int,
    n_jobs: int = 1,
) -> npt.NDArray[np.float32]:
    """Returns the features of all images.

    Args:
        function: Takes images ``(m, height, width, channels)`` and writes their features into ``(m, n_features)``; it
            lets go of the GIL meanwhile.
        images: ``(n, height, width, channels)``, uint8, 1 or 3 channels.
        n_features: Number of features of an image.
        n_jobs: Number of threads.

    Returns:
        ``(n, n_features)``, float32.

    Raises:
        ValueError: If the images are no such array.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(
            f"an extractor takes uint8 images (n, height, width, 1 or 3 channels), not {images.dtype} {images.shape}"
        )
    features = np.empty((len(images), n_features), np.float32)
    size = max(1, min(_BATCH_BYTES // max(1, int(np.prod(images.shape[1:]))), -(-len(images) // n_jobs)))
    batches = [slice(start, start + size) for start in range(0, len(images), size)]

    def compute(batch: slice) -> None:
        function(np.ascontiguousarray(images[batch]), features[batch])

    if n_jobs == 1 or len(batches) < 2:
        for batch in batches:
            compute(batch)
    else:
        with ThreadPoolExecutor(n_jobs) as threads:
            list(threads.map(compute, batches))
    return features


def cell_borders(length: int, grid: int) -> npt.NDArray[np.int64]:
    """Returns the ``grid + 1`` positions that cut ``length`` pixels into ``grid`` cells, as equal as can be."""
    return np.linspace(0, length, grid + 1).round().astype(np.int64)


def cell_of(length: int, grid: int) -> npt.NDArray[np.int64]:
    """Returns the cell of each of ``length`` pixels that are cut into ``grid`` cells."""
    return np.repeat(np.arange(grid), np.diff(cell_borders(length, grid)))
