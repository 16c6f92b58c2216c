"""Images from the workspace's cache, as they are shown: small ones enlarged, a few of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.tuning.workspace import Workspace

_SIDE = 128  # pixels that a shown image has at least
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Decoded:
    """A data set as it lies in the cache.

    Attributes:
        pixels: Memory map ``(n, height, width, channels)``.
        labels: ``n`` indices of classes.
    """

    pixels: Pixels
    labels: npt.NDArray[np.int64]


def open_cache(place: Workspace, fingerprint: str) -> Decoded | None:
    """Returns the decoded images of a data set; None if they are not in the cache any more."""
    folder = place.cache / "images" / fingerprint
    try:
        with np.load(folder / "rows.npz") as columns:
            labels = columns["labels"].astype(np.int64)
        return Decoded(np.load(folder / "images.npy", mmap_mode="r"), labels)
    except (OSError, KeyError, ValueError):
        return None


def enlarge(image: Pixels) -> Pixels:
    """Repeats the pixels of a small image, so that the browser does not blur it; drops the channel of a grey one."""
    times = max(1, -(-_SIDE // max(image.shape[:2])))
    large = np.asarray(image).repeat(times, axis=0).repeat(times, axis=1)
    return large[:, :, 0] if large.shape[2] == 1 else large


def samples(labels: npt.NDArray[np.int64], n_classes: int, each: int, seed: int = 0) -> list[npt.NDArray[np.int64]]:
    """Returns rows of a few images of each class, drawn at random."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(labels == label) for label in range(n_classes)]
    return [np.sort(rng.choice(of, min(each, len(of)), replace=False)) for of in rows]


def gallery(images: Sequence[Pixels]) -> list[Pixels]:
    """Returns images ready to be shown beside each other: with a transparent margin, since Streamlit leaves no gap."""
    return [_with_margin(enlarge(np.asarray(image))) for image in images]


def _with_margin(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    margin = max(2, width // 32)
    framed = np.zeros((height + 2 * margin, width + 2 * margin, 4), np.uint8)
    inside = framed[margin : margin + height, margin : margin + width]
    inside[..., :3] = image if image.ndim == 3 else image[..., None]
    inside[..., 3] = 255
    return framed
