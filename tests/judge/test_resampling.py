"""The bootstrap of a metric is the metric, of images drawn anew: checked against scikit-learn and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from workbench.judge.resampling import _weighted, draws, metric_difference, metric_interval
from workbench.tuning.scoring import METRICS, normalize, score


def task(classes: int, n: int = 90, skill: float = 0.3, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    shares = normalize(rng.dirichlet(np.ones(classes), n) + skill * np.eye(classes)[labels])
    assert shares is not None
    return labels, shares.argmax(axis=1), np.round(shares, 2) / np.round(shares, 2).sum(axis=1, keepdims=True)  # ties


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("classes", [2, 4])
def test_weights_are_images_that_count_so_often(metric: str, classes: int) -> None:
    labels, predictions, shares = task(classes)
    weights = next(draws(len(labels), 5))
    values = _weighted(metric, labels, (predictions, shares, None))(weights)
    for counts, value in zip(weights.astype(int), values, strict=True):
        rows = np.repeat(np.arange(len(labels)), counts)
        expected = score(metric, labels[rows], predictions[rows], shares[rows], None)
        assert value == pytest.approx(expected, rel=1e-3)  # score makes shares sum to one again, which unties some


def test_scores_without_probabilities_have_an_area() -> None:
    labels, predictions, shares = task(2)
    scores = (shares[:, 1] - 0.5).astype(np.float32)
    by_scores = metric_interval("roc-auc", labels, predictions, None, scores)
    assert by_scores == pytest.approx(metric_interval("roc-auc", labels, predictions, shares, None), abs=1e-6)


@pytest.mark.parametrize("metric", ["balanced-accuracy", "roc-auc", "log-loss"])
def test_the_interval_is_scipys(metric: str) -> None:
    labels, predictions, shares = task(2, n=200)

    def statistic(rows: Any) -> float:
        rows = rows.astype(int)
        return score(metric, labels[rows], predictions[rows], shares[rows], None)

    expected = stats.bootstrap(
        (np.arange(200.0),), statistic, n_resamples=999, vectorized=False, method="percentile", random_state=0
    ).confidence_interval
    found = metric_interval(metric, labels, predictions, shares, None)
    width = expected.high - expected.low
    assert found == pytest.approx((expected.low, expected.high), abs=0.1 * width)


def test_the_better_one_is_found_better_and_a_twin_is_not() -> None:
    labels, good, sure = task(3, n=600, skill=0.8)
    rng = np.random.default_rng(1)
    bad = np.where(rng.random(600) < 0.3, rng.integers(0, 3, 600), good)
    low, high, p = metric_difference("balanced-accuracy", labels, (good, sure, None), (bad, None, None))
    assert 0 < low < high
    assert p < 0.01
    low, high, p = metric_difference("macro-f1", labels, (good, None, None), (good, None, None))
    assert (low, high, p) == (0, 0, 1)
    low, high, p = metric_difference("macro-f1", labels, (bad, None, None), (good, None, None))
    assert high < 0
