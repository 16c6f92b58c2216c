"""Who gets which images wrong."""

from __future__ import annotations

import numpy as np

from workbench_dashboard.mistakes import confident_mistakes, disagreements, read_answers

LABELS = np.array([0, 0, 1, 1, 2, 2])


def answers(predictions: list[int], confidence: list[float] | None = None) -> dict[str, np.ndarray]:
    arrays = {"labels": LABELS, "predictions": np.array(predictions)}
    if confidence is not None:
        shares = np.zeros((6, 3))
        shares[np.arange(6), predictions] = confidence
        arrays["probabilities"] = shares
    return arrays


def test_every_image_is_where_it_belongs_and_the_surest_first() -> None:
    a = read_answers(answers([0, 0, 1, 0, 0, 0], [0.9, 0.8, 0.7, 0.4, 0.99, 0.6]))
    b = read_answers(answers([0, 1, 0, 1, 0, 1]))  # gives no probabilities
    assert a is not None
    assert b is not None
    found = disagreements(a, b)
    assert {kind: rows.tolist() for kind, rows in found.items()} == {"only a": [1, 2], "only b": [3], "neither": [4, 5]}
    assert confident_mistakes(a).tolist() == [4, 5, 3]
    assert confident_mistakes(b).tolist() == [1, 2, 4, 5]


def test_without_recorded_predictions_there_are_no_answers() -> None:
    assert read_answers({}) is None
    assert read_answers({"predictions": LABELS}) is None
