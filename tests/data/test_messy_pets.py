"""A real folder with everything that goes wrong in one; the manifest says what is expected of each file."""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import pytest
from conftest import SHARED

from workbench import data
from workbench.errors import DataError
from workbench.registry import Registry


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = SHARED / "messy-pets.tar.gz"
    if not archive.exists():
        pytest.skip(f"{archive} is not here")
    target = tmp_path_factory.mktemp("messy")
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "messy-pets"


@pytest.fixture(scope="module")
def images(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> data.Images:
    return data.load(data.resolve(str(folder), Registry([])), tmp_path_factory.mktemp("cache"))


def test_every_file_is_loaded_or_reported_as_the_manifest_expects(images: data.Images) -> None:
    with (SHARED / "messy-pets.MANIFEST.csv").open(newline="") as file:
        expected = {row["path"]: row["expected"] for row in csv.DictReader(file)}
    skipped = dict(images.skipped)
    assert set(images.names) | set(skipped) == set(expected)
    assert not set(images.names) & set(skipped)
    wrong = {path for path, what in expected.items() if what == "skip" and path not in skipped}
    wrong |= {path for path, what in expected.items() if what in ("load", "flag") and path in skipped}
    assert not wrong
    assert all(skipped.values())
    assert len(images.names) == len(images.labels) == len(images.pixels)


def test_the_class_of_a_single_image_is_named_and_can_be_left_out(
    images: data.Images, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        DataError, match=r"class 'rabbit' is too small to split: it has 1 image .*--exclude rabbit"
    ) as error:
        data.make_split(images, seed=0)
    assert error.value.skipped == images.skipped
    without = data.load(data.resolve(str(folder), Registry([]), ["rabbit"]), tmp_path)
    assert without.class_names == ("cat", "dog")
    assert sum(data.make_split(without, seed=0).counts.values()) == len(images.names) - 1
