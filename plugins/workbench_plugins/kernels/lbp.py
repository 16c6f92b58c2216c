"""Local binary patterns, counted cell by cell."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from workbench_plugins.kernels.images import FEATURES, IMAGES, grey

#: Points on the circle.
POINTS = 8


def uniform_codes() -> npt.NDArray[np.uint8]:
    """Returns the code of each of 256 patterns: number of ones if they change at most twice, else 9.

    As ``skimage.feature.local_binary_pattern(method="uniform")`` counts changes, from the first point to the last.
    """
    bits = np.arange(256)[:, None] >> np.arange(POINTS) & 1
    changes = np.abs(np.diff(bits, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), POINTS + 1).astype(np.uint8)


@numba.njit(
    numba.void(
        IMAGES, numba.float64[::1], numba.float64[::1], numba.uint8[::1], numba.int64[::1], numba.int64[::1],
        numba.int64, FEATURES,
    ),
    nogil=True,
    cache=True,
)  # fmt: skip
def lbp_cells(images, rows, columns, codes, row_cells, column_cells, grid, features):  # type: ignore[no-untyped-def]
    """Writes for each cell the shares of the 10 uniform patterns.

    Args:
        images: The images.
        rows: Offset in pixels of each point from the centre.
        columns: As above.
        codes: Code of each pattern.
        row_cells: Cell of every row of pixels.
        column_cells: Cell of every column of pixels.
        grid: Cells along each side.
        features: ``(n, grid * grid * 10)``.
    """
    n, height, width, _ = images.shape
    radius = int(np.ceil(np.max(np.abs(rows)))) + 1
    padded = np.zeros((height + 2 * radius, width + 2 * radius))  # beyond the border it is black
    luminance = np.empty((height, width), np.uint8)
    patterns = np.empty((height, width), np.uint8)
    counts = np.empty((grid * grid, POINTS + 2))
    for i in range(n):
        grey(images[i], luminance)
        for y in range(height):
            for x in range(width):
                padded[y + radius, x + radius] = luminance[y, x]
        patterns[:] = 0
        for p in range(len(rows)):
            top, left = int(np.floor(rows[p])), int(np.floor(columns[p]))
            # a whole offset has no pixel on its other side
            down, across = int(np.ceil(rows[p])) - top, int(np.ceil(columns[p])) - left
            bit = np.uint8(1 << p)
            first = radius + left
            for y in range(height):
                centre = padded[y + radius, radius : radius + width]
                upper = padded[y + radius + top, first : first + width]
                if down == 0 and across == 0:
                    for x in range(width):
                        patterns[y, x] |= bit if upper[x] >= centre[x] else np.uint8(0)
                    continue
                # the same operations in the same order as scikit-image, rounding included, so that ties fall alike
                below = (y + rows[p]) - (y + top)
                upper_right = padded[y + radius + top, first + across : first + across + width]
                lower = padded[y + radius + top + down, first : first + width]
                lower_right = padded[y + radius + top + down, first + across : first + across + width]
                for x in range(width):
                    right = (x + columns[p]) - (x + left)
                    above = (1 - right) * upper[x] + right * upper_right[x]
                    under = (1 - right) * lower[x] + right * lower_right[x]
                    value = (1 - below) * above + below * under
                    patterns[y, x] |= bit if value >= centre[x] else np.uint8(0)
        counts[:] = 0
        for y in range(height):
            for x in range(width):
                counts[row_cells[y] * grid + column_cells[x], codes[patterns[y, x]]] += 1
        for cell in range(grid * grid):
            pixels = counts[cell].sum()
            for k in range(POINTS + 2):
                features[i, cell * (POINTS + 2) + k] = counts[cell, k] / pixels
