"""Features are extracted in chunks, once, and only for what they were extracted from."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import FunctionTransformer

from workbench.errors import WorkbenchError
from workbench.plugin import Task
from workbench.registry import Plugin
from workbench.tuning import features
from workbench.tuning.features import FeatureCache, extract, format_size, parse_size

TASK = Task((4, 4, 1), ("a", "b"), n_train=50)
PLUGIN = Plugin("extractor", "flat", "features_toy:flat", "toy", "1.0")
ROWS = 60


def flat(images: Any) -> Any:
    """Flattens images, takes its time, and leaves a mark for each call."""
    if folder := os.environ.get("MARKS"):
        Path(folder, f"{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(0.05)
    return images.reshape(len(images), -1).astype(np.float32)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    np.save(folder / "seen.npy", np.random.default_rng(0).integers(0, 256, (ROWS, 4, 4, 1), dtype=np.uint8))
    return folder / "seen.npy"


@pytest.fixture
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "marks"
    folder.mkdir()
    monkeypatch.setenv("MARKS", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "features", 1_000_000)


def ask(cache: FeatureCache, images: Path, rows: int = ROWS, params: Any = None, task: Task = TASK) -> Any:
    return cache.extract(FunctionTransformer(flat), images, rows, PLUGIN, params or {}, task)


def test_features_are_computed_once_and_billed_every_time(cache: FeatureCache, images: Path, marks: Path) -> None:
    first, second = ask(cache, images), ask(cache, images)
    assert len(list(marks.iterdir())) == 1
    np.testing.assert_array_equal(first.array, np.load(images).reshape(ROWS, -1))
    np.testing.assert_array_equal(second.array, first.array)
    assert second.seconds == pytest.approx(first.seconds)
    assert second.seconds >= 0.05 > second.waited
    assert isinstance(second.array, np.memmap)


def test_only_the_very_same_features_are_shared(
    cache: FeatureCache, images: Path, marks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = tmp_path / "features_toy.py"
    source.write_text("flat = 1")
    importlib.invalidate_caches()
    ask(cache, images)
    ask(cache, images, task=replace(TASK, n_jobs=2))  # the number of threads changes nothing
    assert len(list(marks.iterdir())) == 1
    ask(cache, images, rows=50)
    ask(cache, images, params={"flat.size": 3})
    ask(cache, images, task=replace(TASK, seed=1))
    cache.extract(FunctionTransformer(flat), images, ROWS, replace(PLUGIN, version="2.0"), {}, TASK)
    other = images.parent.parent / "other"
    images.parent.rename(other)
    ask(cache, other / "seen.npy")
    source.write_text("flat = 2  # edited")
    ask(cache, other / "seen.npy")
    assert len(list(marks.iterdir())) == 7


def _child(cache: FeatureCache, images: Path) -> None:
    ask(cache, images)


def test_who_wants_what_is_being_computed_waits_for_it(cache: FeatureCache, images: Path, marks: Path) -> None:
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_child, args=(cache, images)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert len(list(marks.iterdir())) == 1


def test_what_was_not_used_for_longest_goes_first(cache: FeatureCache, images: Path, marks: Path) -> None:
    size = ask(cache, images, params={"flat.size": 0}).array.nbytes + 600
    small = replace(cache, limit_bytes=3 * size)
    for number in (1, 2, 0, 3):  # 0 is used again before 3 comes
        time.sleep(0.02)
        ask(small, images, params={"flat.size": number})
    kept = [entry.about["params"]["flat.size"] for entry in small.entries()]
    assert kept == [3, 0, 2]
    assert sum(entry.bytes for entry in small.entries()) <= small.limit_bytes


def test_features_larger_than_the_cache_are_used_and_not_kept(cache: FeatureCache, images: Path) -> None:
    found = ask(replace(cache, limit_bytes=100), images)
    np.testing.assert_array_equal(found.array, np.load(images).reshape(ROWS, -1))
    assert cache.entries() == []
    assert [path.suffix for path in cache.folder.iterdir()] == [".lock"]


def test_what_a_killed_process_left_half_done_is_done_again(cache: FeatureCache, images: Path) -> None:
    expected = ask(cache, images).array.copy()
    entry = cache.folder / cache.entries()[0].key
    entry.rename(entry.with_suffix(".partial"))
    (entry.with_suffix(".partial") / "features.npy").write_bytes(b"half")
    assert cache.entries() == []
    (cache.folder / "999999999-flat.scratch.npy").write_bytes(b"half")
    ask(cache, images, params={"flat.size": 1})  # whoever comes next tidies up
    assert not list(cache.folder.glob("*.partial"))
    assert not list(cache.folder.glob("*.scratch.npy"))
    np.testing.assert_array_equal(ask(cache, images).array, expected)


def test_images_are_extracted_chunk_by_chunk(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_CHUNK_BYTES", 16 * 7)
    sizes: list[int] = []

    def count(chunk: Any) -> Any:
        sizes.append(len(chunk))
        return flat(chunk)

    found = extract(FunctionTransformer(count), images, 50, tmp_path / "out.npy", "flat")
    assert sizes == [7] * 7 + [1]
    np.testing.assert_array_equal(found.array, np.load(images)[:50].reshape(50, -1))


class Centred(TransformerMixin, BaseEstimator):
    """Learns the mean image of one class."""

    def fit(self, X: Any, y: Any) -> Centred:
        self.mean_ = X[y == 1].mean(axis=0)
        return self

    def transform(self, X: Any) -> Any:
        return (X - self.mean_).reshape(len(X), -1).astype(np.float32)


def test_an_extractor_that_learns_is_kept_for_the_labels_that_it_learned_from(
    cache: FeatureCache, images: Path
) -> None:
    pixels, y = np.load(images), np.arange(40) % 2
    for labels in (y, 1 - y, y[:30]):
        for _ in range(2):
            found = cache.extract(Centred(), images, ROWS, PLUGIN, {}, TASK, labels)
            expected = (pixels - pixels[: len(labels)][labels == 1].mean(axis=0)).reshape(ROWS, -1)
            np.testing.assert_allclose(found.array, expected, rtol=1e-5)
    assert len(cache.entries()) == 3


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda images: images[:1].reshape(1, -1), "made an array of shape (1, 16) of 60 images; it must return a row"),
        (lambda images: images, "made an array of shape (60, 4, 4, 1) of 60 images"),
        (lambda images: np.full((len(images), 2), np.nan), "made features that are not finite numbers"),
    ],
)
def test_an_extractor_that_gives_no_features_is_named(images: Path, tmp_path: Path, function: Any, said: str) -> None:
    with pytest.raises(ValueError, match="the extractor 'toy' made") as caught:
        extract(FunctionTransformer(function), images, ROWS, tmp_path / "out.npy", "toy")
    assert said in str(caught.value)


def test_sizes_are_read_and_written() -> None:
    assert [parse_size(text) for text in ("5GB", "1.5 mb", "700", "2k", 12.0)] == [5 * 10**9, 1_500_000, 700, 2000, 12]
    assert [format_size(size) for size in (7, 1500, 12_345_678, 999_900_000_000)] == [
        "7 B",
        "1.5 kB",
        "12.3 MB",
        "1.0 TB",
    ]
    with pytest.raises(WorkbenchError, match="'lots' is not a size; write it like 500MB or 5GB, or 0 for none"):
        parse_size("lots")
