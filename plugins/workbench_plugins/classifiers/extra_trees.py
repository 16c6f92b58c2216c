"""The classifier ``extra-trees``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial
from workbench_plugins.classifiers import trees


def extra_trees(trial: Trial, task: Task) -> Any:
    """Extremely randomised trees."""
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(**trees.settings(trial, task))


extra_trees.start = trees.start  # type: ignore[attr-defined]
extra_trees.preload = ("sklearn.ensemble", "sklearn.pipeline")  # type: ignore[attr-defined]
