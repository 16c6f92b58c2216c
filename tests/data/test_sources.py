from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workbench.data import Source, load, resolve
from workbench.errors import DataError, WorkbenchError
from workbench.registry import Plugin, Registry

NONE = Registry([])


def picture(path: Path, shade: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 30), (shade, 20, 20)).save(path)


def labels(source: Source) -> list[str]:
    return [source.dataset.class_names[label] for label in source.dataset.labels]


def reasons(source: Source) -> dict[str, str]:
    return dict(source.skipped)


# -- folders ------------------------------------------------------------------------------------------------------


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    for name in ("cat/a.png", "cat/kittens/b.png", "dog/c.png", "dog/.hidden.png", ".cache/d.png", "README.txt"):
        picture(tmp_path / name) if name.endswith("png") else (tmp_path / name).write_text("hello")
    picture(tmp_path / "__MACOSX" / "cat" / "e.png")
    source = resolve(str(tmp_path), NONE)
    assert dict(zip(source.names, labels(source), strict=True)) == {
        "cat/a.png": "cat",
        "cat/kittens/b.png": "cat",
        "dog/c.png": "dog",
    }
    assert source.dataset.split is None
    assert reasons(source) == {
        "dog/.hidden.png": "a hidden file",
        ".cache/d.png": "in a hidden folder",
        "__MACOSX/cat/e.png": "in a hidden folder",
        "README.txt": "not in a class folder",
    }


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training_Set", "valid", "testing")])
def test_train_val_and_test_above_the_classes_are_the_official_split(tmp_path: Path, names: tuple[str, ...]) -> None:
    for part in names:
        picture(tmp_path / part / "cat" / "a.png")
        picture(tmp_path / part / "dog" / "b.png")
    picture(tmp_path / "extra" / "cat" / "c.png")
    picture(tmp_path / names[0] / "loose.png")
    source = resolve(str(tmp_path), NONE)
    assert source.dataset.class_names == ("cat", "dog")
    assert sorted(np.asarray(source.dataset.split)) == ["test"] * 2 + ["train"] * 2 + ["val"] * 2
    assert reasons(source) == {
        "extra/cat/c.png": "outside the folders train, val and test",
        f"{names[0]}/loose.png": "not in a class folder",
    }


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    for name in ("test/a.png", "work/b.png"):
        picture(tmp_path / name)
    assert resolve(str(tmp_path), NONE).dataset.class_names == ("test", "work")


def test_a_folder_without_classes_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the folder is empty"):
        resolve(str(tmp_path), NONE)
    picture(tmp_path / "a.png")
    with pytest.raises(DataError, match="labels are missing: 1 file in it but no class folders") as error:
        resolve(str(tmp_path), NONE)
    assert error.value.skipped == (("a.png", "not in a class folder"),)


# -- tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_paths_and_labels_with_split_and_group(tmp_path: Path, suffix: str) -> None:
    for name in "abcd":
        picture(tmp_path / "images" / f"{name}.png")
    rows = {
        "path": [f"images/{name}.png" for name in "abcd"] + ["images/none.png"],
        "label": [10, 9, 10, 9, 9],
        "split": ["train", "Test", "valid", "train", "train"],
        "group": ["x", None, "x", None, None],
    }
    table = pd.DataFrame(rows)
    path = tmp_path / f"files{suffix}"
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    source = resolve(str(path), NONE)
    assert labels(source) == ["10", "9", "10", "9", "9"]
    assert np.asarray(source.dataset.split).tolist() == ["train", "test", "val", "train", "train"]
    groups = source.dataset.groups
    assert groups is not None
    assert groups[0] == groups[2]
    assert len(set(groups)) == 4  # an image without a group is a group of its own
    images = load(source, tmp_path / "cache")
    assert images.skipped == (("images/none.png", "no such file"),)
    assert images.names == tuple(f"images/{name}.png" for name in "abcd")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,class\na.png,cat\n", "the column 'label' is missing; .* it has path, class"),
        ("path,label\n", "the table has no rows"),
        ("", "cannot be read as a table"),
        ("path,label\na.png,cat\nb.png,\n", r"the column 'label' is empty in 1 row \(lines 3"),
        ("path,label,split\na.png,cat,traning\n", "the split says 'traning'; it must say train, val or test"),
    ],
)
def test_a_table_with_something_missing_says_what(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "files.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        resolve(str(tmp_path / "files.csv"), NONE)


# -- arrays -------------------------------------------------------------------------------------------------------


def test_an_npz_as_medmnist_has_it(tmp_path: Path) -> None:
    parts = {"train": 6, "val": 2, "test": 4}
    arrays: dict[str, Any] = {}
    for part, n in parts.items():
        arrays[f"{part}_images"] = np.full((n, 28, 28, 3), 7, np.uint8)
        arrays[f"{part}_labels"] = np.arange(n)[:, None] % 2
    np.savez(tmp_path / "med.npz", **arrays)
    source = resolve(str(tmp_path / "med.npz"), NONE)
    assert np.asarray(source.dataset.split).tolist() == ["train"] * 6 + ["val"] * 2 + ["test"] * 4
    assert labels(source) == ["0", "1"] * 6
    assert load(source, tmp_path / "cache").shape == (28, 28, 3)


def test_an_npz_of_images_and_labels_in_words_and_floats(tmp_path: Path) -> None:
    images = np.linspace(0, 1, 4 * 25 * 25).reshape(4, 25, 25)
    np.savez(tmp_path / "plain.npz", images=images, labels=np.array(["no", "yes", "no", "yes"]))
    source = resolve(str(tmp_path / "plain.npz"), NONE)
    assert labels(source) == ["no", "yes", "no", "yes"]
    np.testing.assert_allclose(load(source, tmp_path / "cache").pixels[..., 0], images * 255, atol=0.51)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": [1]}, "needs the arrays train_images and train_labels .* it has x"),
        ({"images": np.zeros((2, 8, 8), np.uint8)}, "labels are missing: there is no array 'labels'"),
        ({"images": np.zeros((2, 8, 8), np.uint8), "labels": [0]}, "2 images but 1 labels"),
        ({"images": np.zeros((2, 8, 8), np.uint8), "labels": [[0, 1], [1, 0]]}, "2 labels for each image"),
        ({"images": np.full((2, 8, 8), -1.0), "labels": [0, 1]}, r"must lie in 0..255 or 0..1; they run from -1 to -1"),
        (
            {
                "train_images": np.zeros((1, 8, 8), np.uint8),
                "train_labels": [0],
                "test_images": np.zeros((1, 9, 9), np.uint8),
                "test_labels": [0],
            },
            r"images differ in shape: train_images \(8, 8\), test_images \(9, 9\)",
        ),
    ],
)
def test_an_npz_that_cannot_be_used_says_why(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=said):
        resolve(str(tmp_path / "bad.npz"), NONE)


def test_a_file_that_is_no_archive_or_no_source_says_so(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"PK not really")
    with pytest.raises(DataError, match=r"cannot be read as an .npz of plain arrays"):
        resolve(str(tmp_path / "bad.npz"), NONE)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"a file must be a table \(.csv, .parquet\) or an array file"):
        resolve(str(tmp_path / "notes.txt"), NONE)


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_of_idx_files(tmp_path: Path, suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
    answers = (np.arange(12) % 3).astype(np.uint8)
    for part, rows in (("train", slice(0, 8)), ("t10k", slice(8, 12))):
        for kind, array in (("images-idx3", pixels), ("labels-idx1", answers)):
            data = idx(array[rows])
            (tmp_path / f"{part}-{kind}-ubyte{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    source = resolve(str(tmp_path), NONE)
    assert np.asarray(source.dataset.split).tolist() == ["train"] * 8 + ["test"] * 4
    np.testing.assert_array_equal(np.asarray(source.dataset.images), pixels)
    np.testing.assert_array_equal(source.dataset.labels, answers)
    cut = tmp_path / f"train-images-idx3-ubyte{suffix}"
    cut.write_bytes(cut.read_bytes()[:-50])
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        resolve(str(tmp_path), NONE)


# -- plugins, and what is common to all ---------------------------------------------------------------------------

PLUGIN = """
import numpy as np
from workbench.plugin import Dataset
def good(): return Dataset(np.zeros((4, 8, 8), np.uint8), [0, 1, 2, 1], ["a", "b", "c"])
def wrong(): return "images"
def short(): return Dataset(np.zeros((4, 8, 8), np.uint8), [0, 1], ["a", "b"])
def beyond(): return Dataset(np.zeros((2, 8, 8), np.uint8), [0, 2], ["a", "b"])
def raises(): return 1 / 0
def offline(): raise ConnectionError("needs the network once")
def words(): return Dataset(np.zeros((2, 8, 8), np.uint8), ["a", "b"], ["a", "b"])
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    (tmp_path / "made_data.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("good", "wrong", "short", "beyond", "words", "raises", "offline")
    return Registry([Plugin("dataset", name, f"made_data:{name}", "toy", "1.0") for name in names])


def test_a_data_set_plugin_comes_by_its_name(registry: Registry) -> None:
    source = resolve("good", registry)
    assert (source.name, source.location) == ("good", "good")
    assert labels(source) == ["a", "b", "c", "b"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrong", "data set plugin 'wrong' returned str; it must return a workbench.plugin.Dataset"),
        ("short", "4 images but 2 labels; there must be one for each image"),
        ("beyond", "labels run from 0 to 2, but there are 2 class names"),
        ("words", "labels must be one integer for each image"),
        ("raises", "data set plugin 'raises' raised ZeroDivisionError: division by zero\nTraceback"),
        ("offline", "^needs the network once$"),
        ("goood", r"'goood' is neither a path nor a data set plugin; did you mean 'good'\?"),
    ],
)
def test_a_data_set_plugin_that_is_wrong_says_so(registry: Registry, name: str, said: str) -> None:
    with pytest.raises(WorkbenchError, match=said):
        resolve(name, registry)


def test_a_class_can_be_left_out(registry: Registry) -> None:
    source = resolve("good", registry, ["a"])
    assert source.dataset.class_names == ("b", "c")
    assert labels(source) == ["b", "c", "b"]
    with pytest.raises(DataError, match="--exclude d: no such class; there are: a, b, c"):
        resolve("good", registry, ["d"])
