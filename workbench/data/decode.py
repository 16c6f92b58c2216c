"""One image file to uint8 pixels, safely, with Pillow; and many of them, on all cores.

Pillow decodes the most formats faithfully and fails loudly on broken files, where other decoders return None or
silent black. Files are decoded in processes of their own, so that a file that crashes the decoder is reported like
any other unreadable file.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import multiprocessing
import signal
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from workbench.hardware import cpu_count

#: Formats that are decoded whatever a file is called. Vector formats and the like never reach their parsers.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
#: Images of more pixels than this are refused as decompression bombs.
MAX_PIXELS = 64_000_000

_GREY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"}
_EXIF_ORIENTATION = 0x0112

Array = npt.NDArray[np.uint8]
T = TypeVar("T")
R = TypeVar("R")


class Unreadable(Exception):  # noqa: N818 - a finding about a file, reported and not raised to the user
    """A file that is no usable image; its text is the reason."""


@dataclass(frozen=True)
class Header:
    """What is known of an image file before it is decoded.

    Attributes:
        digest: Hash of the file's bytes.
        height: Pixels, after EXIF rotation.
        width: Pixels, after EXIF rotation.
        grey: Whether the file stores one channel.
        format: What the file is, whatever its name says: ``JPEG``, ``PNG``.
        mode: How it stores a pixel, in Pillow's words: ``RGB``, ``L``, ``P``.
    """

    digest: bytes
    height: int
    width: int
    grey: bool
    format: str
    mode: str


def read_header(path: str) -> Header:
    """Reads a file's hash and its size after EXIF rotation, without decoding its pixels.

    Raises:
        Unreadable: If it is no image that can be decoded.
    """
    data = _read(path)
    with _readable(), _open(data) as image:
        width, height = image.size
        if _orientation(image) >= 5:  # these four swap the axes
            width, height = height, width
        return Header(
            hashlib.blake2b(data, digest_size=16).digest(),
            height,
            width,
            image.mode in _GREY_MODES,
            str(image.format),
            image.mode,
        )


def read_pixels(path: str, shape: tuple[int, int, int]) -> Array:
    """Decodes a file to uint8 pixels of the given shape.

    EXIF rotation is applied, the first frame of an animation taken, transparency laid over white, 16-bit and float
    images scaled to 8 bits; the image is stretched to the shape, so that nothing of it is cut off.

    Args:
        path: The file.
        shape: ``(height, width, channels)``; channels is 1 or 3.

    Raises:
        Unreadable: If its pixels cannot be decoded.
    """
    height, width, channels = shape
    with _readable(), _open(_read(path)) as image:
        if image.format == "JPEG":  # let the decoder skip detail that the resize would throw away
            side = 2 * max(height, width)
            image.draft(None, (side, side))
        image.load()  # before anything else looks at it, and swallows the error that it raises once
        orientation = _orientation(image)
        upright: Image.Image = image
        if orientation > 1:
            with contextlib.suppress(TypeError, ValueError, KeyError, SyntaxError):  # a broken EXIF block
                upright = ImageOps.exif_transpose(image)
        pixels = _to_eight_bits(upright).convert("L" if channels == 1 else "RGB")
        if pixels.size != (width, height):
            pixels = pixels.resize((width, height), Image.Resampling.BICUBIC)
        return np.asarray(pixels, dtype=np.uint8).reshape(shape)


def resize(image: Array, shape: tuple[int, int, int]) -> Array:
    """Stretches one uint8 image ``(height, width, channels)`` to another height and width."""
    height, width, channels = shape
    if image.shape == shape:
        return image
    picture = Image.fromarray(image[:, :, 0] if channels == 1 else image)
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC), dtype=np.uint8).reshape(shape)


def _read(path: str) -> bytes:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise Unreadable("no such file") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    if not data:
        raise Unreadable("the file is empty")
    if data.startswith(b"version https://git-lfs"):
        raise Unreadable("a Git LFS pointer, not the image itself (git lfs pull fetches it)")
    return data


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Turns all that Pillow raises on a broken file into a reason."""
    try:
        yield
    except Unreadable:
        raise
    except UnidentifiedImageError:
        raise Unreadable("not an image in a supported format") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unreadable(f"more than {MAX_PIXELS // 1_000_000} million pixels (a decompression bomb?)") from None
    except MemoryError:
        raise Unreadable("needs more memory than there is") from None
    except Exception as error:  # Pillow's plugins raise whatever their parsers trip over
        raise Unreadable(f"broken or truncated image: {error}") from None


@contextlib.contextmanager
def _open(data: bytes) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image


def _orientation(image: Image.Image) -> int:
    if image.format == "PNG" and "exif" not in image.info:  # asking would decode it to look behind its pixels
        return 1
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # a broken EXIF block says nothing about the pixels
        return 1


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scales 16-bit and float images, which a plain convert would clip, and lays transparency over white."""
    if image.mode.startswith("I;16") or image.mode == "I":
        values = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.clip(values / 257 if values.max() > 255 else values, 0, 255).astype(np.uint8))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, dtype=np.float64))
        low, high = float(values.min()), float(values.max())
        if low >= 0 and high <= 1:
            values = values * 255
        elif low < 0 or high > 255:
            values = (values - low) * (255 / (high - low))
        return Image.fromarray(np.round(values).astype(np.uint8))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        grey = image.mode in ("LA", "La", "L", "1")
        layered = image.convert("RGBA")
        backdrop = Image.new("RGBA", layered.size, (255, 255, 255, 255))
        return Image.alpha_composite(backdrop, layered).convert("L" if grey else "RGB")
    return image


# -- many files ---------------------------------------------------------------------------------------------------


def read_headers(paths: Sequence[str], progress: Callable[[int], None] | None = None) -> list[Header | Unreadable]:
    """Reads the headers of many files on all cores, in the order given."""
    return _in_processes(read_header, paths, progress)


def decode_into(
    target: Path,
    paths: Sequence[str],
    shape: tuple[int, int, int],
    progress: Callable[[int], None] | None = None,
) -> list[Unreadable | None]:
    """Decodes many files on all cores into a ``.npy`` file ``(n, *shape)`` that it creates.

    Returns:
        For each file None, or why its row is blank.
    """
    np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=(len(paths), *shape))
    return _in_processes(partial(_decode_row, str(target), shape), list(enumerate(paths)), progress)


def _decode_row(target: str, shape: tuple[int, int, int], row: tuple[int, str]) -> None:
    pixels = read_pixels(row[1], shape)
    np.lib.format.open_memmap(target, mode="r+")[row[0]] = pixels


def _run_chunk(function: Callable[[T], R], items: Sequence[T]) -> list[R | Unreadable]:
    results: list[R | Unreadable] = []
    for item in items:
        try:
            results.append(function(item))
        except Unreadable as reason:
            results.append(reason)
    return results


def _in_processes(
    function: Callable[[T], R], items: Sequence[T], progress: Callable[[int], None] | None
) -> list[R | Unreadable]:
    """Maps over items on all cores; an item that kills its process becomes an :class:`Unreadable`."""
    workers = max(1, min(cpu_count(), len(items)))
    size = max(1, min(64, len(items) // (4 * workers)))
    results: dict[int, R | Unreadable] = {}

    def run(chunks: list[range], workers: int) -> list[range]:
        """Runs chunks in a fresh pool and returns those that a dying process took along, in order."""
        broken = []
        futures: dict[Future[list[R | Unreadable]], range] = {}
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            with without_main():
                for chunk in chunks:
                    try:
                        futures[pool.submit(_run_chunk, function, [items[i] for i in chunk])] = chunk
                    except BrokenProcessPool:
                        broken.append(chunk)
            try:
                for future in as_completed(futures):
                    try:
                        results.update(zip(futures[future], future.result(), strict=True))
                    except BrokenProcessPool:
                        broken.append(futures[future])
                        continue
                    if progress:
                        progress(len(futures[future]))
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return sorted(broken, key=lambda chunk: chunk.start)

    left = run([range(start, min(start + size, len(items))) for start in range(0, len(items), size)], workers)
    while left := run(left, 1) if left else []:
        # A single worker takes chunks in order, so the first of those left holds the culprit: halve it.
        first = left.pop(0)
        if len(first) == 1:
            results[first.start] = Unreadable("the file crashed the decoder")
        else:
            middle = first.start + len(first) // 2
            left[:0] = [range(first.start, middle), range(middle, first.stop)]
    return [results[i] for i in range(len(items))]


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Keeps processes started inside from importing the caller's script again.

    ``multiprocessing`` imports ``__main__`` in every process it starts, which runs a script that lacks the
    ``if __name__ == "__main__"`` guard once more. Our processes need nothing from it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
