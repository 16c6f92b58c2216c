"""Histograms of oriented gradients, equal to scikit-image's and many times as fast.

Two facts make it fast. A gradient of uint8 pixels is a pair of integers between -255 and 255, so its magnitude and
its orientation's bin are looked up in tables instead of computed. And a compiled kernel reads every pixel once, and
lets go of the GIL, so that threads share the work.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

_NORMS = {"L1": 0, "L2": 1, "L2-Hys": 2}
_EPS = 1e-5  # as in scikit-image


class HOG(TransformerMixin, BaseEstimator):
    """Histograms of oriented gradients (Dalal and Triggs, CVPR 2005).

    Values equal ``skimage.feature.hog`` with ``channel_axis=-1`` on the same uint8 image, to within float32. Of a
    colour image, every pixel takes the channel with the largest gradient.

    Args:
        orientations: Number of orientation bins over 180 degrees.
        pixels_per_cell: ``(rows, columns)`` of a cell, in pixels.
        cells_per_block: ``(rows, columns)`` of a block, in cells.
        block_norm: ``"L1"``, ``"L2"`` or ``"L2-Hys"``.
        n_jobs: Number of threads.
    """

    def __init__(
        self,
        orientations: int = 9,
        pixels_per_cell: tuple[int, int] = (8, 8),
        cells_per_block: tuple[int, int] = (2, 2),
        block_norm: str = "L2-Hys",
        n_jobs: int = 1,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> HOG:
        """Does nothing: there is nothing to learn."""
        return self

    def transform(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Computes the features.

        Args:
            X: Images ``(n, height, width, channels)``, uint8, 1 or 3 channels.

        Returns:
            ``(n, blocks * cells per block * orientations)``, float32.

        Raises:
            ValueError: If the images are not uint8 or too small for one block.
        """
        if X.dtype != np.uint8 or X.ndim != 4:
            raise ValueError(f"HOG takes uint8 images (n, height, width, channels), not {X.dtype} {X.shape}")
        if self.block_norm not in _NORMS:
            raise ValueError(f"block_norm must be one of {', '.join(_NORMS)}, not {self.block_norm!r}")
        n, height, width, _ = X.shape
        (cell_rows, cell_columns), (block_rows, block_columns) = self.pixels_per_cell, self.cells_per_block
        cells = height // cell_rows, width // cell_columns
        blocks = cells[0] - block_rows + 1, cells[1] - block_columns + 1
        if min(blocks) < 1:
            raise ValueError(
                f"images of {height}x{width} pixels have {cells[0]}x{cells[1]} cells of {cell_rows}x{cell_columns}, "
                f"fewer than one block of {block_rows}x{block_columns} needs"
            )
        features = np.empty((n, blocks[0] * blocks[1] * block_rows * block_columns * self.orientations), np.float32)
        if n == 0:
            return features
        magnitudes, bins = _tables(self.orientations)

        def compute(rows: slice) -> None:
            _kernel(
                np.ascontiguousarray(X[rows]), magnitudes, bins, self.orientations, cell_rows, cell_columns,
                block_rows, block_columns, _NORMS[self.block_norm], features[rows],
            )  # fmt: skip

        size = max(1, min(256, -(-n // self.n_jobs)))
        batches = [slice(start, start + size) for start in range(0, n, size)]
        if self.n_jobs == 1 or len(batches) == 1:
            for batch in batches:
                compute(batch)
        else:
            with ThreadPoolExecutor(self.n_jobs) as threads:
                list(threads.map(compute, batches))
        return features

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        return tags


@functools.lru_cache(maxsize=16)
def _tables(orientations: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """Returns magnitudes ``(256, 256)`` by absolute gradients, and bins ``(2, 256, 256)`` by signs and absolute ones.

    The bins are compared as scikit-image compares them, in the same floating-point arithmetic.
    """
    size = np.arange(256, dtype=np.float64)
    magnitudes = np.hypot(size[None, :], size[:, None])  # [row gradient, column gradient]
    edges = 180.0 / orientations * np.arange(1, orientations + 1)
    bins = np.empty((2, 256, 256), np.uint8)
    for sign in (0, 1):  # 1: the two gradients have opposite signs
        angle = np.rad2deg(np.arctan2(-size[:, None] if sign else size[:, None], size[None, :])) % 180
        bins[sign] = np.minimum(np.searchsorted(edges, angle, side="right"), orientations - 1)
    return magnitudes, bins


_SIGNATURE = numba.void(
    numba.types.Array(numba.uint8, 4, "C", readonly=True),  # memory maps are read-only
    numba.float64[:, ::1],
    numba.uint8[:, :, ::1],
    *[numba.int64] * 6,
    numba.float32[:, ::1],
)


@numba.njit(_SIGNATURE, nogil=True, cache=True)
def _kernel(  # type: ignore[no-untyped-def]
    images, magnitudes, bins, orientations, cell_rows, cell_columns, block_rows, block_columns, norm, features
):
    n, height, width, channels = images.shape
    rows, columns = height // cell_rows, width // cell_columns
    histograms = np.empty((rows, columns, orientations), np.float64)
    block = np.empty(block_rows * block_columns * orientations, np.float64)
    area = cell_rows * cell_columns
    for i in range(n):
        histograms[:] = 0.0
        for y in range(rows * cell_rows):
            cell_y = y // cell_rows
            inner_y = 0 < y < height - 1
            x = 0
            for cell_x in range(columns):
                for _ in range(cell_columns):
                    inner_x = 0 < x < width - 1
                    best = -1.0
                    chosen = 0
                    for c in range(channels):
                        gy = np.int64(0)
                        gx = np.int64(0)
                        if inner_y:
                            gy = np.int64(images[i, y + 1, x, c]) - np.int64(images[i, y - 1, x, c])
                        if inner_x:
                            gx = np.int64(images[i, y, x + 1, c]) - np.int64(images[i, y, x - 1, c])
                        magnitude = magnitudes[abs(gy), abs(gx)]
                        if magnitude > best:
                            best = magnitude
                            chosen = bins[1 if (gy < 0) != (gx < 0) else 0, abs(gy), abs(gx)]
                    histograms[cell_y, cell_x, chosen] += best
                    x += 1
        position = 0
        for by in range(rows - block_rows + 1):
            for bx in range(columns - block_columns + 1):
                k = 0
                total = 0.0
                for cy in range(block_rows):
                    for cx in range(block_columns):
                        for o in range(orientations):
                            value = histograms[by + cy, bx + cx, o] / area
                            block[k] = value
                            total += value if norm == 0 else value * value
                            k += 1
                scale = 1.0 / (total + _EPS) if norm == 0 else 1.0 / np.sqrt(total + _EPS * _EPS)
                if norm == 2:
                    total = 0.0
                    for j in range(k):
                        block[j] = min(block[j] * scale, 0.2)
                        total += block[j] * block[j]
                    scale = 1.0 / np.sqrt(total + _EPS * _EPS)
                for j in range(k):
                    features[i, position] = block[j] * scale
                    position += 1
