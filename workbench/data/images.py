"""Decoded images: uint8 in a memory-mapped file, decoded once and kept under a key made of their content.

The cache holds a folder for each data set: ``images.npy`` in the source's order, ``rows.npz`` with labels, groups and
the official split, and ``about.json``. Trial processes map the same file, so no process copies the images.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from workbench.data import decode
from workbench.data.sources import Source
from workbench.errors import DataError

#: Called with what is being done, how much is done and how much there is.
Progress = Callable[[str, int, int], None]

#: Part of every key: raise it when decoding changes what the pixels are.
_VERSION = 2
#: Square sizes in pixels to choose from where images differ in size.
SIZES = (32, 64, 96, 128)
_LARGEST = 1024


@dataclass(frozen=True)
class Images:
    """Decoded images with their labels.

    Attributes:
        name: The data set's short name.
        location: What to write to get the same data again.
        folder: Where in the cache they lie.
        fingerprint: Hash of all that the images, labels, groups and the official split are.
        pixels: Read-only memory map ``(n, height, width, channels)`` of uint8.
        labels: ``n`` indices into ``class_names``.
        class_names: Names of the classes.
        groups: ``n`` group indices, or None.
        split: ``n`` words ``train``, ``val`` or ``test``, or None.
        names: Paths as people read them, for images that were files; else empty.
        skipped: ``(path, reason)`` of every file that was left out.
        load_seconds: Wall-clock seconds that reading and decoding took, when it was done.
        headers: What is known of each file before it is decoded, for images that were files; else empty.
    """

    name: str
    location: str
    folder: Path
    fingerprint: str
    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    groups: npt.NDArray[np.int64] | None
    split: npt.NDArray[np.str_] | None
    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    load_seconds: float = 0.0
    headers: tuple[decode.Header, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)`` in pixels."""
        height, width, channels = self.pixels.shape[1:]
        return int(height), int(width), int(channels)

    @property
    def row_names(self) -> tuple[str, ...]:
        """A name for each image: its path, or, where there are no files, the likes of ``test[123]`` or ``#123``."""
        if self.names:
            return self.names
        if self.split is None:
            return tuple(f"#{row}" for row in range(len(self.labels)))
        names, seen = [], Counter[str]()
        for part in map(str, self.split):
            names.append(f"{part}[{seen[part]}]")
            seen[part] += 1
        return tuple(names)


def load(source: Source, cache: Path, image_size: int | None = None, progress: Progress | None = None) -> Images:
    """Decodes a source's images, or maps what an earlier call decoded.

    Args:
        source: What :func:`workbench.data.sources.resolve` found.
        cache: Folder of the cache; made if it does not exist.
        image_size: Side of the square that every image is stretched to, in pixels. Default: the images' own size
            where all share one of 24 to 128 pixels; smaller ones are enlarged to 32; else the largest of 32, 64, 96
            and 128 that the median image fills.
        progress: Told how far the decoding is.

    Raises:
        DataError: If no image can be used.
    """
    if image_size is not None and not 8 <= image_size <= _LARGEST:
        raise DataError(f"--image-size {image_size}: must lie between 8 and {_LARGEST} pixels")
    started = time.perf_counter()
    plan = _plan_arrays if isinstance(source.dataset.images, np.ndarray) else _plan_files
    planned = plan(source, image_size, progress)
    folder = cache / "images" / planned.fingerprint
    cache.joinpath("images").mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.joinpath("about.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(prefix="decoding-", dir=folder.parent))
            try:
                skipped = _write(planned, scratch, progress)
                about = {"skipped": sorted(skipped), "seconds": time.perf_counter() - started}
                scratch.joinpath("about.json").write_text(json.dumps(about))
                scratch.rename(folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return _open(source, folder, planned)


@dataclass(frozen=True)
class _Plan:
    """What is to be decoded: the rows that passed their first look."""

    source: Source
    rows: npt.NDArray[np.int64]
    shape: tuple[int, int, int]
    fingerprint: str
    skipped: tuple[tuple[str, str], ...]
    headers: tuple[decode.Header, ...] = ()


def _plan_files(source: Source, image_size: int | None, progress: Progress | None) -> _Plan:
    paths = [str(path) for path in source.dataset.images]
    headers = decode.read_headers(paths, _counter("reading files", len(paths), progress))
    skipped = list(source.skipped)
    good: list[decode.Header] = []
    rows: list[int] = []
    for row, header in enumerate(headers):
        if isinstance(header, decode.Unreadable):
            skipped.append((source.names[row], str(header)))
        else:
            rows.append(row)
            good.append(header)
    if not rows:
        raise DataError(
            f"{source.location}: none of its {len(paths):,} files is an image; {source.names[0]}: {headers[0]}",
            tuple(skipped),
        )
    sizes = np.array([(h.height, h.width) for h in good])
    channels = 1 if all(h.grey for h in good) else 3
    shape = (*_choose_size(sizes, image_size), channels)
    digest = _digest(source, rows, shape)
    for row, header in zip(rows, good, strict=True):
        digest.update(source.names[row].encode("utf-8", "surrogateescape") + b"\0" + header.digest)
    return _Plan(source, np.array(rows), shape, digest.hexdigest(), tuple(skipped), tuple(good))


def _plan_arrays(source: Source, image_size: int | None, progress: Progress | None) -> _Plan:
    pixels = np.asarray(source.dataset.images)
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] not in (1, 3)):
        raise DataError(
            f"{source.location}: images must be uint8 (n, height, width) or (n, height, width, channels) with 1 or 3 "
            f"channels, not {pixels.dtype} {pixels.shape}"
        )
    size = _choose_size(np.array([pixels.shape[1:3]]), image_size)
    shape = (*size, 1 if pixels.ndim == 3 else int(pixels.shape[3]))
    rows = range(len(pixels))
    digest = _digest(source, rows, shape)
    digest.update(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return _Plan(source, np.arange(len(pixels)), shape, digest.hexdigest(), source.skipped)


def _digest(source: Source, rows: Sequence[int], shape: tuple[int, int, int]) -> hashlib.blake2b:
    data = source.dataset
    digest = hashlib.blake2b(digest_size=12)
    digest.update(repr((_VERSION, shape, tuple(map(str, data.class_names)))).encode())
    for values in (data.labels, data.groups, data.split):
        digest.update(b"-" if values is None else "\0".join(str(v) for v in np.asarray(values)[rows]).encode())
    return digest


def _choose_size(sizes: npt.NDArray[Any], image_size: int | None) -> tuple[int, int]:
    """Returns height and width for images of the given ``(n, 2)`` heights and widths."""
    if image_size is not None:
        return image_size, image_size
    if (sizes == sizes[0]).all() and sizes.min() >= 24 and sizes.max() <= 128:
        return int(sizes[0][0]), int(sizes[0][1])
    filled = float(np.median(sizes.min(axis=1)))  # an image fills a square that its shorter side reaches
    side = max((size for size in SIZES if size <= filled), default=SIZES[0])
    return side, side


def _write(plan: _Plan, folder: Path, progress: Progress | None) -> list[tuple[str, str]]:
    """Decodes into a folder; returns what was left out, and why."""
    data, rows = plan.source.dataset, plan.rows
    tick = _counter("decoding images", len(rows), progress)
    skipped = list(plan.skipped)
    target = folder / "images.npy"
    if isinstance(data.images, np.ndarray):
        pixels = np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=(len(rows), *plan.shape))
        for row, image in enumerate(data.images.reshape(*data.images.shape[:3], -1)):
            pixels[row] = decode.resize(image, plan.shape)
            if row % 256 == 255 or row == len(rows) - 1:
                tick(row % 256 + 1)
        pixels.flush()
    else:
        answers = decode.decode_into(target, [str(data.images[row]) for row in rows], plan.shape, tick)
        bad = [i for i, answer in enumerate(answers) if answer is not None]
        skipped += [(plan.source.names[rows[i]], str(answers[i])) for i in bad]
        if bad:
            kept = np.delete(np.arange(len(rows)), bad)
            _copy_rows(target, folder / "kept.npy", kept)
            folder.joinpath("kept.npy").replace(target)
            rows = rows[kept]
    if len(rows) == 0:
        raise DataError(f"{plan.source.location}: none of its images can be decoded", tuple(skipped))
    columns = {"rows": rows, "labels": np.asarray(data.labels)[rows]}
    if data.groups is not None:
        columns["groups"] = np.unique(np.asarray(data.groups)[rows], return_inverse=True)[1]
    if data.split is not None:
        columns["split"] = np.asarray(data.split).astype(str)[rows]
    np.savez_compressed(folder / "rows.npz", **columns)  # type: ignore[arg-type]
    return skipped


def _copy_rows(source: Path, target: Path, rows: npt.NDArray[np.int64]) -> None:
    """Copies rows of a ``.npy`` file to another, some 64 MB at a time."""
    images = np.load(source, mmap_mode="r")
    copy = np.lib.format.open_memmap(target, mode="w+", dtype=images.dtype, shape=(len(rows), *images.shape[1:]))
    step = max(1, 64_000_000 // max(1, int(np.prod(images.shape[1:]))))
    for start in range(0, len(rows), step):
        copy[start : start + step] = images[rows[start : start + step]]
    copy.flush()


def _open(source: Source, folder: Path, plan: _Plan) -> Images:
    about = json.loads(folder.joinpath("about.json").read_text())
    with np.load(folder / "rows.npz") as columns:
        rows = columns["rows"]
        header_of = dict(zip(plan.rows.tolist(), plan.headers, strict=False))
        return Images(
            name=source.name,
            location=source.location,
            folder=folder,
            fingerprint=plan.fingerprint,
            pixels=np.load(folder / "images.npy", mmap_mode="r"),
            labels=columns["labels"].astype(np.int64),
            class_names=tuple(map(str, source.dataset.class_names)),
            groups=columns.get("groups"),
            split=columns.get("split"),
            names=tuple(source.names[row] for row in rows) if source.names else (),
            skipped=tuple((str(path), str(reason)) for path, reason in about["skipped"]),
            load_seconds=about["seconds"],
            headers=tuple(header_of[row] for row in rows.tolist()) if plan.headers else (),
        )


def _counter(what: str, total: int, progress: Progress | None) -> Callable[[int], None]:
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(what, done, total)

    return tick


def arrange(images: Images, order: npt.NDArray[np.int64], key: str) -> Path:
    """Writes the images in another order, once, so that every part of a split is a contiguous slice of one file.

    Args:
        images: The decoded images.
        order: Row numbers.
        key: Name of the order, a hash.

    Returns:
        Path of the ``.npy`` file.
    """
    target = images.folder / f"order-{key}.npy"
    with FileLock(images.folder / "order.lock"):
        if not target.exists():
            scratch = images.folder / f"order-{key}.partial.npy"
            _copy_rows(images.folder / "images.npy", scratch, order)
            scratch.rename(target)
    return target
