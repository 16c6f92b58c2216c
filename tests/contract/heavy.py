"""A plugin that keeps every rule but one: whoever lists it waits for XGBoost."""

from __future__ import annotations

import xgboost  # noqa: F401
from broken import sound_extractor


def extractor(trial, task):
    """Loads XGBoost when it is listed."""
    return sound_extractor(trial, task)
