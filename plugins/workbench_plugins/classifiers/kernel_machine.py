"""Support vector machines with an RBF kernel: one whose kernel is computed by matrix products, one approximate."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import _ovr_decision_function, check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

#: Two classes of up to so many images together get their kernel matrix computed first (1.8 GB at this size); beyond,
#: libsvm computes it row by row.
_LARGEST_KERNEL = 15_000
_BLOCK = 1000  # images predicted at once


class RBFMachine(ClassifierMixin, BaseEstimator):
    """Support vector machine with an RBF kernel: scikit-learn's ``SVC``, with the kernel by matrix products.

    libsvm computes the kernel one pair of images at a time. Matrix products give the same machine many times faster,
    because features of images are long. Like libsvm it trains a machine for every pair of classes; the part of the
    kernel that belongs to one class is computed once for all its pairs. Predictions equal those of ``SVC``, but for
    rounding where features are float32.

    Args:
        C: Penalty of a violated margin.
        gamma: Width of the kernel ``exp(-gamma / (d * variance) * distance ** 2)``: 1 is scikit-learn's ``"scale"``.
        class_weight: Factor of ``C`` by class; ``"balanced"`` raises it for rare ones; None.
        random_state: Seed.

    Attributes:
        classes_: The labels.
        gamma_: The factor of the squared distance.
        support_vectors_: ``(m, d)``.
    """

    def __init__(
        self, C: float = 1.0, gamma: float = 1.0, class_weight: str | None = None, random_state: int | None = None
    ) -> None:
        self.C = C
        self.gamma = gamma
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> RBFMachine:
        """Fits the machine to features ``(n, d)`` and ``n`` labels."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        counts = np.bincount(labels)
        if len(counts) < 2:
            raise ValueError(f"there must be at least two classes to tell apart, and all labels are {y[0]!r}: 1 class")
        C = self.C * compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        self.gamma_ = _factor(self.gamma, X)
        self._mean = X.mean(axis=0)  # distances lose the least to rounding around the mean
        parts = [np.flatnonzero(labels == k) for k in range(len(counts))]
        features = [X[part] - self._mean for part in parts]
        own = {k: self._kernel(features[k], features[k]) for k in range(len(parts)) if len(parts[k]) < _LARGEST_KERNEL}

        pairs = list(itertools.combinations(range(len(parts)), 2))
        weights, self._intercepts = np.zeros((len(X), len(pairs)), X.dtype), np.empty(len(pairs))
        for column, (a, b) in enumerate(pairs):
            # scikit-learn's decision is positive for the second class, libsvm's (and ours) for the first
            target = np.repeat([1, 0], [len(parts[a]), len(parts[b])])
            machine = SVC(class_weight={1: C[a], 0: C[b]}, cache_size=1000, random_state=self.random_state)
            if len(target) <= _LARGEST_KERNEL:
                across = self._kernel(features[a], features[b])
                machine.set_params(kernel="precomputed").fit(np.block([[own[a], across], [across.T, own[b]]]), target)
            else:
                machine.set_params(gamma=self.gamma_).fit(np.concatenate([features[a], features[b]]), target)
            weights[np.concatenate([parts[a], parts[b]])[machine.support_], column] = machine.dual_coef_[0]
            self._intercepts[column] = machine.intercept_[0]
        support = np.flatnonzero(weights.any(axis=1))
        self.support_vectors_ = X[support] - self._mean
        self._weights = weights[support]
        return self

    def _kernel(self, A: npt.NDArray[Any], B: npt.NDArray[Any]) -> npt.NDArray[Any]:
        kernel = A @ B.T
        kernel *= -2
        kernel += np.einsum("ij,ij->i", A, A)[:, None]
        kernel += np.einsum("ij,ij->i", B, B)
        np.maximum(kernel, 0, out=kernel)
        kernel *= -self.gamma_
        return np.asarray(np.exp(kernel, out=kernel))

    def _pairs(self, X: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
        """Yields, for a block of images, a column for every pair of classes: positive for the first of the two."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        for start in range(0, len(X), _BLOCK):
            block = self._kernel(X[start : start + _BLOCK] - self._mean, self.support_vectors_)
            yield block @ self._weights + self._intercepts

    def decision_function(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Returns scores: ``(n,)``, positive for the second of two classes; ``(n, n_classes)`` for more, as ``SVC``."""
        decisions = np.concatenate(list(self._pairs(X)))
        if len(self.classes_) == 2:
            return np.asarray(-decisions[:, 0], np.float64)
        return np.asarray(_ovr_decision_function(decisions < 0, -decisions, len(self.classes_)), np.float64)

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the ``n`` labels that win most of their pairs; of equals the first, as libsvm has it."""
        answers = []
        for decisions in self._pairs(X):
            votes = np.zeros((len(decisions), len(self.classes_)), dtype=np.int64)
            for column, (first, second) in enumerate(itertools.combinations(range(len(self.classes_)), 2)):
                won = decisions[:, column] > 0
                votes[:, first] += won
                votes[:, second] += ~won
            answers.append(votes.argmax(axis=1))
        return np.asarray(self.classes_[np.concatenate(answers)])


class ApproximateRBFMachine(ClassifierMixin, BaseEstimator):
    """A linear classifier over an approximate RBF kernel: its time grows with the images, not with their square.

    The classifier is a logistic regression, which on dense features is several times as fast as a linear SVM.

    Args:
        C: Inverse strength of the penalty.
        gamma: Width of the kernel, as in :class:`RBFMachine`.
        method: ``"nystroem"`` (Williams and Seeger, NIPS 2000) or ``"fourier"`` (Rahimi and Recht, NIPS 2007).
        components: Number of features that stand for the kernel.
        class_weight: ``"balanced"`` or None.
        random_state: Seed.

    Attributes:
        classes_: The labels.
        model_: The fitted pipeline.
    """

    def __init__(
        self,
        C: float = 1.0,
        gamma: float = 1.0,
        method: str = "nystroem",
        components: int = 1000,
        class_weight: str | None = None,
        random_state: int | None = None,
    ) -> None:
        self.C = C
        self.gamma = gamma
        self.method = method
        self.components = components
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> ApproximateRBFMachine:
        """Fits to features ``(n, d)`` and ``n`` labels."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        approximation = {"nystroem": Nystroem, "fourier": RBFSampler}[self.method](
            gamma=_factor(self.gamma, X),
            n_components=min(self.components, len(X)) if self.method == "nystroem" else self.components,
            random_state=self.random_state,
        )
        linear = LogisticRegression(
            C=self.C, class_weight=self.class_weight, max_iter=300, random_state=self.random_state
        )
        self.model_ = Pipeline([("kernel", approximation), ("linear", linear)]).fit(X, y)
        self.classes_ = linear.classes_
        return self

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns class probabilities ``(n, n_classes)``."""
        check_is_fitted(self)
        return np.asarray(
            self.model_.predict_proba(validate_data(self, X, dtype=[np.float32, np.float64], reset=False))
        )

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the ``n`` most probable labels."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])


def _factor(gamma: float, X: npt.NDArray[Any]) -> float:
    """Returns the factor of squared distances: ``gamma`` times scikit-learn's ``"scale"``."""
    return gamma / (X.shape[1] * (float(X.var()) or 1.0))
