"""From what the user typed to a :class:`~workbench.plugin.Dataset`: labels and, mostly, paths still to be decoded.

A source is a data set plugin's name, a folder of class folders, a table, an ``.npz`` or a folder of IDX files.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import sys
import traceback
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.errors import DataError, PluginError, did_you_mean
from workbench.plugin import Dataset
from workbench.registry import Registry

#: Names of folders (lower case) that hold a part of an official split.
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training", "train_set", "training_set"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "val_set", "validation_set"), "val"),
    **dict.fromkeys(("test", "testing", "test_set", "testing_set"), "test"),
}


@dataclass(frozen=True)
class Source:
    """A data set before its images are decoded.

    Attributes:
        name: Short name for people and for the run's name.
        location: What to write to get the same data again: a plugin's name or an absolute path.
        dataset: Labels, and pixels or paths.
        names: For files, their paths as people should read them; else empty.
        skipped: ``(path, reason)`` of files that are no images of a class.
    """

    name: str
    location: str
    dataset: Dataset
    names: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


def resolve(source: str, registry: Registry, exclude: Sequence[str] = ()) -> Source:
    """Finds out what a source is and reads all of it but the pixels of image files.

    Args:
        source: A data set plugin's name or a path.
        registry: Where data set plugins are looked up.
        exclude: Names of classes to leave out.

    Raises:
        DataError: If there is no such source, or it holds no labelled images.
        PluginError: If a data set plugin is broken.
    """
    plugin = registry.find("dataset", source)
    path = Path(source).expanduser()
    if plugin is not None:
        found = _from_plugin(source, plugin.load())
    elif path.is_dir():
        found = _from_idx(path) if _idx_files(path) else _from_folder(path)
    elif path.is_file():
        readers = {".npz": _from_npz, ".csv": _from_table, ".parquet": _from_table}
        reader = readers.get(path.suffix.lower())
        if reader is None:
            raise DataError(f"{source}: a file must be a table (.csv, .parquet) or an array file (.npz)")
        found = reader(path)
    else:
        raise DataError(
            f"{source!r} is neither a path nor a data set plugin; "
            f"{did_you_mean(source, registry.names('dataset'))}\n"
            "A source may also be a folder of class folders, a table (.csv, .parquet), an .npz or a folder of IDX files"
        )
    _check(found)
    return _without(found, exclude) if exclude else found


def _check(source: Source) -> None:
    """Checks what a plugin or a file claims before anything rests on it."""
    data, where = source.dataset, source.location
    n = len(data.images)
    if n == 0:
        raise DataError(f"{where}: there are no images", source.skipped)
    for what in ("labels", "groups", "split"):
        values = getattr(data, what)
        if values is not None and len(values) != n:
            raise DataError(f"{where}: {n} images but {len(values)} {what}; there must be one for each image")
    labels = np.asarray(data.labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{where}: labels must be one integer for each image, not {labels.dtype} {labels.shape}")
    if labels.min() < 0 or labels.max() >= len(data.class_names):
        raise DataError(
            f"{where}: labels run from {labels.min()} to {labels.max()}, but there are "
            f"{len(data.class_names)} class names"
        )
    if data.split is not None and (odd := sorted(set(map(str, data.split)) - {"train", "val", "test"})):
        raise DataError(f"{where}: the split says {odd[0]!r}; it must say train, val or test")


def _without(source: Source, exclude: Sequence[str]) -> Source:
    data = source.dataset
    for name in exclude:
        if name not in data.class_names:
            raise DataError(f"--exclude {name}: no such class; {did_you_mean(name, data.class_names)}")
    kept = [i for i, name in enumerate(data.class_names) if name not in exclude]
    rows = np.flatnonzero(np.isin(data.labels, kept))
    renumber = np.full(len(data.class_names), -1)
    renumber[kept] = np.arange(len(kept))

    def pick(values: Any) -> Any:
        return None if values is None else np.asarray(values)[rows]

    images = data.images[rows] if isinstance(data.images, np.ndarray) else [data.images[int(i)] for i in rows]
    return replace(
        source,
        dataset=Dataset(
            images=images,
            labels=renumber[np.asarray(data.labels)[rows]],
            class_names=tuple(data.class_names[i] for i in kept),
            groups=pick(data.groups),
            split=pick(data.split),
        ),
        names=tuple(source.names[i] for i in rows) if source.names else (),
    )


def _encode(labels: Sequence[Any] | npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Turns labels of any kind into indices and names; numbers keep their order (9 before 10)."""
    values, indices = np.unique(np.asarray(labels), return_inverse=True)
    return indices.astype(np.int64), tuple(str(value) for value in values)


# -- plugins ------------------------------------------------------------------------------------------------------


def _from_plugin(name: str, function: Any) -> Source:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # a download's progress; stdout is for results
            dataset = function()
    except ConnectionError as error:  # offline, as the plugin says it
        raise DataError(str(error)) from None
    except Exception as error:
        raise PluginError(
            f"data set plugin {name!r} raised {type(error).__name__}: {error}\n{traceback.format_exc().rstrip()}"
        ) from error
    if not isinstance(dataset, Dataset):
        raise DataError(
            f"data set plugin {name!r} returned {type(dataset).__name__}; it must return a workbench.plugin.Dataset"
        )
    if isinstance(dataset.images, np.ndarray):
        return Source(name, name, dataset)
    return Source(name, name, dataset, names=tuple(os.fspath(p) for p in dataset.images))


# -- folders ------------------------------------------------------------------------------------------------------


def _from_folder(root: Path) -> Source:
    """Reads class folders, with or without ``train/ val/ test/`` above them. Folders in a class folder belong to it."""
    subfolders = [d for d in sorted(root.iterdir()) if d.is_dir() and not _hidden(d.name)]
    parts = [d for d in subfolders if d.name.lower() in SPLIT_FOLDERS and any(c.is_dir() for c in d.iterdir())]
    # A part of a split is recognised only where training images are: a class may well be called "test".
    has_split = any(SPLIT_FOLDERS[d.name.lower()] == "train" for d in parts)
    rows: list[tuple[str, str, str | None]] = []  # path, class, part of the split
    skipped: list[tuple[str, str]] = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        for file in sorted(files):
            path = Path(folder, file)
            inside = path.relative_to(root).parts
            part = SPLIT_FOLDERS.get(inside[0].lower()) if has_split else None
            depth = 1 if has_split else 0
            if any(_hidden(piece) for piece in inside[:-1]):
                skipped.append((str(Path(*inside)), "in a hidden folder"))
            elif _hidden(file):
                skipped.append((str(Path(*inside)), "a hidden file"))
            elif has_split and part is None:
                skipped.append((str(Path(*inside)), "outside the folders train, val and test"))
            elif len(inside) <= depth + 1:
                skipped.append((str(Path(*inside)), "not in a class folder"))
            else:
                rows.append((str(path), inside[depth], part))
    if not rows:
        loose = sum(reason == "not in a class folder" for _, reason in skipped)
        if loose:
            raise DataError(
                f"{root}: labels are missing: {_count(loose, 'file')} in it but no class folders. "
                "Move the images of each class into a folder named after it, or write a table with the columns "
                "path,label",
                tuple(skipped),
            )
        raise DataError(f"{root}: the folder is empty: it holds no class folders with images", tuple(skipped))
    labels, class_names = _encode([label for _, label, _ in rows])
    return Source(
        name=root.resolve().name,
        location=str(root.resolve()),
        dataset=Dataset(
            images=[path for path, _, _ in rows],
            labels=labels,
            class_names=class_names,
            split=[str(part) for _, _, part in rows] if has_split else None,
        ),
        names=tuple(os.path.relpath(path, root) for path, _, _ in rows),
        skipped=tuple(skipped),
    )


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


# -- tables -------------------------------------------------------------------------------------------------------


def _from_table(path: Path) -> Source:
    """Reads ``.csv`` or ``.parquet`` with the columns path and label, and optionally split and group."""
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, dtype={"path": str, "label": str, "group": str, "split": str})
    except Exception as error:  # the readers raise whatever their parsers trip over
        raise DataError(f"{path}: cannot be read as a table: {error}") from None
    missing = [column for column in ("path", "label") if column not in table.columns]
    if missing:
        raise DataError(
            f"{path}: the column {missing[0]!r} is missing; a table needs path and label (and may have split and "
            f"group); it has {', '.join(map(str, table.columns)) or 'no columns'}"
        )
    if table.empty:
        raise DataError(f"{path}: the table has no rows")
    for column in ("path", "label", "split"):
        if column in table.columns and table[column].isna().any():
            rows = [int(i) + 2 for i in np.flatnonzero(table[column].isna())[:5]]  # line 1 holds the header
            raise DataError(
                f"{path}: the column {column!r} is empty in {_count(int(table[column].isna().sum()), 'row')} "
                f"(lines {', '.join(map(str, rows))}, ...); fill it in or remove the rows"
            )
    labels, class_names = _encode(table["label"].astype(str).to_numpy(str))
    groups = None
    if "group" in table.columns:  # an image without a group is a group of its own
        own = pd.Series([f"\0{i}" for i in range(len(table))], index=table.index)
        groups = table["group"].astype("object").where(table["group"].notna(), own).astype(str).to_numpy(str)
    split = None
    if "split" in table.columns:
        words = table["split"].astype(str).str.strip().str.lower()
        split = words.map(lambda word: SPLIT_FOLDERS.get(word, word)).to_numpy(str)
    names = tuple(table["path"].astype(str))
    return Source(
        name=path.stem,
        location=str(path.resolve()),
        dataset=Dataset(
            images=[str(path.parent / name) for name in names],
            labels=labels,
            class_names=class_names,
            groups=groups,
            split=split,
        ),
        names=names,
    )


# -- arrays -------------------------------------------------------------------------------------------------------


def _from_npz(path: Path) -> Source:
    """Reads ``train_images/train_labels`` (and val, test; as MedMNIST has it), or ``images/labels``."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zipfile, zlib and NumPy each raise their own
        raise DataError(f"{path}: cannot be read as an .npz of plain arrays: {error}") from None
    parts = [part for part in ("train", "val", "test") if f"{part}_images" in arrays]
    if parts and parts[0] == "train":
        pairs = [(f"{part}_images", f"{part}_labels") for part in parts]
    elif "images" in arrays:
        parts, pairs = [], [("images", "labels")]
    else:
        raise DataError(
            f"{path}: needs the arrays train_images and train_labels (and val_..., test_...), or images and labels; "
            f"it has {', '.join(arrays) or 'none'}"
        )
    for _, name in pairs:
        if name not in arrays:
            raise DataError(f"{path}: labels are missing: there is no array {name!r}; it has {', '.join(arrays)}")
        if arrays[name].ndim == 2 and arrays[name].shape[1] > 1:
            raise DataError(f"{path}: {name} holds {arrays[name].shape[1]} labels for each image; one is supported")
    try:
        images = np.concatenate([arrays[name] for name, _ in pairs])
    except ValueError:
        shapes = ", ".join(f"{name} {arrays[name].shape[1:]}" for name, _ in pairs)
        raise DataError(f"{path}: the parts' images differ in shape: {shapes}") from None
    labels, class_names = _encode(np.concatenate([arrays[name].reshape(-1) for _, name in pairs]))
    split = np.repeat(parts, [len(arrays[name]) for name, _ in pairs]) if parts else None
    return Source(
        path.stem,
        str(path.resolve()),
        Dataset(_to_uint8(images, str(path)), labels, class_names, split=split),
    )


def _to_uint8(images: npt.NDArray[Any], where: str) -> npt.NDArray[np.uint8]:
    if images.dtype == np.uint8:
        return images
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 0.0)
    if images.dtype.kind == "f" and low >= 0 and high <= 1:
        return np.asarray(np.round(images * 255), dtype=np.uint8)
    if images.dtype.kind in "iuf" and low >= 0 and high <= 255:
        return images.astype(np.uint8)
    raise DataError(f"{where}: pixel values must lie in 0..255 or 0..1; they run from {low:g} to {high:g}")


def _idx_files(root: Path) -> dict[str, tuple[Path, Path]]:
    """Returns the images and labels file of each part: ``train-images-idx3-ubyte.gz`` and the like."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(root.iterdir()):
        match = re.fullmatch(r"(\w+?)-(images|labels)[-.]idx[13]-ubyte(\.gz)?", path.name)
        if match:
            part = "test" if match[1] in ("t10k", "test") else SPLIT_FOLDERS.get(match[1], match[1])
            found.setdefault(part, {})[match[2]] = path
    return {part: (f["images"], f["labels"]) for part, f in found.items() if len(f) == 2}


def _from_idx(root: Path) -> Source:
    files = _idx_files(root)
    if "train" not in files or not set(files) <= {"train", "val", "test"}:
        raise DataError(f"{root}: IDX files must be named train-..., val-... or t10k-...; there are {sorted(files)}")
    parts = [part for part in ("train", "val", "test") if part in files]
    images = [_read_idx(files[part][0], 3) for part in parts]
    labels = [_read_idx(files[part][1], 1) for part in parts]
    for part, pixels, values in zip(parts, images, labels, strict=True):
        if len(pixels) != len(values):
            raise DataError(f"{root}: {part} has {len(pixels)} images but {len(values)} labels")
    indices, class_names = _encode(np.concatenate(labels))
    return Source(
        root.resolve().name,
        str(root.resolve()),
        Dataset(np.concatenate(images), indices, class_names, split=np.repeat(parts, [len(x) for x in labels])),
    )


def _read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Reads an IDX file of unsigned bytes (the format is described on the MNIST page of Y. LeCun)."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    header = 4 + 4 * dimensions
    if len(data) < header or data[:4] != bytes((0, 0, 8, dimensions)):
        raise DataError(f"{path}: not an IDX file of unsigned bytes with {dimensions} dimension(s)")
    shape = tuple(int(size) for size in np.frombuffer(data, ">i4", dimensions, 4))
    if len(data) - header != int(np.prod(shape)):
        raise DataError(
            f"{path}: {len(data) - header:,} bytes of data where its header {shape} promises {np.prod(shape):,}"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
