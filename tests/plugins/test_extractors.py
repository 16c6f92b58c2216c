from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import color, data, feature, filters, measure, util
from skimage.feature import hog
from skimage.transform import downscale_local_mean

from workbench_plugins.extractors import hog_transformer
from workbench_plugins.extractors.color import color_features
from workbench_plugins.extractors.edges import edge_features
from workbench_plugins.extractors.gabor import gabor_features
from workbench_plugins.extractors.haralick import haralick_features
from workbench_plugins.extractors.hog import HOG
from workbench_plugins.extractors.lbp import lbp_features
from workbench_plugins.extractors.pixels import pixel_features
from workbench_plugins.extractors.shape import shape_features
from workbench_plugins.extractors.visual_words import BagOfVisualWords


def photographs(n: int, side: int, channels: int) -> np.ndarray:
    """Cuts ``n`` squares out of a photograph, seeded, and brings them to ``side`` pixels."""
    rng = np.random.default_rng(0)
    photograph = Image.fromarray(data.astronaut())
    images = np.empty((n, side, side, channels), np.uint8)
    for image in images:
        size = int(rng.integers(side, 512))
        left, top = (int(start) for start in rng.integers(0, 512 - size + 1, 2))
        cut = photograph.crop((left, top, left + size, top + size)).resize((side, side))
        image[:] = np.asarray(cut if channels == 3 else cut.convert("L")).reshape(image.shape)
    return images


def luminance(image: np.ndarray) -> np.ndarray:
    return image[..., 0] if image.shape[2] == 1 else util.img_as_ubyte(color.rgb2gray(image))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(24, 71),
    width=st.integers(24, 71),
    colour=st.booleans(),
    flat=st.booleans(),
    orientations=st.integers(4, 12),
    cell=st.tuples(st.integers(2, 16), st.integers(2, 16)),
    block=st.integers(1, 3),
    norm=st.sampled_from(["L1", "L2", "L2-Hys"]),
)
def test_hog_equals_scikit_images(
    seed: int, height: int, width: int, colour: bool, flat: bool, orientations: int, cell: tuple[int, int], block: int,
    norm: str,
) -> None:  # fmt: skip
    assume(min(height // cell[0], width // cell[1]) >= block)
    rng = np.random.default_rng(seed)
    shape = (2, height, width, 3 if colour else 1)
    noise = rng.normal(100, 3, shape) if flat else rng.integers(0, 256, shape)  # flat images have many ties
    images = np.clip(noise, 0, 255).astype(np.uint8)
    chosen = {
        "orientations": orientations,
        "pixels_per_cell": cell,
        "cells_per_block": (block, block),
        "block_norm": norm,
    }
    expected = [
        hog(image if colour else image[..., 0], channel_axis=-1 if colour else None, **chosen) for image in images
    ]
    np.testing.assert_allclose(HOG(**chosen).transform(images), expected, atol=1e-5)


def test_hog_breaks_ties_between_channels_as_scikit_image_does() -> None:
    squares: dict[int, list[tuple[int, int]]] = {}
    for down in range(256):
        for across in range(256):
            squares.setdefault(down**2 + across**2, []).append((down, across))
    # pairs of gradients of the same square, whose magnitudes differ by rounding: the larger one's channel counts
    pairs = [
        (one, other)
        for same in squares.values()
        if len({float(np.hypot(*gradient)) for gradient in same}) > 1
        for one in same
        for other in same
    ]
    assert len(pairs) > 100
    images = np.zeros((len(pairs), 12, 12, 3), np.uint8)
    for image, gradients in zip(images, pairs, strict=True):
        for channel, (down, across) in enumerate(gradients):
            image[6, 5, channel], image[5, 6, channel] = down, across
    chosen = {"pixels_per_cell": (4, 4), "cells_per_block": (1, 1), "block_norm": "L1"}
    expected = [hog(image, channel_axis=-1, **chosen) for image in images]
    np.testing.assert_allclose(HOG(**chosen).transform(images), expected, atol=1e-5)


def test_hog_with_a_margin_and_enlarged_is_that_of_the_images_made_so() -> None:
    images = photographs(3, 28, 3)
    larger = np.stack(
        [np.asarray(Image.fromarray(np.pad(i, ((2, 2), (2, 2), (0, 0)), "edge")).resize((64, 64), 3)) for i in images]
    )
    np.testing.assert_array_equal(HOG(margin=2, enlarge=2).transform(images), HOG().transform(larger))
    grey = np.stack([np.asarray(Image.fromarray(i[..., 0]).resize((56, 56), 3)) for i in images])[..., None]
    np.testing.assert_array_equal(HOG(enlarge=2).transform(images[..., :1]), HOG().transform(grey))


def test_hog_on_threads_and_on_a_read_only_memory_map_is_the_same(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (600, 28, 28, 1), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    one = HOG(pixels_per_cell=(4, 4)).transform(images)
    np.testing.assert_array_equal(HOG(pixels_per_cell=(4, 4), n_jobs=2).transform(mapped), one)
    np.testing.assert_array_equal(HOG(pixels_per_cell=(4, 4)).transform(mapped[::-2]), one[::-2])
    assert HOG(pixels_per_cell=(4, 4)).transform(images[:0]).shape == (0, one.shape[1])


@pytest.mark.parametrize(
    ("images", "settings", "said"),
    [
        (np.zeros((2, 32, 32, 1)), {}, "takes uint8 images"),
        (np.zeros((2, 32, 32), np.uint8), {}, "takes uint8 images"),
        (np.zeros((2, 8, 8, 1), np.uint8), {}, "fewer than one block of 2x2 needs"),
        (np.zeros((2, 32, 32, 1), np.uint8), {"block_norm": "L3"}, "block_norm must be one of L1, L2, L2-Hys"),
    ],
)
def test_hog_refuses_in_words(images: np.ndarray, settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        HOG(**settings).transform(images)


@pytest.mark.parametrize("space", ["rgb", "hsv", "lab", "grey"])
def test_colour_histograms_sum_to_one_in_every_cell(space: str) -> None:
    channels = 1 if space == "grey" else 3
    images = np.random.default_rng(0).integers(0, 256, (5, 30, 20, channels), dtype=np.uint8)
    features = color_features(images, space=space, bins=8, grid=2)
    assert features.shape == (5, 4 * channels * (8 + 3))
    for cell in features.reshape(5, 4, -1).swapaxes(0, 1):
        np.testing.assert_allclose(cell[:, : 8 * channels].reshape(5, channels, 8).sum(axis=2), 1, rtol=1e-5)


def test_colour_tells_red_from_green_and_moments_are_numpys() -> None:
    images = np.zeros((2, 16, 16, 3), np.uint8)
    images[0, ..., 0] = images[1, ..., 1] = 255
    hue = color_features(images, space="hsv", bins=6, grid=1)[:, :6]
    assert hue.argmax(axis=1).tolist() == [0, 2]  # red at 0 degrees, green at 120
    noise = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    features = color_features(noise, space="rgb", bins=4, grid=1)
    np.testing.assert_allclose(features[:, 12:15], noise.mean(axis=(1, 2)) / 255, rtol=1e-5)
    np.testing.assert_allclose(features[:, 15:18], (noise / 255).std(axis=(1, 2)), rtol=1e-5)


def test_edges_find_where_an_edge_is_and_which_way_it_runs() -> None:
    images = np.zeros((2, 32, 32, 1), np.uint8)
    images[0, :, 20:] = images[1, 20:] = 200  # an upright edge, and one across, right of and below the middle
    features = edge_features(images, grid=2, orientations=4).reshape(2, 2, 2, -1)  # cells: row, column
    strength, directions = features[..., 0], features[..., 3:]
    assert (strength[0, :, 1] > 0.01).all()
    assert (strength[0, :, 0] == 0).all()
    assert (strength[1, 1] > 0.01).all()
    assert (strength[1, 0] == 0).all()
    assert directions[0, 0, 1].argmax() == 0  # its gradient points along the row
    assert directions[1, 1, 0].argmax() == 2  # and down the column


def test_pixels_are_the_means_of_cells() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    expected = np.stack([downscale_local_mean(image, (4, 6, 1)) for image in images]) / 255
    np.testing.assert_allclose(pixel_features(images, side=8), expected.reshape(3, -1), rtol=1e-4)


@pytest.mark.parametrize("space", ["hsv", "lab"])
def test_colours_are_scikit_images(space: str) -> None:
    images = photographs(20, 48, 3)
    features = color_features(images, space=space, bins=8, grid=1)
    convert = {"hsv": color.rgb2hsv, "lab": lambda i: (color.rgb2lab(i) + np.array([0, 128, 128])) / [100, 255, 255]}[
        space
    ]
    values = np.stack([convert(image).reshape(-1, 3) for image in images])
    mean, spread = values.mean(axis=1), values.std(axis=1)
    skewness = np.cbrt(((values - mean[:, None]) ** 3).mean(axis=1))
    np.testing.assert_allclose(features[:, 24:], np.concatenate([mean, spread, skewness], axis=1), atol=1e-4)
    counts = np.stack([[np.histogram(v[:, c], 8, (0, 1))[0] for c in range(3)] for v in values]).reshape(20, 24)
    # a value on the border of two bins may fall either way
    assert np.abs(features[:, :24] - counts / 48**2).sum(axis=1).max() < 0.03


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operator", ["sobel", "scharr"])
@pytest.mark.parametrize("sigma", [0.7, 1.5])
def test_edges_are_scikit_images(channels: int, operator: str, sigma: float) -> None:
    images = photographs(20, 48, channels)
    features = edge_features(images, operator=operator, sigma=sigma, grid=1, orientations=5)
    for image, found in zip(images, features, strict=True):
        grey = luminance(image) / 255
        strength = getattr(filters, operator)(grey)
        np.testing.assert_allclose(found[:2], [strength.mean(), strength.std()], atol=1e-4)
        assert found[2] == pytest.approx(feature.canny(grey, sigma, mode="reflect").mean(), abs=2e-3)
        across, down = getattr(filters, f"{operator}_v")(grey), getattr(filters, f"{operator}_h")(grey)
        across[np.abs(across) < 1e-12], down[np.abs(down) < 1e-12] = 0, 0
        weights = np.histogram(np.arctan2(down, across) % np.pi, 5, (0, np.pi), weights=strength)[0]
        np.testing.assert_allclose(found[3:], weights / strength.sum(), atol=2e-3)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_local_binary_patterns_are_scikit_images(radius: int) -> None:
    images = photographs(20, 40, 1)
    for image, found in zip(images, lbp_features(images, radii=(radius,)), strict=True):
        codes = feature.local_binary_pattern(image[..., 0], 8, radius, "uniform").astype(int)
        np.testing.assert_allclose(found, np.bincount(codes.ravel(), minlength=10) / codes.size, atol=1e-7)


def test_gabor_energies_are_scikit_images() -> None:
    images = photographs(3, 40, 3)
    for image, found in zip(images, gabor_features(images, (0.3, 0.15), orientations=5), strict=True):
        expected = []
        for frequency in (0.3, 0.15):
            for k in range(5):
                response = np.hypot(*filters.gabor(luminance(image) / 255, frequency, np.pi * k / 5))
                expected += [response.mean(), response.std()]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_haralicks_properties_are_scikit_images() -> None:
    images = photographs(10, 40, 1)
    names = ("contrast", "dissimilarity", "homogeneity", "ASM", "correlation", "entropy")
    for image, found in zip(images, haralick_features(images, 8, (1, 3)), strict=True):
        levels = (image[..., 0].astype(int) * 8 // 256).astype(np.uint8)
        expected = []
        for distance in (1, 3):
            for angle in range(4):  # along a diagonal d to the side and d down
                reach = [distance * 2**0.5] if angle % 2 else [distance]
                matrix = feature.graycomatrix(levels, reach, [angle * np.pi / 4], 8, symmetric=True, normed=True)
                expected += [feature.graycoprops(matrix, name)[0, 0] for name in names]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_shapes_are_scikit_images() -> None:
    images = photographs(20, 40, 1)
    for image, found in zip(images, shape_features(images), strict=True):
        grey = image[..., 0]
        threshold = filters.threshold_otsu(grey)
        assert found[0] == pytest.approx(threshold / 255)
        for region, numbers in ((grey > threshold, found[1:18]), (grey <= threshold, found[18:])):
            parts = measure.regionprops(measure.label(region, connectivity=2))
            largest = max(parts, key=lambda part: part.area)
            hu = largest.moments_hu
            np.testing.assert_allclose(numbers[:7], np.sign(hu) * np.log10(1 + 1e8 * np.abs(hu)), atol=1e-3)
            expected = [largest.area / 1600, largest.eccentricity, largest.extent]
            np.testing.assert_allclose(numbers[7:10], expected, rtol=1e-5)
            assert numbers[10] == pytest.approx(largest.solidity, abs=0.1)  # its hull is drawn in pixels
            axes = [largest.axis_major_length / 40, largest.axis_minor_length / 40]
            np.testing.assert_allclose(numbers[11:13], axes, rtol=1e-5)
            np.testing.assert_allclose(numbers[14:16], (np.array(largest.centroid) + 0.5) / 40, rtol=1e-5)
            assert numbers[16] == pytest.approx(np.log2(1 + len(parts)))


def test_the_hull_of_a_region_is_exact() -> None:
    images = np.zeros((2, 32, 32, 1), np.uint8)
    images[0, 4:20, 6:10] = images[0, 16:20, 6:22] = 255  # an L: 16 by 16 less a triangle
    images[1, 8:24, 8:24] = 255
    solidity = shape_features(images)[:, 11]
    np.testing.assert_allclose(solidity, [(64 + 48) / (256 - 12 * 12 / 2), 1], rtol=1e-6)


def test_visual_words_tell_textures_apart_and_are_learned_from_what_they_are_fitted_on() -> None:
    rng = np.random.default_rng(0)
    stripes = np.zeros((40, 32, 32, 1), np.uint8)
    for i, image in enumerate(stripes):
        at = (np.arange(32) + rng.integers(8)) // 4 % 2 * 200
        image[..., 0] = at[:, None] if i % 2 else at
    words = BagOfVisualWords(words=8, cell=3, encoding="hard", grid=1, random_state=0).fit(stripes[:20])
    counts = words.transform(stripes)
    np.testing.assert_allclose((counts**2).sum(axis=1), 1, rtol=1e-5)  # shares of words, as square roots
    same, other = counts[0] @ counts[22], counts[0] @ counts[21]
    assert same > 0.8
    assert other < 0.2
    again = BagOfVisualWords(words=8, cell=3, encoding="hard", grid=1, n_jobs=2, random_state=0).fit(stripes[:20])
    np.testing.assert_array_equal(again.codebook_, words.codebook_)
    np.testing.assert_allclose(again.transform(stripes), counts, atol=1e-6)
    with pytest.raises(ValueError, match="smaller than a descriptor of 32"):
        BagOfVisualWords(cell=8).fit(stripes[:, :20])


@pytest.mark.parametrize(
    "function",
    [color_features, edge_features, gabor_features, haralick_features, lbp_features, pixel_features, shape_features],
)
def test_threads_change_nothing_and_other_arrays_are_refused(function: Any) -> None:
    images = photographs(90, 32, 3)
    settings = {"space": "lab"} if function is color_features else {}
    np.testing.assert_array_equal(function(images, n_jobs=2, **settings), function(images, **settings))
    with pytest.raises(ValueError, match="takes uint8 images"):
        function(images / 255, **settings)


def test_hog_knows_from_which_gradient_on_rounding_tells_equal_squares_apart() -> None:
    size = np.arange(256)
    squares = (size[:, None] ** 2 + size**2).ravel()
    magnitudes = np.hypot(size[:, None], size).ravel()
    order = np.lexsort((magnitudes, squares))
    same = np.diff(squares[order]) == 0
    assert squares[order][1:][same & (np.diff(magnitudes[order]) > 0)].min() == hog_transformer._DOUBTFUL
