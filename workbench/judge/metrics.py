"""Figures of merit with their uncertainty."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def accuracy_interval(correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the Wilson score interval of an accuracy (Wilson, JASA 22, 1927; SciPy's).

    Args:
        correct: Number of images predicted right.
        n: Number of images.
        confidence: Probability that the interval covers the true accuracy.

    Returns:
        Lower and upper end.
    """
    from scipy.stats import binomtest

    interval = binomtest(correct, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def clean_accuracy(
    predictions: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], clean: npt.NDArray[np.bool_] | None
) -> float | None:
    """Returns the accuracy on a clean part of the images; None if it is unknown which those are, or there are none."""
    return None if clean is None or not clean.any() else float(np.mean(predictions[clean] == labels[clean]))


def roc_auc(labels: npt.NDArray[np.int64], scores: npt.NDArray[np.float32] | None) -> float | None:
    """Returns the area under the ROC curve (scikit-learn's); for more than two classes the mean of one against rest.

    Args:
        labels: ``n`` labels.
        scores: Class probabilities ``(n, n_classes)``, or ``n`` scores of the second of two classes; or nothing.

    Returns:
        The area, 0 to 1; None without scores, or where a class has no image.
    """
    from sklearn.metrics import roc_auc_score

    if scores is None or (scores.ndim == 2 and len(np.unique(labels)) != scores.shape[1]) or len(np.unique(labels)) < 2:
        return None
    if scores.ndim == 2 and scores.shape[1] == 2:
        scores = scores[:, 1]
    if scores.ndim == 1:
        return float(roc_auc_score(labels, scores))
    scores = scores.astype(np.float64)
    return float(roc_auc_score(labels, scores / scores.sum(axis=1, keepdims=True), multi_class="ovr"))
