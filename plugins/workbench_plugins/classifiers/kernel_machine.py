"""A support vector machine whose kernel is computed by matrix products."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted, validate_data

#: Up to so many images the whole kernel matrix is computed first (1.8 GB at this size); beyond, libsvm does it by rows.
_LARGEST_KERNEL = 15_000
_BLOCK = 1000  # images predicted at once


class RBFMachine(ClassifierMixin, BaseEstimator):
    """Support vector machine with an RBF kernel: scikit-learn's ``SVC``, with the kernel by matrix products.

    libsvm computes the kernel one pair of images at a time. One matrix product for all pairs gives the same machine
    many times faster, because features of images are long. Predictions equal those of ``SVC``.

    Args:
        C: Penalty of a violated margin.
        gamma: Width of the kernel, ``exp(-gamma * distance ** 2)``.
        random_state: Seed.

    Attributes:
        classes_: The labels.
        support_vectors_: ``(m, d)``.
    """

    def __init__(self, C: float = 1.0, gamma: float = 1e-3, random_state: int | None = None) -> None:
        self.C = C
        self.gamma = gamma
        self.random_state = random_state

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> RBFMachine:
        """Fits the machine to features ``(n, d)`` and ``n`` labels."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        settings = {"C": self.C, "cache_size": 1000, "random_state": self.random_state}
        if len(X) <= _LARGEST_KERNEL:
            machine = SVC(kernel="precomputed", **settings).fit(rbf_kernel(X, gamma=self.gamma), y)
        else:
            machine = SVC(kernel="rbf", gamma=self.gamma, **settings).fit(X, y)
        self.classes_ = machine.classes_
        self.support_vectors_ = X[machine.support_].astype(np.float64)
        self._squares = np.einsum("ij,ij->i", self.support_vectors_, self.support_vectors_)
        self._weights, self._intercepts = _one_against_one(machine)
        return self

    def _decisions(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Returns a column for every pair of classes, ``(n, pairs)``: positive for the first of the two."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        decisions = []
        for start in range(0, len(X), _BLOCK):
            block = X[start : start + _BLOCK]
            distances = self._squares - 2 * block @ self.support_vectors_.T
            distances += np.einsum("ij,ij->i", block, block)[:, None]
            decisions.append(np.exp(-self.gamma * np.maximum(distances, 0)) @ self._weights + self._intercepts)
        return np.concatenate(decisions)

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the ``n`` labels that win most of their pairs; of equals the first, as libsvm has it."""
        decisions = self._decisions(X)
        votes = np.zeros((len(decisions), len(self.classes_)), dtype=np.int64)
        for column, (first, second) in enumerate(itertools.combinations(range(len(self.classes_)), 2)):
            won = decisions[:, column] > 0
            votes[:, first] += won
            votes[:, second] += ~won
        return np.asarray(self.classes_[votes.argmax(axis=1)])


def _one_against_one(machine: SVC) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Spreads libsvm's packed coefficients into a column of weights for every pair of classes.

    The row of ``dual_coef_`` that belongs to a support vector depends on which class it is compared with; see
    scikit-learn's user guide, "Details on multi-class strategies".
    """
    if len(machine.classes_) == 2:  # scikit-learn turns the sign of a single pair
        return -machine.dual_coef_.T, -machine.intercept_
    ends = np.cumsum(machine.n_support_)
    mine = [slice(end - n, end) for end, n in zip(ends, machine.n_support_, strict=True)]
    pairs = list(itertools.combinations(range(len(machine.classes_)), 2))
    weights = np.zeros((len(machine.support_), len(pairs)))
    for column, (first, second) in enumerate(pairs):
        weights[mine[first], column] = machine.dual_coef_[second - 1, mine[first]]
        weights[mine[second], column] = machine.dual_coef_[first, mine[second]]
    return weights, machine.intercept_
