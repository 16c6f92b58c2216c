"""Selection of features by a sparse linear model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectorMixin
from sklearn.svm import LinearSVC, l1_min_c
from sklearn.utils.validation import check_is_fitted, validate_data

_IMAGES = 5_000  # that the choice is made from; the split puts them in stratified order


class SparseSelector(SelectorMixin, BaseEstimator):
    """Keeps the features to which a linear SVM with an L1 penalty gives any weight (Bi et al., JMLR 2003).

    Args:
        looseness: ``C`` of the machine over the least at which it uses any feature at all; above 1. More keeps more.
        random_state: Seed.

    Attributes:
        weights_: Largest weight of each feature over the classes, ``(d,)``.
    """

    def __init__(self, looseness: float = 30.0, random_state: int | None = None) -> None:
        self.looseness = looseness
        self.random_state = random_state

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> SparseSelector:
        """Fits the machine to features ``(n, d)``, scaled alike, and ``n`` labels; the first 5,000 images count."""
        X, y = validate_data(self, X, y)
        X, y = X[:_IMAGES], y[:_IMAGES]
        C = self.looseness * l1_min_c(X, y, loss="squared_hinge")
        machine = LinearSVC(penalty="l1", dual=False, C=C, tol=1e-2, max_iter=100, random_state=self.random_state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the choice settles long before the weights do
            machine.fit(X, y)
        self.weights_ = np.abs(machine.coef_).max(axis=0)
        return self

    def _get_support_mask(self) -> npt.NDArray[np.bool_]:
        check_is_fitted(self)
        used = self.weights_ > 0
        return used if used.any() else np.ones(len(used), dtype=bool)
