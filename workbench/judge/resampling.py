"""How sure is a figure of merit? Its bootstrap interval, over test images drawn anew with replacement.

Drawing images is counting how often each was drawn: a metric of the drawn images is the metric with those counts as
weights. So all resamples are computed at once; drawing the images one resample at a time, as ``scipy.stats.bootstrap``
does, takes ten times as long, and more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.tuning.specification import ACCURACY

_RESAMPLES = 999
_RESAMPLES_OF_AREAS = 299  # of more than two classes: each class needs an order of its own
_CHUNK = 50  # resamples at a time, so that memory stays small

#: Predictions, probabilities that sum to one (or None), and scores of the second of two classes (or None).
Predicted = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64] | None, npt.NDArray[np.float32] | None]


def metric_interval(
    metric: str,
    labels: npt.NDArray[np.int64],
    predictions: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float64] | None,
    scores: npt.NDArray[np.float32] | None,
    resamples: int = _RESAMPLES,
) -> tuple[float, float]:
    """Returns the 95 % percentile bootstrap interval of a metric (Efron, Ann. Stat. 7, 1979).

    Args:
        metric: One of :data:`workbench.tuning.scoring.METRICS`.
        labels: ``n`` labels.
        predictions: ``n`` predicted labels.
        probabilities: Class probabilities ``(n, n_classes)`` that sum to one, or nothing.
        scores: For two classes and without probabilities: ``n`` scores of the second, or nothing.
        resamples: How often the images are drawn anew.
    """
    if metric == "roc-auc" and probabilities is not None and probabilities.shape[1] > 2:
        resamples = min(resamples, _RESAMPLES_OF_AREAS)
    weighted = _weighted(metric, labels, (predictions, probabilities, scores))
    return _ends(np.concatenate([weighted(weights) for weights in draws(len(labels), resamples)]))


def metric_difference(
    metric: str, labels: npt.NDArray[np.int64], a: Predicted, b: Predicted, resamples: int = _RESAMPLES
) -> tuple[float, float, float]:
    """Compares two candidates by a metric on the same drawn images, in a paired bootstrap.

    Args:
        metric: One of :data:`workbench.tuning.scoring.METRICS`.
        labels: ``n`` labels.
        a: What the one said of ``n`` images.
        b: What the other said of the same images.
        resamples: How often the images are drawn anew.

    Returns:
        Lower and upper end of the 95 % interval of a's value minus b's; and the two-sided p value of the bootstrap
        (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 15.4): twice the share of resamples in
        which the difference is of the other sign, or none.
    """
    first, second = _weighted(metric, labels, a), _weighted(metric, labels, b)
    found = np.concatenate([first(weights) - second(weights) for weights in draws(len(labels), resamples)])
    found = found[np.isfinite(found)]
    side = min(np.sum(found <= 1e-12), np.sum(found >= -1e-12))
    low, high = _ends(found)
    return low, high, float(min(1.0, 2 * (side + 1) / (len(found) + 1)))


def draws(n: int, resamples: int, seed: int = 0) -> Iterator[npt.NDArray[np.float32]]:
    """Yields how often each of ``n`` images was drawn, ``(some resamples, n)`` at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        drawn = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float32)


def _ends(values: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def _weighted(metric: str, labels: npt.NDArray[np.int64], predicted: Predicted) -> Callable[[Any], Any]:
    """Returns a function from weights ``(resamples, n)`` to a metric's values; NaN where a class was not drawn."""
    predictions, probabilities, scores = predicted
    if metric == ACCURACY:
        return lambda w: w @ (predictions == labels).astype(np.float32) / len(labels)
    classes = np.unique(labels)
    is_class = (labels[:, None] == classes).astype(np.float32)
    if metric in ("balanced-accuracy", "macro-f1"):
        right = is_class * (predictions == labels)[:, None].astype(np.float32)
        said = (predictions[:, None] == classes).astype(np.float32)

        def by_class(w: Any) -> Any:
            there = w @ is_class
            other = (there + w @ said) / 2 if metric == "macro-f1" else there
            values = np.divide(w @ right, other, out=np.full_like(other, np.nan), where=there > 0)
            return np.nanmean(values, axis=1)

        return by_class
    if metric == "log-loss":
        assert probabilities is not None
        smallest = np.finfo(probabilities.dtype).eps
        loss = -np.log(np.clip(probabilities[np.arange(len(labels)), labels], smallest, 1 - smallest))
        return lambda w: w @ loss.astype(np.float32) / len(labels)
    if probabilities is None or probabilities.shape[1] == 2:
        rank = scores if probabilities is None else probabilities[:, 1]
        assert rank is not None
        return _weighted_area(rank, is_class[:, -1])
    areas = [_weighted_area(probabilities[:, label], is_class[:, i]) for i, label in enumerate(classes)]
    return lambda w: np.mean([area(w) for area in areas], axis=0)


def _weighted_area(rank: npt.NDArray[Any], positive: npt.NDArray[np.float32]) -> Callable[[Any], Any]:
    """The area under the ROC curve: the share of pairs of a positive and a negative that are ranked rightly."""
    order = np.argsort(rank, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(rank[order]) > 0])  # of images with equal scores
    positive = positive[order]

    def area(w: Any) -> Any:
        w = w[:, order].astype(np.float64)
        up = np.add.reduceat(w * positive, starts, axis=1)
        down = np.add.reduceat(w * (1 - positive), starts, axis=1)
        below = np.cumsum(down, axis=1) - down
        pairs = up.sum(axis=1) * down.sum(axis=1)
        return np.divide((up * (below + down / 2)).sum(axis=1), pairs, out=np.full(len(w), np.nan), where=pairs > 0)

    return area
