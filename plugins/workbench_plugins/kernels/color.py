"""Histograms and moments of colours, cell by cell."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from workbench_plugins.kernels.images import FEATURES, IMAGES

#: Colour spaces by the number that the kernel knows them by.
SPACES = {"grey": 0, "rgb": 0, "hsv": 1, "lab": 2}

_ROOTS = 8192  # entries of the table of cube roots
_LARGEST = 1.1  # of a tristimulus value over the white point's


def lab_tables() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns what turns sRGB to CIE Lab (illuminant D65, 2 degrees), as scikit-image does.

    Returns:
        Linear light ``(256,)`` by pixel value; the matrix ``(3, 3)`` to tristimulus values over the white point's; and
        a table ``(8194,)`` of the function that Lab compresses them by (a cube root, linear near zero), of which
        linear interpolation gives Lab to within 0.01.
    """
    value = np.arange(256) / 255
    linear = np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)
    matrix = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
    ratio = np.arange(_ROOTS + 2) * (_LARGEST / _ROOTS)
    roots = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return linear, matrix / np.array([0.95047, 1.0, 1.08883])[:, None], roots


@numba.njit(nogil=True, cache=True)
def _hsv(r, g, b):  # type: ignore[no-untyped-def]
    most, least = max(r, g, b), min(r, g, b)
    spread = most - least
    if spread == 0:
        return 0.0, 0.0, most / 255.0
    if r == most:
        hue = (g - b) / spread
    elif g == most:
        hue = 2.0 + (b - r) / spread
    else:
        hue = 4.0 + (r - g) / spread
    if hue < 0:
        hue += 6.0
    return hue / 6.0, spread / most, most / 255.0


@numba.njit(nogil=True, cache=True)
def _root(ratio, roots):  # type: ignore[no-untyped-def]
    place = ratio * (_ROOTS / _LARGEST)
    left = int(place)
    return roots[left] + (place - left) * (roots[left + 1] - roots[left])


@numba.njit(
    numba.void(
        IMAGES, numba.int64, numba.int64, numba.int64[::1], numba.int64[::1], numba.int64,
        numba.float64[::1], numba.float64[:, ::1], numba.float64[::1], FEATURES,
    ),
    nogil=True,
    cache=True,
)  # fmt: skip
def color_cells(images, space, bins, row_cells, column_cells, grid, linear, matrix, roots, features):  # type: ignore[no-untyped-def]
    """Writes for each cell and channel the histogram, and then for all channels mean, standard deviation, skewness.

    Args:
        images: The images.
        space: One of :data:`SPACES`.
        bins: Bins of a histogram.
        row_cells: Cell of every row of pixels.
        column_cells: Cell of every column of pixels.
        grid: Cells along each side.
        linear: See :func:`lab_tables`; this and the next two.
        matrix: As above.
        roots: As above.
        features: ``(n, grid * grid * channels * (bins + 3))``.
    """
    n, height, width, channels = images.shape
    sums = np.empty((grid * grid, channels, 3))
    counts = np.empty((grid * grid, channels, bins), np.int64)
    values = np.empty(3)
    per_cell = channels * (bins + 3)
    for i in range(n):
        sums[:] = 0
        counts[:] = 0
        for y in range(height):
            for x in range(width):
                cell = row_cells[y] * grid + column_cells[x]
                if space == 0:
                    for c in range(channels):
                        values[c] = images[i, y, x, c] / 255.0
                elif space == 1:
                    values[0], values[1], values[2] = _hsv(
                        float(images[i, y, x, 0]), float(images[i, y, x, 1]), float(images[i, y, x, 2])
                    )
                else:
                    r, g, b = linear[images[i, y, x, 0]], linear[images[i, y, x, 1]], linear[images[i, y, x, 2]]
                    fx = _root(matrix[0, 0] * r + matrix[0, 1] * g + matrix[0, 2] * b, roots)
                    fy = _root(matrix[1, 0] * r + matrix[1, 1] * g + matrix[1, 2] * b, roots)
                    fz = _root(matrix[2, 0] * r + matrix[2, 1] * g + matrix[2, 2] * b, roots)
                    # L lies in 0..100, a and b in about -128..127
                    values[0] = (116.0 * fy - 16.0) / 100.0
                    values[1] = (500.0 * (fx - fy) + 128.0) / 255.0
                    values[2] = (200.0 * (fy - fz) + 128.0) / 255.0
                for c in range(channels):
                    value = values[c]
                    counts[cell, c, max(0, min(int(value * bins), bins - 1))] += 1
                    sums[cell, c, 0] += value
                    sums[cell, c, 1] += value * value
                    sums[cell, c, 2] += value * value * value
        for cell in range(grid * grid):
            pixels = 0
            for k in range(bins):
                pixels += counts[cell, 0, k]
            start = cell * per_cell
            for c in range(channels):
                for k in range(bins):
                    features[i, start + c * bins + k] = counts[cell, c, k] / pixels
                mean = sums[cell, c, 0] / pixels
                square = sums[cell, c, 1] / pixels
                third = sums[cell, c, 2] / pixels - 3 * mean * square + 2 * mean**3
                moments = start + channels * bins + c
                features[i, moments] = mean
                features[i, moments + channels] = np.sqrt(max(0.0, square - mean * mean))
                features[i, moments + 2 * channels] = np.sign(third) * abs(third) ** (1 / 3)
