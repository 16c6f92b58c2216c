"""Histograms of oriented gradients, equal to scikit-image's and many times as fast.

Two facts make it fast. A gradient of uint8 pixels is a pair of integers between -255 and 255, so its orientation's bin
is looked up in a table and channels are compared by integer squares. And a compiled kernel works row by row without
branches, so that the compiler can use vector instructions, and lets go of the GIL, so that threads share the work.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from PIL import Image
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
        margin: So many pixels of the border are repeated around an image first: gradients on the border count then.
        enlarge: Then images are enlarged so many times (bicubic, by Pillow); cells are in pixels of the enlarged ones.
        n_jobs: Number of threads.
    """

    def __init__(
        self,
        orientations: int = 9,
        pixels_per_cell: tuple[int, int] = (8, 8),
        cells_per_block: tuple[int, int] = (2, 2),
        block_norm: str = "L2-Hys",
        margin: int = 0,
        enlarge: int = 1,
        n_jobs: int = 1,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.margin = margin
        self.enlarge = enlarge
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
        n = len(X)
        height, width = (self.enlarge * (side + 2 * self.margin) for side in X.shape[1:3])
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
        magnitudes = _magnitudes()
        bins = _bins(self.orientations)

        def compute(rows: slice) -> None:
            pixels = enlarged(X[rows], self.margin, self.enlarge)
            _kernel(
                pixels, magnitudes, _DOUBTFUL, bins, self.orientations, cell_rows, cell_columns, block_rows,
                block_columns, _NORMS[self.block_norm], features[rows],
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


def enlarged(images: npt.NDArray[np.uint8], margin: int, factor: int) -> npt.NDArray[np.uint8]:
    """Returns images with their border repeated, and then enlarged, as :class:`HOG` looks at them."""
    if margin:
        images = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="edge")
    if factor == 1:
        return np.ascontiguousarray(images)
    n, height, width, channels = images.shape
    larger = np.empty((n, factor * height, factor * width, channels), np.uint8)
    for image, out in zip(images, larger, strict=True):
        picture = Image.fromarray(image if channels == 3 else image[..., 0])
        resized = picture.resize((factor * width, factor * height), Image.Resampling.BICUBIC)
        out[:] = np.asarray(resized).reshape(out.shape)
    return larger


#: Channels are compared by the squares of their magnitudes. Two with the same square are equal, but for rounding: from
#: this square on, ``hypot`` may tell them apart, and the channel that it takes in scikit-image is the one to take.
_DOUBTFUL = 2993


@functools.lru_cache(maxsize=1)
def _magnitudes() -> npt.NDArray[np.float64]:
    """Returns magnitudes ``(256, 256)`` by absolute row and column gradients."""
    size = np.arange(256, dtype=np.float64)
    return np.hypot(size[:, None], size)


@functools.lru_cache(maxsize=16)
def _bins(orientations: int) -> npt.NDArray[np.uint8]:
    """Returns the bins of gradients, flat: by whether their signs differ, by absolute row and column gradient.

    The bins are compared as scikit-image compares them, in the same floating-point arithmetic.
    """
    size = np.arange(256, dtype=np.float64)
    edges = 180.0 / orientations * np.arange(1, orientations + 1)
    bins = np.empty((2, 256, 256), np.uint8)
    for differ in (0, 1):
        angle = np.rad2deg(np.arctan2(-size[:, None] if differ else size[:, None], size[None, :])) % 180
        bins[differ] = np.minimum(np.searchsorted(edges, angle, side="right"), orientations - 1)
    return bins.ravel()


_SIGNATURE = numba.void(
    numba.types.Array(numba.uint8, 4, "C", readonly=True),  # memory maps are read-only
    numba.float64[:, ::1],
    numba.int64,
    numba.uint8[::1],
    *[numba.int64] * 6,
    numba.float32[:, ::1],
)


@numba.njit(_SIGNATURE, nogil=True, cache=True, fastmath={"reassoc", "nsz", "contract"})
def _kernel(  # type: ignore[no-untyped-def]
    images, magnitudes, doubtful, bins, orientations, cell_rows, cell_columns, block_rows, block_columns, norm, features
):
    n, height, width, channels = images.shape
    rows, columns = height // cell_rows, width // cell_columns
    used = columns * cell_columns
    length = used * channels
    # 16-bit lanes: a gradient lies between -255 and 255
    across, down = np.zeros(width * channels, np.int16), np.zeros(width * channels, np.int16)
    squares = np.empty(width * channels, np.int32)
    best, which, strength = np.empty(used, np.int32), np.empty(used, np.int32), np.empty(used, np.float32)
    histograms = np.empty((rows, columns * orientations), np.float32)
    run = block_columns * orientations
    area = np.float32(1.0 / (cell_rows * cell_columns))
    for i in range(n):
        image = images[i].reshape(height, width * channels)
        histograms[:] = 0
        for y in range(rows * cell_rows):
            row = image[y]
            if 0 < y < height - 1:
                above, below = image[y - 1], image[y + 1]
                for j in range(length):
                    down[j] = np.int16(below[j]) - np.int16(above[j])
            else:
                down[:] = 0
            for j in range(channels, min(length, (width - 1) * channels)):
                across[j] = np.int16(row[j + channels]) - np.int16(row[j - channels])
            for j in range(length):
                gx, gy = np.int32(across[j]), np.int32(down[j])
                squares[j] = gx * gx + gy * gy
            if channels == 1:
                for x in range(used):
                    gx, gy = np.int32(across[x]), np.int32(down[x])
                    best[x] = squares[x]
                    which[x] = (((gx ^ gy) >> 31) & 1) << 16 | abs(gy) << 8 | abs(gx)
            else:
                tied = False
                for x in range(used):
                    chosen = 3 * x
                    most = squares[chosen]
                    for j in (chosen + 1, chosen + 2):
                        tied |= (squares[j] == most) & (most >= doubtful) & (across[j] != across[chosen])
                        more = squares[j] > most
                        chosen = j if more else chosen
                        most = squares[j] if more else most
                    gx, gy = np.int32(across[chosen]), np.int32(down[chosen])
                    best[x] = most
                    which[x] = (((gx ^ gy) >> 31) & 1) << 16 | abs(gy) << 8 | abs(gx)
                if tied:  # rounding decides, as in scikit-image
                    for x in range(used):
                        chosen = 3 * x
                        for j in (chosen + 1, chosen + 2):
                            if (
                                magnitudes[abs(down[j]), abs(across[j])]
                                > magnitudes[abs(down[chosen]), abs(across[chosen])]
                            ):
                                chosen = j
                        gx, gy = np.int32(across[chosen]), np.int32(down[chosen])
                        best[x] = squares[chosen]
                        which[x] = (((gx ^ gy) >> 31) & 1) << 16 | abs(gy) << 8 | abs(gx)
            for x in range(used):
                strength[x] = np.sqrt(np.float32(best[x]))
            histogram = histograms[y // cell_rows]
            x = 0
            for cell in range(columns):
                base = cell * orientations
                for _ in range(cell_columns):
                    histogram[base + bins[which[x]]] += strength[x]
                    x += 1
        position = 0
        feature = features[i]
        for by in range(rows - block_rows + 1):
            for bx in range(columns - block_columns + 1):
                start = position
                total = np.float32(0)
                for cy in range(block_rows):
                    cells = histograms[by + cy, bx * orientations : bx * orientations + run]
                    for k in range(run):
                        value = cells[k] * area
                        feature[position + k] = value
                        total += value if norm == 0 else value * value
                    position += run
                scale = (
                    np.float32(1) / (total + np.float32(_EPS))
                    if norm == 0
                    else np.float32(1) / np.sqrt(total + np.float32(_EPS * _EPS))
                )
                if norm == 2:
                    total = np.float32(0)
                    for k in range(start, position):
                        value = min(feature[k] * scale, np.float32(0.2))
                        feature[k] = value
                        total += value * value
                    scale = np.float32(1) / np.sqrt(total + np.float32(_EPS * _EPS))
                for k in range(start, position):
                    feature[k] *= scale
