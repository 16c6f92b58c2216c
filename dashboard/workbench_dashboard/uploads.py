"""Unpacks an uploaded zip of images, and refuses what could do harm: bombs, and paths that lead out of its folder.

The images in it are left to ``workbench audit``, which decodes them in processes that may die, and refuses those of too
many pixels.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
import numpy.typing as npt

from workbench.data.decode import decode_into
from workbench.errors import WorkbenchError

MEGABYTE = 1_000_000
#: Limits: bytes of the zip, bytes of all its files and of one of them, number of files, and how far one may shrink.
MOST_ZIPPED, MOST_UNZIPPED, MOST_FILE = 500 * MEGABYTE, 4000 * MEGABYTE, 100 * MEGABYTE
MOST_FILES = 100_000
MOST_SHRUNK = 200  # DEFLATE reaches 1,032; images are compressed already
#: What a photo's file may be called.
PHOTOS = ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif")
#: Bytes of a single photo; its pixels are limited as those of any image are.
MOST_PHOTO = 25 * MEGABYTE
_SMALL = MEGABYTE  # below this, how far it shrank says nothing


class UploadError(WorkbenchError):
    """An upload that is refused."""


def unpack(upload: IO[bytes], name: str, folder: Path) -> Path:
    """Unpacks a zip into a folder of its own, and returns where its class folders are.

    The same zip is unpacked once. What is hidden, and what macOS adds, is left out.

    Args:
        upload: The zip.
        name: What it was called.
        folder: Where uploads are kept.

    Raises:
        UploadError: If it is no zip, or too large, or could do harm.
    """
    digest = hashlib.blake2b(digest_size=6)
    size = 0
    upload.seek(0)
    while chunk := upload.read(MEGABYTE):
        size += len(chunk)
        if size > MOST_ZIPPED:
            raise UploadError(
                f"the zip is larger than {MOST_ZIPPED // MEGABYTE} MB; put it in a folder and choose that"
            )
        digest.update(chunk)
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", name.removesuffix(".zip")).strip("-.") or "upload"
    target = folder / digest.hexdigest() / stem
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="unpacking-", dir=folder))
        try:
            _unpack(upload, scratch)
            target.parent.mkdir(exist_ok=True)
            scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return _root(target)


def read_photo(content: bytes, name: str, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """Decodes a photo as a run's images were decoded, in a process of its own, which it may crash.

    Args:
        content: The file.
        name: What it was called.
        shape: ``(height, width, channels)`` to return.

    Raises:
        UploadError: If it is too large, or no image that can be read.
    """
    if len(content) > MOST_PHOTO:
        raise UploadError(f"{name} is larger than {MOST_PHOTO // MEGABYTE} MB; make it smaller first")
    with tempfile.TemporaryDirectory() as folder:
        photo, decoded = Path(folder, "photo"), Path(folder, "decoded.npy")
        photo.write_bytes(content)
        (reason,) = decode_into(decoded, [str(photo)], shape)
        if reason is not None:
            raise UploadError(f"{name} cannot be used: {reason}; give a photo as JPEG, PNG or WebP")
        return np.asarray(np.load(decoded)[0])


def _unpack(upload: IO[bytes], target: Path) -> None:
    try:
        with zipfile.ZipFile(upload) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check(members)
            left = MOST_UNZIPPED
            for member in members:
                if any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(member.filename).parts):
                    continue
                path = target.joinpath(*PurePosixPath(member.filename).parts)
                if path.exists():
                    raise UploadError(f"the zip holds {member.filename!r} twice; pack it again")
                path.parent.mkdir(parents=True, exist_ok=True)
                left -= _copy(archive, member, path, min(left, MOST_FILE))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, UnicodeError, zlib.error) as error:
        raise UploadError(f"this is no zip that can be read: {error}; pack it again") from None
    except OSError as error:  # a name too long for the disk, a file where a folder should be, a full disk
        raise UploadError(f"the zip cannot be unpacked: {error.strerror or error}") from None
    if not any(target.iterdir()):
        raise UploadError("there are no files in the zip; it should hold a folder for each class")


def _check(members: list[zipfile.ZipInfo]) -> None:
    """Refuses by what the zip says of itself, before a byte is unpacked."""
    if len(members) > MOST_FILES:
        raise UploadError(f"the zip holds {len(members):,} files; {MOST_FILES:,} is the most")
    total = sum(member.file_size for member in members)
    if total > MOST_UNZIPPED:
        raise UploadError(
            f"the zip unpacks to {total / MEGABYTE:,.0f} MB; {MOST_UNZIPPED // MEGABYTE:,} MB is the most (a zip bomb?)"
        )
    for member in members:
        name = member.filename
        parts = re.split(r"[/\\]", name)
        if ".." in parts or "\\" in name or name.startswith("/") or re.match(r"[A-Za-z]:", name) or "\0" in name:
            raise UploadError(f"the zip holds the path {name!r}, which leads out of its folder; pack it again")
        mode = member.external_attr >> 16
        if stat.S_ISLNK(mode):
            raise UploadError(f"the zip holds the link {name!r}; pack the files themselves (zip without --symlinks)")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise UploadError(f"the zip holds {name!r}, which is no plain file; leave it out")
        if member.flag_bits & 1:
            raise UploadError("the zip is encrypted; pack it without a password")
        if member.file_size > MOST_FILE:
            raise UploadError(f"{name!r} in the zip is larger than {MOST_FILE // MEGABYTE} MB; leave it out")
        if member.file_size > max(_SMALL, MOST_SHRUNK * member.compress_size):
            raise UploadError(f"{name!r} in the zip unpacks to {MOST_SHRUNK} times its size or more: a zip bomb?")


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, most: int) -> int:
    """Unpacks a file, whose header may lie about its size; returns its bytes."""
    size = 0
    with archive.open(member) as packed, path.open("xb") as file:
        while chunk := packed.read(MEGABYTE):
            size += len(chunk)
            if size > most:
                raise UploadError(f"{member.filename!r} in the zip unpacks to more than it says: a zip bomb?")
            file.write(chunk)
    return size


def _root(folder: Path) -> Path:
    """Returns the folder that holds the class folders: below folders that hold nothing but one folder of folders."""
    while True:
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir() or not any(path.is_dir() for path in inside[0].iterdir()):
            return folder
        folder = inside[0]
