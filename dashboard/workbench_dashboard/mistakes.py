"""Which test images candidates get wrong: picked from recorded predictions, by pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """What a candidate said of ``n`` test images.

    Attributes:
        labels: Their labels.
        predictions: What it took them for.
        confidence: The probability it gave to that; None if it gives none.
    """

    labels: Rows
    predictions: Rows
    confidence: npt.NDArray[np.float64] | None

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether it was right."""
        return self.predictions == self.labels


def read_answers(arrays: Mapping[str, npt.NDArray[Any]]) -> Answers | None:
    """Reads recorded arrays; None if there are no predictions."""
    if not {"labels", "predictions"} <= arrays.keys():
        return None
    labels, predictions = arrays["labels"].astype(np.int64), arrays["predictions"].astype(np.int64)
    shares = arrays.get("probabilities")
    confidence = None
    if shares is not None and shares.ndim == 2 and predictions.max(initial=0) < shares.shape[1]:
        confidence = shares[np.arange(len(labels)), predictions].astype(np.float64)
    return Answers(labels, predictions, confidence)


def disagreements(a: Answers, b: Answers) -> dict[str, Rows]:
    """Returns the rows of the images that only a, only b, or neither gets right; those first of which one is surest."""
    picked = {"only a": a.right & ~b.right, "only b": b.right & ~a.right, "neither": ~a.right & ~b.right}
    sure = {"only a": (b, a), "only b": (a, b), "neither": (a, b)}
    return {kind: _surest(np.flatnonzero(mask), *sure[kind]) for kind, mask in picked.items()}


def confident_mistakes(answers: Answers) -> Rows:
    """Returns the rows of what it gets wrong, those first of which it is surest."""
    return _surest(np.flatnonzero(~answers.right), answers)


def _surest(rows: Rows, *candidates: Answers) -> Rows:
    """Orders rows by how sure the first candidate with probabilities is of its answers."""
    for candidate in candidates:
        if candidate.confidence is not None:
            return rows[np.argsort(-np.nan_to_num(candidate.confidence[rows]), kind="stable")]
    return rows
