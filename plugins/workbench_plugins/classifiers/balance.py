"""Class weights, for tasks that need any."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial

#: Largest class by smallest, from which on a trial may weigh rare classes more.
_IMBALANCED = 1.5


def class_weight(trial: Trial, task: Task) -> str | None:
    """Lets a trial choose whether rare classes weigh more, where some are rare."""
    if task.imbalance < _IMBALANCED:
        return None
    weight: str | None = trial.suggest_categorical("class_weight", [None, "balanced"])
    return weight


def start(task: Task) -> dict[str, Any]:
    """Returns what is tried first: accuracy is what is tuned, and for it classes weigh what they are."""
    return {} if task.imbalance < _IMBALANCED else {"class_weight": None}
