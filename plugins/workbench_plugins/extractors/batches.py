"""Applies a function to a memory-mapped stack of images batch by batch, on several threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

#: Bytes of uint8 pixels in one batch: small enough for the cache, and for floats made of it to fit in memory.
_BATCH_BYTES = 1_000_000


def in_batches(
    function: Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]],
    images: npt.NDArray[np.uint8],
    n_jobs: int = 1,
) -> npt.NDArray[np.float32]:
    """Returns the features of all images.

    Args:
        function: Maps ``(m, height, width, channels)`` to ``(m, d)``; NumPy lets go of the GIL inside it.
        images: ``(n, height, width, channels)``, uint8.
        n_jobs: Number of threads.

    Returns:
        ``(n, d)``, float32.
    """
    size = max(1, _BATCH_BYTES // max(1, int(np.prod(images.shape[1:]))))
    batches = [slice(start, start + size) for start in range(0, len(images), size)]

    def compute(batch: slice) -> npt.NDArray[np.float32]:
        return np.asarray(function(np.ascontiguousarray(images[batch])), dtype=np.float32)

    if n_jobs == 1 or len(batches) < 2:
        return np.concatenate([compute(batch) for batch in batches])
    with ThreadPoolExecutor(n_jobs) as threads:
        return np.concatenate(list(threads.map(compute, batches)))


def to_grey(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Returns luminance (ITU-R BT.601) of ``(n, h, w, 1 or 3)`` as float32 ``(n, h, w)``, 0 to 255."""
    if images.shape[3] == 1:
        return images[..., 0].astype(np.float32)
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.asarray(images.astype(np.float32) @ weights)


def grid_cells(height: int, width: int, grid: int) -> list[tuple[slice, slice]]:
    """Returns the row and column slices of a ``grid`` x ``grid`` division of an image."""
    rows = np.linspace(0, height, grid + 1).round().astype(int)
    columns = np.linspace(0, width, grid + 1).round().astype(int)
    return [
        (slice(top, bottom), slice(left, right))
        for top, bottom in itertools.pairwise(rows)
        for left, right in itertools.pairwise(columns)
    ]
