"""What several compiled extractors share: types, grey values, smoothing."""

from __future__ import annotations

import numba
import numpy as np

#: A C-contiguous stack of images; memory maps are read-only.
IMAGES = numba.types.Array(numba.uint8, 4, "C", readonly=True)
#: Features, written in place.
FEATURES = numba.float32[:, ::1]


@numba.njit(nogil=True, cache=True)
def grey(image, out):  # type: ignore[no-untyped-def]
    """Writes the grey values of an image ``(height, width, channels)``, 0 to 255, rounded, as uint8.

    Luminance by Rec. 709, as ``skimage.img_as_ubyte(skimage.color.rgb2gray(image))``.
    """
    height, width, channels = image.shape
    for y in range(height):
        if channels == 1:
            for x in range(width):
                out[y, x] = image[y, x, 0]
        else:
            for x in range(width):
                value = (
                    np.float32(0.2125) * image[y, x, 0]
                    + np.float32(0.7154) * image[y, x, 1]
                    + np.float32(0.0721) * image[y, x, 2]
                )
                out[y, x] = np.uint8(np.rint(value))


@numba.njit(nogil=True, cache=True)
def mirrored(position, length):  # type: ignore[no-untyped-def]
    """Returns the position inside an image that stands for one outside: borders reflect, ``d c b a | a b c d``."""
    period = 2 * length
    position %= period
    return position if position < length else period - 1 - position


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def smooth(image, weights, margin_rows, margin_columns, out):  # type: ignore[no-untyped-def]
    """Filters a float32 image with a separable symmetric filter, borders reflected.

    Args:
        image: ``(height, width)``.
        weights: Odd number of weights, for both directions.
        margin_rows: Scratch ``(height + 2 * radius, width)``.
        margin_columns: Scratch ``width + 2 * radius``.
        out: ``(height, width)``.
    """
    height, width = image.shape
    radius = len(weights) // 2
    for y in range(height):
        for x in range(-radius, width + radius):
            margin_columns[x + radius] = image[y, mirrored(x, width)]
        row = margin_rows[y + radius]
        row[:] = 0
        for k in range(len(weights)):
            weight = weights[k]
            for x in range(width):
                row[x] += weight * margin_columns[x + k]
    for y in range(radius):
        margin_rows[y] = margin_rows[radius + mirrored(y - radius, height)]
        margin_rows[radius + height + y] = margin_rows[radius + mirrored(height + y, height)]
    for y in range(height):
        row = out[y]
        row[:] = 0
        for k in range(len(weights)):
            weight = weights[k]
            above = margin_rows[y + k]
            for x in range(width):
                row[x] += weight * above[x]
