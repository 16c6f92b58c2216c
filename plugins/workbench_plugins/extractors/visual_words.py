"""Bags of visual words over dense SIFT descriptors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from workbench_plugins.extractors.batches import cell_borders
from workbench_plugins.kernels.sift import CELLS, LENGTH, dense_sift

_SAMPLE = 60_000  # descriptors that the codebook is learned from
_MOST_IMAGES = 3_000  # that they come from
_BATCH_BYTES = 32_000_000  # of encoded descriptors at once, in each thread


class BagOfVisualWords(TransformerMixin, BaseEstimator):
    """Counts visual words: cluster centres of local descriptors (Csurka et al., ECCV workshop 2004).

    Args:
        words: Size of the codebook.
        cell: Side of a cell of a descriptor, in pixels; a descriptor is four cells wide.
        step: Pixels from one descriptor to the next.
        encoding: ``"hard"``: a descriptor counts for its nearest word. ``"triangle"``: for every word that is nearer
            than the mean distance to all words, by how much (Coates, Ng and Lee, AISTATS 2011).
        grid: Words are counted in each of ``grid`` x ``grid`` parts of the image.
        n_jobs: Number of threads.
        random_state: Seed of the codebook.

    Attributes:
        codebook_: ``(words, 128)``.
    """

    def __init__(
        self,
        words: int = 256,
        cell: int = 3,
        step: int = 2,
        encoding: str = "triangle",
        grid: int = 2,
        n_jobs: int = 1,
        random_state: int | None = None,
    ) -> None:
        self.words = words
        self.cell = cell
        self.step = step
        self.encoding = encoding
        self.grid = grid
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: npt.NDArray[np.uint8], y: Any = None) -> BagOfVisualWords:
        """Learns the codebook from some descriptors of some of the images ``(n, height, width, channels)``."""
        rng = np.random.default_rng(self.random_state)
        chosen = np.sort(rng.choice(len(X), min(len(X), _MOST_IMAGES), replace=False))
        share = -(-_SAMPLE // len(chosen))
        sample = []
        for start in range(0, len(chosen), 256):
            found = self._descriptors(X[chosen[start : start + 256]])
            found = found.reshape(len(found), -1, LENGTH)
            some = rng.permuted(np.tile(np.arange(found.shape[1]), (len(found), 1)), axis=1)[:, :share]
            sample.append(np.take_along_axis(found, some[..., None], axis=1).reshape(-1, LENGTH))
        descriptors = np.concatenate(sample)
        words = min(self.words, len(descriptors))
        learner = MiniBatchKMeans(words, batch_size=4096, max_iter=5, n_init=1, random_state=self.random_state)
        self.codebook_ = learner.fit(descriptors).cluster_centers_.astype(np.float32)
        return self

    def transform(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Returns the counts ``(n, grid * grid * words)``: square roots, scaled to length one."""
        check_is_fitted(self)
        rows, columns = self._places(X)
        features = np.empty((len(X), self.grid**2 * len(self.codebook_)), np.float32)
        size = max(1, _BATCH_BYTES // (rows * columns * (len(self.codebook_) + LENGTH) * 4))
        batches = [slice(start, start + size) for start in range(0, len(X), size)]

        def compute(batch: slice) -> None:
            features[batch] = self._count(X[batch])

        with threadpool_limits(1, "blas"), ThreadPoolExecutor(self.n_jobs) as threads:
            list(threads.map(compute, batches))
        return features

    def _places(self, X: npt.NDArray[np.uint8]) -> tuple[int, int]:
        """Returns how many descriptors fit an image, down and across."""
        height, width = X.shape[1:3]
        if min(height, width) < CELLS * self.cell:
            raise ValueError(f"images of {height}x{width} pixels are smaller than a descriptor of {CELLS * self.cell}")
        return (height - CELLS * self.cell) // self.step + 1, (width - CELLS * self.cell) // self.step + 1

    def _descriptors(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        descriptors = np.empty((len(X), *self._places(X), LENGTH), np.float32)
        dense_sift(np.ascontiguousarray(X), self.cell, self.step, descriptors)
        return descriptors

    def _count(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        descriptors = self._descriptors(X)
        n, rows, columns, _ = descriptors.shape
        flat = descriptors.reshape(-1, LENGTH)
        squares = np.einsum("ij,ij->i", self.codebook_, self.codebook_)
        similar = flat @ self.codebook_.T
        if self.encoding == "hard":
            encoded = np.zeros((len(flat), len(self.codebook_)), np.float32)
            encoded[np.arange(len(flat)), (2 * similar - squares).argmax(axis=1)] = 1
        else:
            lengths = np.einsum("ij,ij->i", flat, flat)
            distances = np.sqrt(np.maximum(lengths[:, None] + squares - 2 * similar, 0))
            encoded = np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)
        words = encoded.reshape(n, rows, columns, -1)
        tops, lefts = cell_borders(rows, self.grid)[:-1], cell_borders(columns, self.grid)[:-1]
        pooled = np.add.reduceat(np.add.reduceat(words, tops, axis=1), lefts, axis=2)
        counts = np.sqrt(pooled.reshape(n, -1))
        return np.asarray(counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-12), np.float32)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags
