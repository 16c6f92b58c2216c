"""Figures of merit with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.judge.resampling import metric_interval
from workbench.tuning.scoring import normalize, roc_auc, score
from workbench.tuning.specification import METRICS


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


def further_metrics(
    labels: npt.NDArray[np.int64],
    predictions: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32] | None,
    scores: npt.NDArray[np.float32] | None,
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Returns what there is to say of predictions besides their accuracy, all of it scikit-learn's but the calibration.

    Args:
        labels: ``n`` labels.
        predictions: ``n`` predicted labels.
        probabilities: Class probabilities ``(n, n_classes)``, or nothing.
        scores: For two classes and without probabilities: ``n`` scores of the second, or nothing.
        class_names: Names of the classes.

    Returns:
        JSON-able: ``balanced_accuracy`` and ``macro_f1``, means over the classes that have images;
        ``per_class_recall`` by name; ``roc_auc``; ``log_loss``; ``calibration_error`` and ``reliability`` (see
        :func:`calibration`). For two classes, with the second as the ``positive_class``: ``sensitivity``,
        ``specificity`` and ``sensitivity_at_95_specificity``, the largest at a threshold that leaves a specificity of
        at least 95 %. ``intervals``: the 95 % bootstrap interval of each of :data:`METRICS` but the accuracy, and
        Wilson's of each class's recall. None for what these labels, or a candidate without probabilities, do not give.
    """
    from sklearn.metrics import log_loss, recall_score

    shares = None
    if probabilities is not None and probabilities.shape[1] == len(class_names):
        shares = normalize(probabilities)
    if scores is not None and not np.isfinite(scores).all():
        scores = None
    present = np.unique(labels)
    recalls = recall_score(labels, predictions, labels=present, average=None, zero_division=0)
    recall: dict[str, float | None] = dict.fromkeys(class_names) | {
        class_names[label]: float(value) for label, value in zip(present, recalls, strict=True)
    }
    found: dict[str, Any] = {
        "balanced_accuracy": score("balanced-accuracy", labels, predictions, None, None),
        "macro_f1": score("macro-f1", labels, predictions, None, None),
        "roc_auc": roc_auc(labels, probabilities if shares is not None else scores),
        "log_loss": None,
        "calibration_error": None,
        "reliability": None,
        "per_class_recall": recall,
    }
    if shares is not None:
        found["log_loss"] = float(log_loss(labels, shares, labels=np.arange(len(class_names))))
        confidence = shares[np.arange(len(labels)), predictions]
        found["calibration_error"], found["reliability"] = calibration(predictions == labels, confidence)
    if len(class_names) == 2:
        found |= {
            "positive_class": class_names[1],
            "sensitivity": recall[class_names[1]],
            "specificity": recall[class_names[0]],
            "sensitivity_at_95_specificity": sensitivity_at_specificity(
                labels, scores if shares is None else shares[:, 1], 0.95
            ),
        }
    found["intervals"] = {
        name: metric_interval(metric, labels, predictions, shares, scores)
        for metric, name in ((metric, metric.replace("-", "_")) for metric in METRICS)
        if found.get(name) is not None
    } | {
        f"recall of {class_names[label]}": accuracy_interval(
            int(np.sum(predictions[labels == label] == label)), int(np.sum(labels == label))
        )
        for label in present
    }
    return found


def calibration(
    correct: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float64], bins: int = 15
) -> tuple[float, list[dict[str, float]]]:
    """Returns the expected calibration error and the reliability curve (Guo et al., ICML 2017), in equally wide bins.

    Args:
        correct: Whether each of ``n`` predictions is right.
        confidence: Probability that the candidate gave each of its predictions.
        bins: Number of bins between 0 and 1.

    Returns:
        The mean distance of confidence and accuracy over the bins, weighted by their images; and for each bin that has
        any: its mean ``confidence``, its ``accuracy`` and its number of ``images``.
    """
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    images = np.bincount(bin_of := np.searchsorted(inner, confidence), minlength=bins)
    filled = images > 0
    confidences = np.bincount(bin_of, confidence, minlength=bins)[filled] / images[filled]
    accuracies = np.bincount(bin_of, correct, minlength=bins)[filled] / images[filled]
    error = float(np.average(np.abs(confidences - accuracies), weights=images[filled]))
    curve = zip(confidences.tolist(), accuracies.tolist(), images[filled].tolist(), strict=True)
    return error, [{"confidence": c, "accuracy": a, "images": n} for c, a, n in curve]


def sensitivity_at_specificity(
    labels: npt.NDArray[np.int64], scores: npt.NDArray[np.floating[Any]] | None, specificity: float
) -> float | None:
    """Returns the largest sensitivity at a threshold of the scores that leaves a specificity of at least so much.

    Args:
        labels: ``n`` labels, 0 and 1.
        scores: ``n`` scores of class 1, or nothing.
        specificity: The least specificity.

    Returns:
        The sensitivity; None without scores, or where a class has no image.
    """
    from sklearn.metrics import roc_curve

    if scores is None or len(np.unique(labels)) < 2:
        return None
    false_positives, sensitivities, _ = roc_curve(labels, scores, drop_intermediate=False)
    return float(sensitivities[false_positives <= 1 - specificity + 1e-9].max())
