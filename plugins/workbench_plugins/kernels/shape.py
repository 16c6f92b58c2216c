"""Shape of the bright and of the dark region that Otsu's threshold finds."""

from __future__ import annotations

import numba
import numpy as np

from workbench_plugins.kernels.images import FEATURES, IMAGES, grey

#: Numbers that describe a region.
NUMBERS = 17


@numba.njit(nogil=True, cache=True)
def otsu(luminance):  # type: ignore[no-untyped-def]
    """Returns Otsu's threshold (IEEE SMC 1979): values above it are bright. That of scikit-image, for uint8."""
    counts = np.zeros(256)
    height, width = luminance.shape
    for y in range(height):
        for x in range(width):
            counts[luminance[y, x]] += 1
    pixels, total = 0.0, 0.0
    for value in range(256):
        pixels += counts[value]
        total += value * counts[value]
    best, threshold = -1.0, int(luminance[0, 0])
    below, below_total = 0.0, 0.0
    for value in range(255):
        below += counts[value]
        below_total += value * counts[value]
        above = pixels - below
        if counts[value] == 0 or above == 0:  # between two values that occur, the first threshold is taken
            continue
        gap = below_total / below - (total - below_total) / above
        between = below * above * gap * gap
        if between > best:
            best, threshold = between, value
    return threshold


@numba.njit(nogil=True, cache=True)
def _largest(luminance, threshold, bright, labels, stack):  # type: ignore[no-untyped-def]
    """Labels the regions (8-connected) of one side of the threshold; returns how many and the largest one's label."""
    height, width = luminance.shape
    for y in range(height):
        for x in range(width):
            labels[y, x] = 0 if (luminance[y, x] > threshold) == bright else -1
    regions, best, best_area = 0, 0, 0
    for y in range(height):
        for x in range(width):
            if labels[y, x] != 0:
                continue
            regions += 1
            labels[y, x] = regions
            stack[0] = y << 16 | x  # shifts cost far less than divisions
            waiting, area = 1, 0
            while waiting:
                waiting -= 1
                area += 1
                row, column = stack[waiting] >> 16, stack[waiting] & 0xFFFF
                for v in range(max(row - 1, 0), min(row + 2, height)):
                    for u in range(max(column - 1, 0), min(column + 2, width)):
                        if labels[v, u] == 0:
                            labels[v, u] = regions
                            stack[waiting] = v << 16 | u
                            waiting += 1
            if area > best_area:
                best, best_area = regions, area
    return regions, best


@numba.njit(nogil=True, cache=True)
def _hull_area(lefts, rights, top, bottom, hull):  # type: ignore[no-untyped-def]
    """Returns the area of the convex hull of a region's pixels, as squares: a chain down the left, one up the right."""
    area = 0.0
    for side in (-1, 1):
        size = 0
        for corner in range(2 * (bottom - top + 1)):
            y = top + (corner + 1) // 2  # upper and lower corner of each row
            row = top + corner // 2
            x = lefts[row] if side < 0 else rights[row] + 1
            while size >= 2:
                ax, ay = hull[size - 1, 0] - hull[size - 2, 0], hull[size - 1, 1] - hull[size - 2, 1]
                bx, by = x - hull[size - 2, 0], y - hull[size - 2, 1]
                if side * (ax * by - ay * bx) > 0:
                    break
                size -= 1
            hull[size, 0], hull[size, 1] = x, y
            size += 1
        for k in range(size - 1):  # area between the chain and the axis
            area += side * (hull[k, 0] + hull[k + 1, 0]) * (hull[k + 1, 1] - hull[k, 1]) / 2
    return area


@numba.njit(nogil=True, cache=True)
def _describe(labels, wanted, regions, lefts, rights, hull, out):  # type: ignore[no-untyped-def]
    """Writes the numbers of one region: see :func:`shape_regions`."""
    height, width = labels.shape
    out[:] = 0
    if wanted == 0:
        return
    raw = np.zeros((4, 4))
    top, bottom, left, right = height, -1, width, -1
    border = 0
    for y in range(height):
        first, last = -1, -1
        for x in range(width):
            if labels[y, x] != wanted:
                continue
            if first < 0:
                first = x
            last = x
            inner = (
                0 < y < height - 1
                and 0 < x < width - 1
                and labels[y - 1, x] == wanted
                and labels[y + 1, x] == wanted
                and labels[y, x - 1] == wanted
                and labels[y, x + 1] == wanted
            )
            border += not inner
            power_y = 1.0
            for p in range(4):
                power = power_y
                for q in range(4 - p):
                    raw[p, q] += power
                    power *= x
                power_y *= y
        if first < 0:
            continue
        lefts[y], rights[y] = first, last
        top, bottom = min(top, y), y
        left, right = min(left, first), max(right, last)
    area = raw[0, 0]
    cy, cx = raw[1, 0] / area, raw[0, 1] / area
    mu20 = raw[2, 0] - cy * raw[1, 0]
    mu02 = raw[0, 2] - cx * raw[0, 1]
    mu11 = raw[1, 1] - cy * raw[0, 1]
    mu30 = raw[3, 0] - 3 * cy * raw[2, 0] + 2 * cy * cy * raw[1, 0]
    mu03 = raw[0, 3] - 3 * cx * raw[0, 2] + 2 * cx * cx * raw[0, 1]
    mu21 = raw[2, 1] - 2 * cy * raw[1, 1] - cx * raw[2, 0] + 2 * cy * cy * raw[0, 1]
    mu12 = raw[1, 2] - 2 * cx * raw[1, 1] - cy * raw[0, 2] + 2 * cx * cx * raw[1, 0]
    second, third = area**2, area**2.5
    n20, n02, n11 = mu20 / second, mu02 / second, mu11 / second
    n30, n03, n21, n12 = mu30 / third, mu03 / third, mu21 / third, mu12 / third
    s, t = n30 + n12, n21 + n03
    u, v = n30 - 3 * n12, 3 * n21 - n03
    hu = (
        n20 + n02,
        (n20 - n02) ** 2 + 4 * n11**2,
        u**2 + v**2,
        s**2 + t**2,
        u * s * (s**2 - 3 * t**2) + v * t * (3 * s**2 - t**2),
        (n20 - n02) * (s**2 - t**2) + 4 * n11 * s * t,
        v * s * (s**2 - 3 * t**2) - u * t * (3 * s**2 - t**2),
    )
    for k in range(7):  # over many powers of ten: their logarithm, with the sign
        out[k] = np.sign(hu[k]) * np.log10(1.0 + abs(hu[k]) * 1e8)
    # an ellipse with the same second moments
    a, b, c = mu20 / area, mu11 / area, mu02 / area
    root = np.sqrt(4 * b * b + (a - c) ** 2)
    major, minor = (a + c + root) / 2, max((a + c - root) / 2, 0.0)
    out[7] = area / (height * width)
    out[8] = np.sqrt(max(0.0, 1 - minor / major)) if major > 0 else 0.0  # eccentricity
    out[9] = area / ((bottom - top + 1) * (right - left + 1))  # extent
    out[10] = area / _hull_area(lefts, rights, top, bottom, hull)  # solidity
    out[11] = 4 * np.sqrt(major) / max(height, width)
    out[12] = 4 * np.sqrt(minor) / max(height, width)
    out[13] = border * border / area
    out[14] = (cy + 0.5) / height
    out[15] = (cx + 0.5) / width
    out[16] = np.log2(1.0 + regions)


@numba.njit(numba.void(IMAGES, FEATURES), nogil=True, cache=True)
def shape_regions(images, features):  # type: ignore[no-untyped-def]
    """Writes the threshold and, for the largest bright and the largest dark region, 17 numbers.

    They are: the logarithms of Hu's seven moments; area; eccentricity; extent; solidity; the axes of the ellipse;
    border squared by area; the centre's row and column; and the logarithm of the number of regions.

    Args:
        images: The images.
        features: ``(n, 1 + 2 * 17)``.
    """
    n, height, width, _ = images.shape
    luminance = np.empty((height, width), np.uint8)
    labels = np.empty((height, width), np.int32)
    stack = np.empty(height * width, np.int64)
    lefts, rights = np.empty(height, np.int64), np.empty(height, np.int64)
    hull = np.empty((2 * height + 2, 2), np.int64)
    for i in range(n):
        grey(images[i], luminance)
        threshold = otsu(luminance)
        features[i, 0] = threshold / 255
        for side in range(2):
            regions, best = _largest(luminance, threshold, side == 0, labels, stack)
            start = 1 + side * NUMBERS
            _describe(labels, best, regions, lefts, rights, hull, features[i, start : start + NUMBERS])
