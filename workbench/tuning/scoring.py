"""Computes what is tuned and ranked: the metrics that ``--metric`` chooses from, scikit-learn's all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.tuning.specification import ACCURACY, LESS_IS_BETTER, METRICS


def orient(metric: str, value: float) -> float:
    """Turns a metric's value such that more is better, or back."""
    return -value if metric in LESS_IS_BETTER else value


def score(
    metric: str,
    labels: npt.NDArray[np.int64],
    predictions: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32] | None,
    scores: npt.NDArray[np.float32] | None,
) -> float:
    """Returns a metric of predictions, in its own units.

    Args:
        metric: One of :data:`METRICS`.
        labels: ``n`` labels.
        predictions: ``n`` predicted labels.
        probabilities: Class probabilities ``(n, n_classes)``, or nothing.
        scores: For two classes and without probabilities: ``n`` scores of the second, or nothing.

    Raises:
        ValueError: If the metric needs probabilities and there are none that are finite, or labels of one class only.
    """
    if metric == ACCURACY:
        return float(np.mean(predictions == labels))
    present = np.unique(labels)
    if metric in ("balanced-accuracy", "macro-f1"):
        from sklearn.metrics import f1_score, recall_score

        figure: Any = recall_score if metric == "balanced-accuracy" else f1_score
        # balanced_accuracy_score is the same mean, but warns where a class without images was predicted
        return float(figure(labels, predictions, labels=present, average="macro", zero_division=0))
    shares = None if probabilities is None else normalize(probabilities)
    value = None
    if metric == "roc-auc":
        value = roc_auc(labels, scores if shares is None else shares)
    elif shares is not None:
        from sklearn.metrics import log_loss

        value = float(log_loss(labels, shares, labels=np.arange(shares.shape[1])))
    if value is None:
        what = "the labels of one class alone" if len(present) < 2 else "a candidate that gives no class probabilities"
        raise ValueError(f"{METRICS[metric]} cannot be computed for {what}; choose --metric accuracy or macro-f1")
    return value


def roc_auc(labels: npt.NDArray[np.int64], scores: npt.NDArray[np.floating[Any]] | None) -> float | None:
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
    if not np.isfinite(scores).all():
        return None
    if scores.ndim == 2 and scores.shape[1] == 2:
        scores = scores[:, 1]
    if scores.ndim == 1:
        return float(roc_auc_score(labels, scores))
    scores = scores.astype(np.float64)
    return float(roc_auc_score(labels, scores / scores.sum(axis=1, keepdims=True), multi_class="ovr"))


def normalize(probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64] | None:
    """Returns probabilities that sum to one, as those in float32 do not; None if they are none."""
    shares = probabilities.astype(np.float64)
    sums = shares.sum(axis=1, keepdims=True)
    if not np.isfinite(sums).all() or not (sums > 0).all():
        return None
    shares /= sums
    return shares
