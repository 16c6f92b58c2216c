"""Figures of merit with their uncertainty."""

from __future__ import annotations


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
