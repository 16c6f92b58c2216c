"""Merging candidates: who is chosen, what it is worth, and that nobody is better than the best by construction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.judge.ensemble import select_greedily, stack


def votes(labels: Any, right: float, seed: int) -> Any:
    """Class probabilities of one who is right so often, and surer where it is."""
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(len(labels)) < right, labels, rng.integers(0, 3, len(labels)))
    sure = np.where(said == labels, 0.9, 0.5)
    shares = np.repeat((1 - sure)[:, None] / 2, 3, axis=1)
    shares[np.arange(len(labels)), said] = sure
    return shares


LABELS = np.arange(900) % 3


def accuracy(shares: Any) -> float:
    return float(np.mean(shares.argmax(axis=1) == LABELS))


def test_weights_are_shares_and_on_validation_never_worse_than_the_best_member() -> None:
    members = [votes(LABELS, right, seed) for seed, right in enumerate((0.7, 0.6, 0.65, 0.3))]
    weights = select_greedily(members, LABELS)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    mixed = sum(w * member for w, member in zip(weights, members, strict=True))
    assert accuracy(mixed) > max(map(accuracy, members))  # independent mistakes are voted down


def test_who_adds_nothing_is_not_chosen() -> None:
    perfect, noise = np.eye(3)[LABELS], votes(LABELS, 0.0, 1)
    assert select_greedily([noise, perfect], LABELS).tolist() == [0, 1]


@pytest.mark.parametrize("metric", ["balanced-accuracy", "macro-f1", "roc-auc", "log-loss"])
def test_any_metric_can_be_what_counts(metric: str) -> None:
    members = [votes(LABELS, right, seed) for seed, right in enumerate((0.8, 0.2))]
    assert select_greedily(members, LABELS, metric)[0] >= 0.5


def test_stacking_learns_whom_to_believe_and_works_on_images_it_has_not_seen() -> None:
    validation = [votes(LABELS, right, seed) for seed, right in enumerate((0.7, 0.65, 0.1))]
    test = [votes(LABELS, right, seed + 10) for seed, right in enumerate((0.7, 0.65, 0.1))]
    shares = stack(validation, LABELS, test, seed=0)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert accuracy(shares) > max(map(accuracy, test))


def test_stacking_with_one_image_of_a_class_says_so() -> None:
    labels = np.array([0, 0, 0, 1])
    shares = [np.eye(2)[labels]]
    with pytest.raises(ValueError, match="fewer than 2 validation images"):
        stack(shares, labels, shares, seed=0)
