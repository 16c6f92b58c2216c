"""Dense SIFT descriptors."""

from __future__ import annotations

import numba
import numpy as np

from workbench_plugins.kernels.images import IMAGES, grey

#: Directions and cells along each side of a descriptor, as Lowe has them, and the length that follows.
DIRECTIONS, CELLS = 8, 4
LENGTH = DIRECTIONS * CELLS * CELLS


@numba.njit(
    numba.void(IMAGES, numba.int64, numba.int64, numba.float32[:, :, :, ::1]),
    nogil=True,
    cache=True,
    fastmath={"reassoc", "contract", "nsz"},
)
def dense_sift(images, cell, step, descriptors):  # type: ignore[no-untyped-def]
    """Writes the descriptors of squares of ``4 * cell`` pixels that lie ``step`` pixels apart.

    Lowe, IJCV 2004, upright, on a dense grid. Every cell counts its pixels alike (a flat window), which sums over an
    integral image give at once. A descriptor of a patch without any contrast is zero.

    Args:
        images: The images.
        cell: Side of a cell, in pixels.
        step: Pixels from one descriptor to the next.
        descriptors: ``(n, rows, columns, 128)``; rows and columns are as many as fit the image.
    """
    n, height, width, _ = images.shape
    rows, columns = descriptors.shape[1], descriptors.shape[2]
    luminance = np.empty((height, width), np.uint8)
    sums = np.zeros((height + 1, width + 1, DIRECTIONS), np.float32)
    running = np.empty(DIRECTIONS, np.float32)
    top, left = (height - 4 * cell - (rows - 1) * step) // 2, (width - 4 * cell - (columns - 1) * step) // 2
    for i in range(n):
        grey(images[i], luminance)
        for y in range(height):
            running[:] = 0
            for x in range(width):
                gx = np.float32(luminance[y, min(x + 1, width - 1)]) - np.float32(luminance[y, max(x - 1, 0)])
                gy = np.float32(luminance[min(y + 1, height - 1), x]) - np.float32(luminance[max(y - 1, 0), x])
                strength = np.sqrt(gx * gx + gy * gy)
                place = np.arctan2(gy, gx) * np.float32(DIRECTIONS / (2 * np.pi)) + np.float32(DIRECTIONS)
                first = int(place)
                share = place - np.float32(first)
                running[first % DIRECTIONS] += strength * (1 - share)
                running[(first + 1) % DIRECTIONS] += strength * share
                for k in range(DIRECTIONS):
                    sums[y + 1, x + 1, k] = sums[y, x + 1, k] + running[k]
        for row in range(rows):
            for column in range(columns):
                out = descriptors[i, row, column]
                total = np.float32(0)
                for cy in range(CELLS):
                    y0 = top + row * step + cy * cell
                    for cx in range(CELLS):
                        x0 = left + column * step + cx * cell
                        start = (cy * CELLS + cx) * DIRECTIONS
                        a, b = sums[y0, x0], sums[y0, x0 + cell]
                        c, d = sums[y0 + cell, x0], sums[y0 + cell, x0 + cell]
                        for k in range(DIRECTIONS):
                            value = max(d[k] - b[k] - c[k] + a[k], np.float32(0))
                            out[start + k] = value
                            total += value * value
                if total < 1:  # less than one grey level
                    out[:] = 0
                    continue
                scale = 1 / np.sqrt(total)
                total = np.float32(0)
                for k in range(LENGTH):
                    value = min(out[k] * scale, np.float32(0.2))
                    out[k] = value
                    total += value * value
                scale = 1 / np.sqrt(total)
                for k in range(LENGTH):
                    out[k] *= scale
