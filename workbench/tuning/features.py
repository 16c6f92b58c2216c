"""Extracts features chunk by chunk, and keeps them for every trial that wants them again.

An entry of the cache is a folder named by a hash of everything that its features depend on: the images (which are
named by the fingerprints of data and split), the plugin, its version and its code, what the trial answered it, the
task, and for an extractor that learns the labels of the images that it learned from. Entries are read as memory maps.
Who wants features that somebody is computing waits for them.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import psutil
from filelock import FileLock, Timeout

from workbench.errors import WorkbenchError
from workbench.plugin import Task
from workbench.registry import Plugin
from workbench.tuning.ledger import cpu_seconds

#: Bytes of pixels that are extracted at once: with their features and copies far less than 2 GB.
_CHUNK_BYTES = 64_000_000
#: Part of every key: raise it when what is stored changes.
_VERSION = 2


#: Most bytes of cached features unless told otherwise; and never more than half of what is free on the disk.
_LIMIT_BYTES = 20_000_000_000


def default_limit(folder: Path) -> int:
    """Returns how many bytes of features are kept in a workspace, unless its user says."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return min(_LIMIT_BYTES, shutil.disk_usage(existing).free // 2)


def parse_size(text: str | float) -> int:
    """Reads a size.

    Args:
        text: ``"500MB"``, ``"5GB"``, ``"0"``, or a number of bytes.

    Returns:
        Bytes.

    Raises:
        WorkbenchError: If it is no size.
    """
    if isinstance(text, int | float):
        return int(text)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.strip().lower())
    if match is None:
        raise WorkbenchError(f"{text!r} is not a size; write it like 500MB or 5GB, or 0 for none")
    return int(float(match[1]) * 1000 ** ("kmgt".index(match[2]) + 1 if match[2] else 0))


def format_size(size: int) -> str:
    """Writes a size for people: ``12.3 MB``, ``4.5 GB``."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 99.5 or unit == "B" else f"{value:.1f} {unit}"


@dataclass(frozen=True)
class Features:
    """Features of one extractor.

    Attributes:
        array: ``(n, d)``, float32, a memory map.
        seconds: Wall-clock seconds that the extraction took, now or when it was done.
        waited: Seconds that it took to get them now.
        cpu_seconds: CPU seconds that the extraction took.
    """

    array: npt.NDArray[np.float32]
    seconds: float
    waited: float
    cpu_seconds: float


@dataclass(frozen=True)
class Entry:
    """Features in the cache.

    Attributes:
        key: The folder's name.
        about: What they are: ``plugin``, ``params``, ``images``, ``seconds``.
        bytes: Size on disk.
        used: When they were last used, in seconds since the epoch.
    """

    key: str
    about: dict[str, Any]
    bytes: int
    used: float


@dataclass(frozen=True)
class FeatureCache:
    """Features on disk, the least recently used of which go when there are too many.

    Attributes:
        folder: Where they lie; made if it does not exist.
        limit_bytes: Most bytes of all entries; 0 keeps nothing.
    """

    folder: Path
    limit_bytes: int

    def extract(
        self,
        extractor: Any,
        images: Path,
        rows: int,
        plugin: Plugin,
        params: dict[str, Any],
        task: Task,
        labels: npt.NDArray[np.int64] | None = None,
    ) -> Features:
        """Returns the features of an extractor, computing them if nobody has.

        Args:
            extractor: The transformer; it is fitted only if its features are computed now.
            images: ``.npy`` file.
            rows: So many images, from the first.
            plugin: Where the extractor comes from.
            params: What the trial answered the plugin.
            task: What the plugin was told.
            labels: For an extractor that has something to learn: labels of the first images, which it learns from.
        """
        started = time.perf_counter()
        key = _key(images, rows, plugin, params, task, labels)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock(key):
            entry = self.folder / key
            if not (entry / "about.json").exists():
                scratch = self.folder / f"{key}.partial"
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
                computed = extract(extractor, images, rows, scratch / "features.npy", plugin.name, labels)
                about = {
                    "plugin": str(plugin),
                    "params": params,
                    "images": f"{images.parent.name[:8]}/{images.stem}",
                    "seconds": computed.seconds,
                    "cpu_seconds": computed.cpu_seconds,
                }
                (scratch / "about.json").write_text(json.dumps(about, default=str))
                if not self._make_room(_size(scratch)):
                    shutil.rmtree(scratch)  # what is mapped stays readable
                    return replace(computed, waited=time.perf_counter() - started)
                scratch.rename(entry)
            os.utime(entry)
            about = json.loads((entry / "about.json").read_text())
            array = np.load(entry / "features.npy", mmap_mode="r")
        return Features(array, about["seconds"], time.perf_counter() - started, about["cpu_seconds"])

    def extract_anew(
        self, extractor: Any, images: Path, rows: int, name: str, labels: npt.NDArray[np.int64] | None = None
    ) -> Features:
        """Returns the features of an extractor, fitted if labels are given, computed now and kept by nobody."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{os.getpid()}-{name}.scratch.npy"
        try:
            return extract(extractor, images, rows, target, name, labels)
        finally:
            target.unlink(missing_ok=True)  # what is mapped stays readable

    def entries(self) -> list[Entry]:
        """Returns what there is, last used first."""
        found = []
        for about in self.folder.glob("*/about.json"):
            try:
                if about.parent.suffix != ".partial":
                    used = about.parent.stat().st_mtime
                    found.append(Entry(about.parent.name, json.loads(about.read_text()), _size(about.parent), used))
            except FileNotFoundError:  # gone meanwhile
                continue
        return sorted(found, key=lambda entry: -entry.used)

    def clear(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_room(self, size: int) -> bool:
        """Removes what was not used for longest until ``size`` bytes more fit; returns whether they do."""
        self._sweep()
        if size > self.limit_bytes:
            return False
        entries = self.entries()
        total = sum(entry.bytes for entry in entries)
        while entries and total + size > self.limit_bytes:
            oldest = entries.pop()
            lock = self._lock(oldest.key)
            try:
                lock.acquire(timeout=0)
            except Timeout:  # just being opened
                continue
            with lock:
                shutil.rmtree(self.folder / oldest.key, ignore_errors=True)
                total -= oldest.bytes
        return total + size <= self.limit_bytes

    def _sweep(self) -> None:
        """Removes what killed processes left half done."""
        for scratch in self.folder.glob("*.partial"):
            lock = self._lock(scratch.stem)
            with contextlib.suppress(Timeout), lock.acquire(timeout=0):
                shutil.rmtree(scratch, ignore_errors=True)
        for scratch in self.folder.glob("*.scratch.npy"):
            if not psutil.pid_exists(int(scratch.name.partition("-")[0])):
                scratch.unlink(missing_ok=True)

    def _lock(self, key: str) -> FileLock:
        return FileLock(self.folder / f"{key}.lock")


def extract(
    extractor: Any,
    images: Path,
    rows: int,
    target: Path,
    name: str,
    labels: npt.NDArray[np.int64] | None = None,
) -> Features:
    """Extracts features chunk by chunk into a ``.npy`` file, so that memory does not grow with the data set.

    Args:
        extractor: A transformer.
        images: ``.npy`` file.
        rows: So many images, from the first.
        target: File to write.
        name: The extractor's name, for messages.
        labels: If given, the extractor is first fitted on so many images and them.

    Raises:
        ValueError: If the extractor gives anything but a finite row of features for each image.
    """
    started, cpu_started = time.perf_counter(), cpu_seconds()
    if labels is not None:
        extractor.fit(np.load(images, mmap_mode="r")[: len(labels)], labels)
    with target.open("wb") as file:
        width = -1
        for chunk in _chunks(images, rows):
            features = np.ascontiguousarray(extractor.transform(chunk), dtype=np.float32)
            if features.ndim != 2 or len(features) != len(chunk) or width not in (-1, features.shape[1]):
                raise ValueError(
                    f"the extractor {name!r} made an array of shape {features.shape} of {len(chunk):,} images; it must "
                    "return a row of features for each image, always as many"
                )
            if not np.isfinite(features).all():
                raise ValueError(f"the extractor {name!r} made features that are not finite numbers")
            if width < 0:
                width = features.shape[1]
                _write_header(file, (rows, width))
            features.tofile(file)
    seconds = time.perf_counter() - started
    return Features(np.load(target, mmap_mode="r"), seconds, seconds, cpu_seconds() - cpu_started)


def _chunks(images: Path, rows: int) -> Iterator[npt.NDArray[np.uint8]]:
    size = max(1, _CHUNK_BYTES // int(np.prod(np.load(images, mmap_mode="r").shape[1:])))
    for start in range(0, rows, size):
        # mapped anew each time: pages of a map that goes do not count as our memory
        yield np.array(np.load(images, mmap_mode="r")[start : min(start + size, rows)])


def _write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(file, header)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _key(
    images: Path,
    rows: int,
    plugin: Plugin,
    params: dict[str, Any],
    task: Task,
    labels: npt.NDArray[np.int64] | None,
) -> str:
    """Returns a hash of all that the features depend on; the number of threads is not among it."""
    known = replace(task, n_jobs=1)
    parts = (
        _VERSION, images.parent.name, images.name, rows, str(plugin), _code(plugin.target.partition(":")[0]),
        sorted(params.items()), known, None if labels is None else hashlib.blake2b(labels.tobytes()).hexdigest(),
    )  # fmt: skip
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _code(module: str) -> list[tuple[str, int, int]]:
    """Returns names, sizes and times of the files of a plugin's package: who edits a plugin wants new features."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    if spec is None:
        return []
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    files = [file for folder in folders for file in folder.rglob("*.py")] or [Path(spec.origin or "")]
    return sorted((str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file())
