"""Energies of a bank of Gabor filters, each applied as two one-dimensional ones."""

from __future__ import annotations

import numba
import numpy as np

from workbench_plugins.kernels.images import FEATURES, IMAGES, grey, mirrored


@numba.njit(
    numba.void(
        IMAGES, numba.float32[:, ::1], numba.int64[::1], numba.float32[:, ::1], numba.int64[::1],
        numba.int64[::1], numba.int64[::1], numba.int64, FEATURES,
    ),
    nogil=True,
    cache=True,
    fastmath={"reassoc", "contract", "nsz"},
)  # fmt: skip
def gabor_cells(images, across, across_radii, down, down_radii, row_cells, column_cells, grid, features):  # type: ignore[no-untyped-def]
    """Writes for each filter and cell the mean and the spread of the magnitude of the response.

    A filter is the product of a complex one along the rows and one along the columns.

    Args:
        images: The images.
        across: Weights along the rows ``(2 * filters, most weights)``: of each filter the real, then the imaginary.
        across_radii: Radius of each filter along the rows; its weights are the first ``2 * radius + 1``.
        down: As ``across``, along the columns.
        down_radii: As ``across_radii``, along the columns.
        row_cells: Cell of every row of pixels.
        column_cells: Cell of every column of pixels.
        grid: Cells along each side.
        features: ``(n, filters * grid * grid * 2)``.
    """
    n, height, width, _ = images.shape
    luminance = np.empty((height, width), np.uint8)
    widest, tallest = across_radii.max(), down_radii.max()
    padded = np.empty((height, width + 2 * widest), np.float32)
    real, imaginary = (
        np.empty((height + 2 * tallest, width), np.float32),
        np.empty((height + 2 * tallest, width), np.float32),
    )
    real_sum, imaginary_sum = np.empty(width, np.float32), np.empty(width, np.float32)
    sums = np.empty((grid * grid, 3))
    filters = len(across_radii)
    for i in range(n):
        grey(images[i], luminance)
        for y in range(height):
            for x in range(-widest, width + widest):
                padded[y, x + widest] = luminance[y, mirrored(x, width)] * np.float32(1 / 255)
        for f in range(filters):
            radius = across_radii[f]
            for y in range(height):
                row, real_row, imaginary_row = padded[y], real[y + tallest], imaginary[y + tallest]
                real_row[:] = 0
                imaginary_row[:] = 0
                for k in range(2 * radius + 1):
                    real_weight, imaginary_weight = across[2 * f, k], across[2 * f + 1, k]
                    first = widest - radius + k
                    for x in range(width):
                        real_row[x] += real_weight * row[first + x]
                        imaginary_row[x] += imaginary_weight * row[first + x]
            for y in range(tallest):
                upper, lower = tallest + mirrored(y - tallest, height), tallest + mirrored(height + y, height)
                real[y], imaginary[y] = real[upper], imaginary[upper]
                real[tallest + height + y], imaginary[tallest + height + y] = real[lower], imaginary[lower]
            radius = down_radii[f]
            sums[:] = 0
            for y in range(height):
                real_sum[:] = 0
                imaginary_sum[:] = 0
                for k in range(2 * radius + 1):
                    real_weight, imaginary_weight = down[2 * f, k], down[2 * f + 1, k]
                    real_row, imaginary_row = real[tallest + y - radius + k], imaginary[tallest + y - radius + k]
                    for x in range(width):
                        real_sum[x] += real_weight * real_row[x] - imaginary_weight * imaginary_row[x]
                        imaginary_sum[x] += real_weight * imaginary_row[x] + imaginary_weight * real_row[x]
                for x in range(width):
                    real_sum[x] = np.sqrt(real_sum[x] * real_sum[x] + imaginary_sum[x] * imaginary_sum[x])
                for x in range(width):
                    cell = row_cells[y] * grid + column_cells[x]
                    sums[cell, 0] += 1
                    sums[cell, 1] += real_sum[x]
                    sums[cell, 2] += real_sum[x] * real_sum[x]
            for cell in range(grid * grid):
                mean = sums[cell, 1] / sums[cell, 0]
                place = 2 * (f * grid * grid + cell)
                features[i, place] = mean
                features[i, place + 1] = np.sqrt(max(0.0, sums[cell, 2] / sums[cell, 0] - mean * mean))
