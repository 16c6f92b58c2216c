"""How fast the extractors are, and whether they compute what scikit-image computes.

    python benchmarks/features.py [--images 100] [--extractors hog,color]

Both compute the same features of the same images in the same process on one core, ours a stack at a time and
scikit-image's one image at a time, in turns; the best of three counts. Images are cut out of a photograph, so that
gradients are as they are in life; ``noise`` instead makes every pixel random, the worst case for a branch predictor.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
from PIL import Image
from skimage import color, data, feature, filters, measure, util

from workbench_plugins.extractors.color import color_features
from workbench_plugins.extractors.edges import edge_features
from workbench_plugins.extractors.gabor import gabor_features
from workbench_plugins.extractors.haralick import haralick_features
from workbench_plugins.extractors.hog import HOG
from workbench_plugins.extractors.lbp import lbp_features
from workbench_plugins.extractors.shape import shape_features

Array = np.ndarray[Any, Any]


def photographs(n: int, side: int, channels: int) -> Array:
    rng = np.random.default_rng(0)
    photograph = Image.fromarray(data.astronaut())
    images = np.empty((n, side, side, channels), np.uint8)
    for image in images:
        size = int(rng.integers(side, 512))
        left, top = (int(start) for start in rng.integers(0, 512 - size + 1, 2))
        cut = photograph.crop((left, top, left + size, top + size)).resize((side, side))
        image[:] = np.asarray(cut if channels == 3 else cut.convert("L")).reshape(image.shape)
    return images


def noise(n: int, side: int, channels: int) -> Array:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


def luminance(image: Array) -> Array:
    return image[..., 0] if image.shape[2] == 1 else util.img_as_ubyte(color.rgb2gray(image))


def skimage_hog(cell: int) -> Callable[[Array], Array]:
    def compute(image: Array) -> Array:
        grey = image.shape[2] == 1
        return feature.hog(
            image[..., 0] if grey else image,
            pixels_per_cell=(cell, cell),
            cells_per_block=(2, 2),
            channel_axis=None if grey else -1,
        )

    return compute


def skimage_color(space: str) -> Callable[[Array], Array]:
    def compute(image: Array) -> Array:
        if space == "hsv":
            values = color.rgb2hsv(image)
        elif space == "lab":
            values = (color.rgb2lab(image) + np.array([0, 128, 128])) / np.array([100, 255, 255])
        else:
            values = image / 255
        flat = values.reshape(-1, image.shape[2])
        histograms = [np.histogram(channel, 16, (0, 1))[0] / len(flat) for channel in flat.T]
        mean = flat.mean(axis=0)
        return np.concatenate([*histograms, mean, flat.std(axis=0), np.cbrt(((flat - mean) ** 3).mean(axis=0))])

    return compute


def skimage_edges(image: Array) -> Array:
    grey = luminance(image) / 255
    strength, marked = filters.sobel(grey), feature.canny(grey, 1.0, mode="reflect")
    across, down = filters.sobel_v(grey), filters.sobel_h(grey)
    across[np.abs(across) < 1e-12], down[np.abs(down) < 1e-12] = 0, 0  # what rounding left of upright and level edges
    angles = np.arctan2(down, across) % np.pi
    weights = np.histogram(angles, 9, (0, np.pi), weights=strength)[0]
    return np.concatenate([[strength.mean(), strength.std(), marked.mean()], weights / (strength.sum() + 1e-6)])


def skimage_lbp(image: Array) -> Array:
    grey = luminance(image)
    codes = [feature.local_binary_pattern(grey, 8, radius, "uniform").astype(int).ravel() for radius in (1, 2)]
    return np.concatenate([np.bincount(c, minlength=10) / grey.size for c in codes])


def skimage_gabor(image: Array) -> Array:
    grey = luminance(image) / 255
    energies = []
    for frequency in (0.4, 0.2):
        for k in range(4):
            response = np.hypot(*filters.gabor(grey, frequency, np.pi * k / 4))
            energies += [response.mean(), response.std()]
    return np.array(energies)


def skimage_haralick(image: Array) -> Array:
    levels = (luminance(image).astype(int) * 16 // 256).astype(np.uint8)
    options: dict[str, Any] = {"levels": 16, "symmetric": True, "normed": True}
    straight = feature.graycomatrix(levels, [1, 2], [0, np.pi / 2], **options)
    diagonal = feature.graycomatrix(levels, [2**0.5, 8**0.5], [np.pi / 4, 3 * np.pi / 4], **options)
    matrices = np.stack([straight[..., 0], diagonal[..., 0], straight[..., 1], diagonal[..., 1]], axis=-1)
    names = ("contrast", "dissimilarity", "homogeneity", "ASM", "correlation", "entropy")
    return np.stack([feature.graycoprops(matrices, name) for name in names]).transpose(1, 2, 0).ravel()


def skimage_shape(image: Array) -> Array:
    grey = luminance(image)
    threshold = filters.threshold_otsu(grey)
    numbers = [threshold / 255]
    for region in (grey > threshold, grey <= threshold):
        part = max(measure.regionprops(measure.label(region, connectivity=2)), key=lambda part: part.area)
        hu = part.moments_hu
        numbers += [*(np.sign(hu) * np.log10(1 + 1e8 * np.abs(hu))), part.area / grey.size, part.eccentricity]
        numbers += [part.extent, part.solidity, part.axis_major_length / max(grey.shape)]
    return np.array(numbers)


#: The numbers of ours that scikit-image has too: without solidity (its hull is drawn in pixels), border, places, count.
SHAPE = [0, *range(1, 11), 12, *range(18, 28), 29]
SHAPE_THEIRS = [0, *range(1, 11), 12, *range(13, 23), 24]


def cases(side: int, channels: int) -> dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]]:
    found: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {}
    for cell in (4, 7) if side == 28 else (8,):
        found[f"hog, cells of {cell}"] = (HOG(pixels_per_cell=(cell, cell)).transform, skimage_hog(cell))
    for space in ("rgb", "hsv", "lab") if channels == 3 else ("grey",):
        found[f"color, {space}"] = (lambda images, s=space: color_features(images, s), skimage_color(space))
    found["edges"] = (lambda images: edge_features(images, grid=1, orientations=9), skimage_edges)
    found["lbp"] = (lambda images: lbp_features(images, (1, 2)), skimage_lbp)
    found["gabor"] = (gabor_features, skimage_gabor)
    found["haralick"] = (haralick_features, skimage_haralick)
    found["shape"] = (shape_features, skimage_shape)
    return found


def compare(ours: Any, theirs: Any, images: Array) -> tuple[float, float, Array, Array]:
    """Returns seconds an image of both, best of three, and what they computed."""
    ours(images[:2])
    seconds = [[], []]
    for _ in range(3):
        started = time.perf_counter()
        mine = ours(images)
        seconds[0].append(time.perf_counter() - started)
        started = time.perf_counter()
        other = np.stack([theirs(image) for image in images])
        seconds[1].append(time.perf_counter() - started)
    return min(seconds[0]) / len(images), min(seconds[1]) / len(images), mine, other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100, help="images in a stack (default: 100)")
    parser.add_argument("--extractors", help="names, comma-separated (default: all)")
    arguments = parser.parse_args()
    wanted = arguments.extractors.split(",") if arguments.extractors else None
    warnings.simplefilter("ignore")  # scikit-image's about features of nearly empty images
    print(f"{'':24}{'images':12}{'ours':>12}{'scikit-image':>14}{'ratio':>9}{'largest difference':>20}")
    for make in (photographs, noise):
        for side, channels in ((28, 1), (28, 3), (64, 1), (64, 3), (128, 1), (128, 3)):
            images = make(arguments.images, side, channels)
            for name, (ours, theirs) in cases(side, channels).items():
                if wanted and name.partition(",")[0] not in wanted:
                    continue
                mine_seconds, other_seconds, mine, other = compare(ours, theirs, images)
                if name == "shape":
                    mine, other = mine[:, SHAPE], other[:, SHAPE_THEIRS]
                kind = f"{side} {'grey' if channels == 1 else 'colour'}" + (" noise" if make is noise else "")
                print(
                    f"{name:20}{kind:>16}{1 / mine_seconds:>10,.0f}/s{1 / other_seconds:>12,.0f}/s"
                    f"{other_seconds / mine_seconds:>8.1f}x{np.abs(mine - other).max():>20.1e}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
