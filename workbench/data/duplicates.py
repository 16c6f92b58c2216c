"""Images that are there more than once: equal pixel by pixel, or re-encoded, rescaled, brightened, mirrored.

Near copies are looked for in two steps. A perceptual hash of real numbers, the low frequencies of each image's cosine
transform and the length of what they leave over, gives an upper bound of how well two images correlate, so that no pair
that would pass the second step is lost in the first. The second step correlates pixels, and then gradients: two
hand-written ones correlate well, but their edges do not lie in the same places.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.data.images import Images, Progress

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

#: Raise it when other duplicates are found: they are kept beside the decoded images.
_VERSION = 1
#: Images are compared in grey, at this side in pixels or less.
_SIDE = 32
#: Images whose shorter side has this many pixels or fewer are little but a silhouette, and are held to stricter limits.
_SMALL = 48
#: Least correlation of pixels and of gradients of a near copy.
#: Chosen by looking at the pairs of six data sets: photographs, and small pictures of digits and clothes.
_LIMITS, _SMALL_LIMITS = (0.95, 0.92), (0.985, 0.97)
#: Frequencies in each direction of the cosine transform that make the hash.
_FREQUENCIES = 8
_LEAF = 512
#: Most pixels of shrunk images that are kept in memory (as float32); beyond, they are shrunk again when needed.
_KEPT = 100_000_000
_CHUNK = 1024
#: An image of less contrast than this (standard deviation in grey levels) is blank: there is nothing to compare.
_BLANK = 1.0


@dataclass(frozen=True)
class Duplicates:
    """Which images are copies of which.

    Attributes:
        first: For each image the number of the first image with the same pixels; mostly its own.
        near: ``(m, 2)`` numbers of images that are near copies, without those that have the same pixels.
    """

    first: Rows
    near: Rows

    def families(self, groups: Rows | None = None) -> Rows:
        """Numbers the families of copies: images that are connected by equal pixels, near copies or a group.

        Args:
            groups: ``n`` group indices whose images belong together as well.

        Returns:
            ``n`` indices of families; an image without copies is a family of its own.
        """
        n = len(self.first)
        pairs = [np.column_stack([np.arange(n), self.first]), self.near]
        if groups is not None:
            _, head, member = np.unique(groups, return_index=True, return_inverse=True)
            pairs.append(np.column_stack([np.arange(n), head[member]]))
        return _connected(n, np.concatenate(pairs))


def find(images: Images, progress: Progress | None = None) -> Duplicates:
    """Finds the copies among images, or reads what an earlier call has found.

    Args:
        images: The decoded images.
        progress: Told how far it is.
    """
    kept = images.folder / f"duplicates-{_VERSION}.npz"
    if kept.exists():
        with np.load(kept) as file:
            return Duplicates(file["first"], file["near"])
    found = search(images.pixels, progress)
    partial = kept.with_name(f"{kept.stem}-{os.getpid()}.npz")  # another run may look for them at the same time
    np.savez_compressed(partial, first=found.first, near=found.near)
    partial.replace(kept)
    return found


def search(pixels: npt.NDArray[np.uint8], progress: Progress | None = None) -> Duplicates:
    """Finds the copies among uint8 images ``(n, height, width, channels)``."""
    seen: dict[bytes, int] = {}
    first = np.array(
        [
            seen.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), i)
            for i, image in enumerate(pixels)
        ]
    )
    rows = np.array(sorted(seen.values()))
    return Duplicates(first, _Search(pixels, rows).pairs(progress))


def _connected(n: int, pairs: Rows) -> Rows:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), np.int8)
    _, family = connected_components(coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(n, n)), directed=False)
    return np.asarray(family, dtype=np.int64)


class _Search:
    """The search for near copies among some rows of a stack of images."""

    def __init__(self, pixels: npt.NDArray[np.uint8], rows: Rows) -> None:
        self._pixels = pixels
        height, width = pixels.shape[1:3]
        self._limits = _SMALL_LIMITS if min(height, width) <= _SMALL else _LIMITS
        self._shrink = _averages(height), _averages(width)
        self._kept: Floats | None = None
        if len(rows) * min(height, _SIDE) * min(width, _SIDE) <= _KEPT:
            self._kept = np.empty((len(rows), min(height, _SIDE), min(width, _SIDE)), np.float32)
        hashes, contrast = [np.empty((0, _FREQUENCIES**2 + 1), np.float32)], [np.empty(0, np.float32)]
        for start in range(0, len(rows), _CHUNK):
            grey, deviation = self._standardised(rows[start : start + _CHUNK])
            if self._kept is not None:
                self._kept[start : start + _CHUNK] = grey
            hashes.append(_hashes(grey))
            contrast.append(deviation)
        clear = np.concatenate(contrast) >= _BLANK
        self._rows = rows[clear]
        self._hashes = np.concatenate(hashes)[clear]
        if self._kept is not None and not clear.all():
            self._kept = self._kept[clear]

    def _grey(self, members: Rows) -> Floats:
        """Returns the standardised images that some of the hashes belong to."""
        return self._standardised(self._rows[members])[0] if self._kept is None else self._kept[members]

    def pairs(self, progress: Progress | None) -> Rows:
        """Returns ``(m, 2)`` row numbers of near copies."""
        leaves = list(_leaves(self._hashes, np.arange(len(self._rows))))
        signs = np.tile((-1.0) ** np.arange(_FREQUENCIES), _FREQUENCIES)  # a mirror turns every odd frequency's sign
        mirror = np.append(signs, 1).astype(np.float32)
        found = [np.empty((0, 2), np.int64)]
        plain = [self._hashes[leaf] for leaf in leaves]
        mirrored = [hashes * mirror for hashes in plain]
        boxes = [np.array([[h.min(axis=0), h.max(axis=0)] for h in of]) for of in (plain, mirrored) if leaves]
        for i, leaf in enumerate(leaves):
            grey: Floats | None = None
            for flip, others in enumerate((plain, mirrored)):
                for j in i + _close(boxes[0][i], boxes[flip][i:], self._limits[0]):
                    bound = plain[i] @ others[j].T
                    at = np.flatnonzero(bound.ravel() >= self._limits[0] - 1e-4)  # of one axis: ten times as fast
                    a, b = np.divmod(at, bound.shape[1])
                    if i == j:
                        a, b = a[a < b], b[a < b]
                    if len(a):
                        if grey is None:
                            grey = self._grey(leaf)
                        kept = self._verified(grey, a, leaves[j], b, bool(flip))
                        found.append(np.column_stack([self._rows[leaf[a[kept]]], self._rows[leaves[j][b[kept]]]]))
            if progress:
                progress("looking for duplicates", i + 1, len(leaves))
        pairs = np.sort(np.concatenate(found), axis=1)
        return np.unique(pairs, axis=0) if len(pairs) else pairs

    def _standardised(self, rows: Rows) -> tuple[Floats, Floats]:
        """Returns images ``(n, height, width)`` in grey, of mean 0 and length 1; and their standard deviations."""
        pixels = self._pixels[rows].astype(np.float32)
        grey = pixels[..., 0] if pixels.shape[3] == 1 else pixels @ np.array([0.299, 0.587, 0.114], np.float32)
        grey = np.asarray(self._shrink[0] @ grey @ self._shrink[1].T, dtype=np.float32)
        grey -= grey.mean(axis=(1, 2), keepdims=True)
        length = np.sqrt((grey**2).sum(axis=(1, 2)))
        grey /= np.maximum(length, 1e-6)[:, None, None]
        return grey, length / np.sqrt(np.float32(grey[0].size if len(grey) else 1))

    def _verified(self, grey: Floats, a: Rows, members: Rows, b: Rows, flip: bool) -> npt.NDArray[np.bool_]:
        """Which of the pairs (``grey[a]``, image ``members[b]``) correlate enough, pixels first and then gradients."""
        pixel_limit, gradient_limit = self._limits
        wanted, at = np.unique(b, return_inverse=True)
        other = self._grey(members[wanted])
        other = np.ascontiguousarray(other[:, :, ::-1]) if flip else other
        kept = np.zeros(len(a), bool)
        for start in range(0, len(a), 4 * _CHUNK):
            chunk = slice(start, start + 4 * _CHUNK)
            kept[chunk] = np.einsum("nhw,nhw->n", grey[a[chunk]], other[at[chunk]]) >= pixel_limit
        left = np.flatnonzero(kept)
        for start in range(0, len(left), 4 * _CHUNK):
            some = left[start : start + 4 * _CHUNK]
            kept[some] = _gradient_correlation(grey[a[some]], other[at[some]]) >= gradient_limit
        return kept


def _averages(size: int) -> Floats:
    """Returns the matrix ``(at most _SIDE, size)`` that shrinks an axis by averaging."""
    if size <= _SIDE:
        return np.eye(size, dtype=np.float32)
    edges = np.linspace(0, size, _SIDE + 1)
    at = np.arange(size)
    overlap = np.minimum(edges[1:, None], at + 1) - np.maximum(edges[:-1, None], at)
    weights = np.maximum(overlap, 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _hashes(grey: Floats) -> Floats:
    """Returns hashes of length 1: low frequencies, and the length of the rest. Their products bound correlations."""
    low = (_cosines(grey.shape[1]) @ grey @ _cosines(grey.shape[2]).T).reshape(len(grey), _FREQUENCIES**2)
    rest = np.sqrt(np.maximum(0, 1 - (low**2).sum(axis=1)))
    return np.column_stack([low, rest]).astype(np.float32)


def _cosines(size: int) -> Floats:
    """Returns the first rows ``(_FREQUENCIES, size)`` of the orthonormal cosine transform (DCT-II); zeros beyond it."""
    frequency = np.arange(_FREQUENCIES)[:, None]
    rows = np.cos(np.pi * (np.arange(size) + 0.5) * frequency / size) * np.sqrt(2 / size)
    rows[0] /= np.sqrt(2)
    rows[size:] = 0
    return np.asarray(rows, dtype=np.float32)


def _gradient_correlation(a: Floats, b: Floats) -> Floats:
    product, of_a, of_b = np.zeros((3, len(a)), np.float32)
    for axis in (1, 2):
        x, y = np.diff(a, axis=axis), np.diff(b, axis=axis)
        product += np.einsum("nhw,nhw->n", x, y)
        of_a += np.einsum("nhw,nhw->n", x, x)
        of_b += np.einsum("nhw,nhw->n", y, y)
    return np.asarray(product / np.sqrt(np.maximum(of_a * of_b, 1e-12)), dtype=np.float32)


def _leaves(hashes: Floats, members: Rows) -> Iterator[Rows]:
    """Halves the hashes where they spread most until few enough are together, so that far ones need no comparison."""
    if len(members) <= _LEAF:
        if len(members):
            yield members
        return
    axis = int(np.argmax(hashes[members].var(axis=0)))
    order = members[np.argsort(hashes[members, axis], kind="stable")]
    yield from _leaves(hashes, order[: len(order) // 2])
    yield from _leaves(hashes, order[len(order) // 2 :])


def _close(box: Floats, others: Floats, limit: float) -> Rows:
    """Which boxes ``(m, 2, d)`` may hold a vector of length 1 whose product with one in the box reaches the limit."""
    gap = np.maximum(0, np.maximum(box[0] - others[:, 1], others[:, 0] - box[1]))
    return np.flatnonzero((gap**2).sum(axis=1) <= 2 - 2 * limit + 1e-4)
