"""The classifier ``forest``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial
from workbench_plugins.classifiers import trees


def forest(trial: Trial, task: Task) -> Any:
    """Random forest."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**trees.settings(trial, task))


# As of scikit-learn's own forest: bootstrap draws images, so that a weight is not a repetition of an image.
_REASON = "trees on bootstrap samples are only statistically the same"
forest.expected_failed_checks = {  # type: ignore[attr-defined]
    "check_sample_weight_equivalence_on_dense_data": _REASON,
    "check_sample_weight_equivalence_on_sparse_data": _REASON,
}
forest.start = trees.start  # type: ignore[attr-defined]
forest.preload = ("sklearn.ensemble", "sklearn.pipeline")  # type: ignore[attr-defined]
