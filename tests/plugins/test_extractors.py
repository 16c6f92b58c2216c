from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import hog
from skimage.transform import downscale_local_mean

from workbench_plugins.extractors.color import color_features
from workbench_plugins.extractors.edges import edge_features
from workbench_plugins.extractors.hog import HOG
from workbench_plugins.extractors.pixels import pixel_features


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(24, 61),
    width=st.integers(24, 61),
    colour=st.booleans(),
    flat=st.booleans(),
    orientations=st.integers(4, 12),
    cell=st.tuples(st.integers(2, 8), st.integers(2, 8)),
    block=st.integers(1, 3),
    norm=st.sampled_from(["L1", "L2", "L2-Hys"]),
)
def test_hog_equals_scikit_images(
    seed: int, height: int, width: int, colour: bool, flat: bool, orientations: int, cell: tuple[int, int], block: int,
    norm: str,
) -> None:  # fmt: skip
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
