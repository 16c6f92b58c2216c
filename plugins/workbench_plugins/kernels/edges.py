"""Strength, direction and Canny density of edges, cell by cell."""

from __future__ import annotations

import numba
import numpy as np

from workbench_plugins.kernels.images import FEATURES, IMAGES, grey, smooth


@numba.njit(nogil=True, cache=True)
def _gradients(image, corner, middle, across, down):  # type: ignore[no-untyped-def]
    """Writes derivatives by 3x3 filters whose smoothing weights are corner, middle, corner; borders are repeated."""
    height, width = image.shape
    for y in range(height):
        above, row, below = image[max(y - 1, 0)], image[y], image[min(y + 1, height - 1)]
        for x in range(1, width - 1):
            across[y, x] = corner * (above[x + 1] - above[x - 1] + below[x + 1] - below[x - 1]) + middle * (
                row[x + 1] - row[x - 1]
            )
            down[y, x] = corner * (below[x - 1] - above[x - 1] + below[x + 1] - above[x + 1]) + middle * (
                below[x] - above[x]
            )
        for x in (0, width - 1):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            across[y, x] = corner * (above[right] - above[left] + below[right] - below[left]) + middle * (
                row[right] - row[left]
            )
            down[y, x] = corner * (below[left] - above[left] + below[right] - above[right]) + middle * (
                below[x] - above[x]
            )


@numba.njit(nogil=True, cache=True)
def _canny(across, down, strength, low, high, found, stack):  # type: ignore[no-untyped-def]
    """Marks edges with 2: ridges above ``low`` that hang together with one above ``high`` (Canny, PAMI 1986).

    A ridge is a pixel whose strength is no less than both neighbours' along its gradient, which are interpolated.
    """
    height, width = strength.shape
    flat = strength.ravel()
    found[:] = 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):  # no branches: what comes next cannot be foreseen
            here, gx, gy = strength[y, x], abs(across[y, x]), abs(down[y, x])
            turn = 1 if (across[y, x] > 0) == (down[y, x] > 0) else -1
            steep = gy > gx
            straight = width if steep else 1
            slanted = width + turn if steep else turn * width + 1
            more, less = (gy, gx) if steep else (gx, gy)
            place = y * width + x
            one = flat[place + straight] * (more - less) + flat[place + slanted] * less
            other = flat[place - straight] * (more - less) + flat[place - slanted] * less
            found[y, x] = (here >= low) & (one <= here * more) & (other <= here * more)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if found[y, x] != 1 or strength[y, x] < high:
                continue
            found[y, x] = 2
            stack[0] = y << 16 | x
            waiting = 1
            while waiting:
                waiting -= 1
                top, left = (stack[waiting] >> 16) - 1, (stack[waiting] & 0xFFFF) - 1
                for v in range(top, top + 3):
                    for u in range(left, left + 3):
                        if found[v, u] == 1:
                            found[v, u] = 2
                            stack[waiting] = v << 16 | u
                            waiting += 1


@numba.njit(
    numba.void(
        IMAGES, numba.float32, numba.float32, numba.float32[::1], numba.float32, numba.float32, numba.float32[:, ::1],
        numba.int64[::1], numba.int64[::1], numba.int64, FEATURES,
    ),
    nogil=True,
    cache=True,
    fastmath={"reassoc", "nsz"},
)  # fmt: skip
def edge_cells(images, corner, middle, gaussian, low, high, borders, row_cells, lefts, grid, features):  # type: ignore[no-untyped-def]
    """Writes for each cell: mean and spread of the strength, share of Canny's edges, histogram of directions.

    Args:
        images: The images.
        corner: Weight of the outer two of three pixels that the derivative is smoothed over.
        middle: Weight of the middle one.
        gaussian: Weights of Canny's smoothing.
        low: Canny's lower threshold.
        high: Canny's upper threshold.
        borders: Cosines and sines ``(orientations - 1, 2)`` of the borders between bins over 180 degrees.
        row_cells: Cell of every row of pixels.
        lefts: ``grid + 1`` first columns of the cells, and the width.
        grid: Cells along each side.
        features: ``(n, grid * grid * (3 + orientations))``.
    """
    n, height, width, _ = images.shape
    orientations = len(borders) + 1
    shape = (height, width)
    values, smoothed = np.empty(shape, np.float32), np.empty(shape, np.float32)
    across, down, strength = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32)
    luminance, found = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    stack = np.empty(height * width, np.int64)
    radius = len(gaussian) // 2
    margin_rows, margin_columns = (
        np.empty((height + 2 * radius, width), np.float32),
        np.empty(width + 2 * radius, np.float32),
    )
    bins, sizes = np.empty(width, np.int32), np.empty(width, np.float32)
    sums = np.empty((grid * grid, 3))
    counts = np.bincount(row_cells)
    directions = np.empty((grid * grid, orientations))
    for i in range(n):
        grey(images[i], luminance)
        for y in range(height):
            for x in range(width):
                values[y, x] = luminance[y, x]  # whole numbers: their differences are exact
        smooth(values, gaussian, margin_rows, margin_columns, smoothed)
        _gradients(smoothed, np.float32(1), np.float32(2), across, down)
        for y in range(height):
            for x in range(width):
                strength[y, x] = np.sqrt(across[y, x] * across[y, x] + down[y, x] * down[y, x])
        _canny(across, down, strength, 255 * low, 255 * high, found, stack)
        _gradients(values, corner, middle, across, down)
        sums[:] = 0
        directions[:] = 0
        for y in range(height):
            for x in range(width):
                gx, gy = across[y, x], down[y, x]
                sizes[x] = np.sqrt(np.float32(0.5) * (gx * gx + gy * gy)) * np.float32(1 / 255)
                turned = (gy < 0) | ((gy == 0) & (gx < 0))  # directions, not ways
                across[y, x] = -gx if turned else gx
                down[y, x] = -gy if turned else gy
                bins[x] = 0
            for k in range(orientations - 1):  # a direction's bin is the number of borders that it has passed
                cosine, sine = borders[k, 0], borders[k, 1]
                for x in range(width):
                    bins[x] += down[y, x] * cosine >= across[y, x] * sine
            for cell_x in range(grid):
                cell = row_cells[y] * grid + cell_x
                total, squares, marked = np.float32(0), np.float32(0), 0
                for x in range(lefts[cell_x], lefts[cell_x + 1]):
                    total += sizes[x]
                    squares += sizes[x] * sizes[x]
                    marked += found[y, x] == 2
                sums[cell, 0] += total
                sums[cell, 1] += squares
                sums[cell, 2] += marked
                histogram = directions[cell]
                for x in range(lefts[cell_x], lefts[cell_x + 1]):
                    histogram[bins[x]] += sizes[x]
        width_of_cell = 3 + orientations
        for cell in range(grid * grid):
            start = cell * width_of_cell
            pixels = counts[cell // grid] * (lefts[cell % grid + 1] - lefts[cell % grid])
            mean = sums[cell, 0] / pixels
            features[i, start] = mean
            features[i, start + 1] = np.sqrt(max(0.0, sums[cell, 1] / pixels - mean * mean))
            features[i, start + 2] = sums[cell, 2] / pixels
            for k in range(orientations):
                features[i, start + 3 + k] = directions[cell, k] / (sums[cell, 0] + 1e-6)
