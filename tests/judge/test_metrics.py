from __future__ import annotations

import json

import numpy as np
import pytest

from workbench.judge.metrics import accuracy_interval, calibration, further_metrics, roc_auc


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


def test_further_metrics_are_scikit_learns() -> None:
    from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss

    rng = np.random.default_rng(0)
    labels = rng.choice(3, 300, p=[0.7, 0.2, 0.1])
    probabilities = rng.dirichlet(np.ones(3), 300).astype(np.float32) / 2 + np.eye(3, dtype=np.float32)[labels] / 2
    normalized = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=float)
    predictions = probabilities.argmax(axis=1)
    found = further_metrics(labels, predictions, probabilities, None, ("cat", "dog", "eel"))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predictions))
    assert found["macro_f1"] == pytest.approx(f1_score(labels, predictions, average="macro"))
    assert found["log_loss"] == pytest.approx(log_loss(labels, normalized), rel=1e-5)
    assert found["roc_auc"] == roc_auc(labels, probabilities)
    assert found["per_class_recall"]["dog"] == np.mean(predictions[labels == 1] == 1)
    assert "sensitivity" not in found
    json.dumps(found, allow_nan=False)


def test_for_two_classes_the_second_is_the_positive_one() -> None:
    labels = np.repeat([0, 1], [20, 10])
    # of 20 healthy, one scores 0.9 and one 0.6; of 10 sick, seven score 0.8, two 0.55 and one 0.2
    scores = np.concatenate([np.repeat([0.1, 0.6, 0.9], [18, 1, 1]), np.repeat([0.2, 0.55, 0.8], [1, 2, 7])])
    probabilities = np.stack([1 - scores, scores], axis=1).astype(np.float32)
    found = further_metrics(labels, (scores > 0.5).astype(np.int64), probabilities, None, ("healthy", "sick"))
    assert found["positive_class"] == "sick"
    assert found["sensitivity"] == 0.9
    assert found["specificity"] == 0.9
    assert found["sensitivity_at_95_specificity"] == 0.7  # one false alarm in 20 is allowed: a threshold of 0.8
    only_scores = further_metrics(labels, (scores > 0.5).astype(np.int64), None, scores.astype(np.float32), ("a", "b"))
    assert only_scores["sensitivity_at_95_specificity"] == 0.7
    assert only_scores["log_loss"] is only_scores["calibration_error"] is only_scores["reliability"] is None


def test_what_labels_or_candidates_do_not_give_is_none() -> None:
    found = further_metrics(np.zeros(4, np.int64), np.array([0, 0, 1, 1]), None, None, ("a", "b"))
    assert found["per_class_recall"] == {"a": 0.5, "b": None}
    assert found["balanced_accuracy"] == 0.5
    assert found["sensitivity"] is found["roc_auc"] is found["sensitivity_at_95_specificity"] is None


@pytest.mark.parametrize("shape_and_value", [((4, 3), np.nan), ((4, 3), 0), ((4, 2), 0.5)])
def test_probabilities_that_are_none_leave_the_labels_metrics(shape_and_value: tuple[tuple[int, int], float]) -> None:
    # a network that diverged; a classifier that has seen two of three classes
    probabilities = np.full(*shape_and_value, np.float32)
    found = further_metrics(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), probabilities, None, ("a", "b", "c"))
    assert found["balanced_accuracy"] == pytest.approx(2.5 / 3)
    assert found["roc_auc"] is found["log_loss"] is found["calibration_error"] is None


def test_the_reliability_curve_is_scikit_learns_and_the_error_its_distance_from_the_diagonal() -> None:
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 2000)
    correct = rng.random(2000) < confidence**2  # too sure of itself
    error, curve = calibration(correct, confidence)
    accuracies, confidences = calibration_curve(correct, confidence, n_bins=15, strategy="uniform")
    assert [point["accuracy"] for point in curve] == pytest.approx(accuracies)
    assert [point["confidence"] for point in curve] == pytest.approx(confidences)
    assert sum(point["images"] for point in curve) == 2000
    assert error == pytest.approx(np.mean(confidence - confidence**2), abs=0.03)
    # by hand: 3 of 4 right at 0.95 (0.2 beside), 1 of 1 at 0.5 (0.5 beside)
    by_hand = calibration(np.array([True, True, True, False, True]), np.array([0.95, 0.95, 0.95, 0.95, 0.5]))
    assert by_hand[0] == pytest.approx((4 * 0.2 + 0.5) / 5)
    assert calibration(np.ones(3, bool), np.ones(3)) == (0.0, [{"confidence": 1.0, "accuracy": 1.0, "images": 3}])
