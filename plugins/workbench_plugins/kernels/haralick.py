"""Properties of grey-level co-occurrence matrices, cell by cell."""

from __future__ import annotations

import numba
import numpy as np

from workbench_plugins.kernels.images import FEATURES, IMAGES, grey

#: Properties that are written, in order.
PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "ASM", "correlation", "entropy")

#: Neighbours in an image are alike. Counting them in turn in several matrices, no count waits for the one before it.
_LANES = 4


@numba.njit(nogil=True, cache=True)
def _write_properties(matrix, pairs, out):  # type: ignore[no-untyped-def]
    """Writes the properties of the symmetric matrix made of counts of pairs ``(lanes, levels, levels)``."""
    levels = matrix.shape[1]
    contrast = dissimilarity = homogeneity = asm = entropy = mean = square = product = 0.0
    scale = 0.5 / pairs
    for a in range(levels):
        for b in range(levels):
            count = 0
            for lane in range(_LANES):
                count += matrix[lane, a, b] + matrix[lane, b, a]
            if count == 0:
                continue
            share = count * scale
            gap = a - b
            contrast += share * gap * gap
            dissimilarity += share * abs(gap)
            homogeneity += share / (1.0 + gap * gap)
            asm += share * share
            entropy -= share * np.log(share)
            mean += share * a
            square += share * a * a
            product += share * a * b
    variance = square - mean * mean
    out[0] = contrast
    out[1] = dissimilarity
    out[2] = homogeneity
    out[3] = asm
    out[4] = 1.0 if variance < 1e-12 else (product - mean * mean) / variance
    out[5] = entropy


@numba.njit(
    numba.void(
        IMAGES, numba.int64, numba.int64[:, ::1], numba.int64[::1], numba.int64[::1], numba.int64, FEATURES,
    ),
    nogil=True,
    cache=True,
)  # fmt: skip
def haralick_cells(images, levels, offsets, tops, lefts, grid, features):  # type: ignore[no-untyped-def]
    """Writes for each cell and offset the :data:`PROPERTIES`.

    Args:
        images: The images.
        levels: Grey levels that the 256 are cut into.
        offsets: ``(m, 2)`` rows and columns from one pixel of a pair to the other.
        tops: ``grid + 1`` first rows of the cells, and the height.
        lefts: ``grid + 1`` first columns of the cells, and the width.
        grid: Cells along each side.
        features: ``(n, grid * grid * m * 6)``.
    """
    n, height, width, _ = images.shape
    luminance = np.empty((height, width), np.uint8)
    quantised = np.empty((height, width), np.uint8)
    matrix = np.empty((_LANES, levels, levels), np.uint32)
    counts = matrix.reshape(_LANES, levels * levels)
    counts_0, counts_1, counts_2, counts_3 = counts[0], counts[1], counts[2], counts[3]
    pair = np.empty(width, np.uint16)
    properties = len(PROPERTIES)
    for i in range(n):
        grey(images[i], luminance)
        for y in range(height):
            for x in range(width):
                quantised[y, x] = luminance[y, x] * levels // 256
        place = 0
        for cell_y in range(grid):
            for cell_x in range(grid):
                for k in range(len(offsets)):
                    down, across = offsets[k, 0], offsets[k, 1]
                    first = max(lefts[cell_x], lefts[cell_x] - across)
                    last = max(first, min(lefts[cell_x + 1], lefts[cell_x + 1] - across))
                    matrix[:] = 0
                    pairs = 0
                    for y in range(tops[cell_y], tops[cell_y + 1] - down):
                        here = quantised[y, first:last]
                        there = quantised[y + down, first + across : last + across]
                        length = len(here)
                        for x in range(length):
                            pair[x] = np.uint16(here[x]) * np.uint16(levels) + there[x]
                        for x in range(0, length - 3, 4):
                            counts_0[pair[x]] += np.uint32(1)
                            counts_1[pair[x + 1]] += np.uint32(1)
                            counts_2[pair[x + 2]] += np.uint32(1)
                            counts_3[pair[x + 3]] += np.uint32(1)
                        for x in range(length // 4 * 4, length):
                            counts_0[pair[x]] += np.uint32(1)
                        pairs += length
                    _write_properties(matrix, max(pairs, 1), features[i, place : place + properties])
                    place += properties
