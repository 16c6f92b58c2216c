from __future__ import annotations

import numpy as np
import pytest

from workbench.judge.metrics import accuracy_interval, roc_auc


def test_the_interval_is_wilsons() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 15 of 148, without continuity correction
    assert accuracy_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert accuracy_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert accuracy_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_the_interval_covers_the_truth_about_95_times_in_100() -> None:
    correct = np.random.default_rng(0).binomial(400, 0.9, size=1000)
    covered = [low <= 0.9 <= high for low, high in (accuracy_interval(int(c), 400) for c in correct)]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_the_area_under_the_curve_is_the_chance_to_rank_a_pair_rightly() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    scores = (labels + rng.normal(0, 1, 40)).astype(np.float32)
    pairs = [(scores[i] > scores[j]) for i in np.flatnonzero(labels == 1) for j in np.flatnonzero(labels == 0)]
    assert roc_auc(labels, scores) == pytest.approx(np.mean(pairs))
    assert roc_auc(labels, np.stack([1 - scores, scores], axis=1)) == pytest.approx(np.mean(pairs))


def test_of_more_classes_each_counts_against_the_rest_and_without_scores_there_is_no_area() -> None:
    labels = np.arange(30) % 3
    perfect = np.eye(3, dtype=np.float32)[labels]
    assert roc_auc(labels, perfect) == 1
    assert roc_auc(labels, perfect[:, [1, 2, 0]]) < 0.5
    assert roc_auc(labels, None) is None
    assert roc_auc(np.zeros(5, np.int64), np.ones(5, np.float32)) is None
    assert roc_auc(np.arange(30) % 2, perfect) is None  # a class without an image
