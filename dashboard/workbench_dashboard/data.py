"""Reads of the workspace, cached for a moment, so that a click costs nothing."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from workbench.errors import RunError
from workbench.judge.leaderboard import Comparison
from workbench.tuning.workspace import DEFAULT_WORKSPACE, Workspace


def workspace() -> Workspace:
    """Returns the workspace that ``workbench dashboard`` was started for."""
    return Workspace(os.environ.get("WORKBENCH_WORKSPACE", str(DEFAULT_WORKSPACE)), os.environ.get("WORKBENCH_STORAGE"))


@st.cache_data(ttl=5)
def run_names() -> list[str]:
    """Returns the names of the runs, newest first."""
    return workspace().runs()[::-1]


@st.cache_data(ttl=5)
def document(run: str) -> dict[str, Any] | str:
    """Returns what ``workbench show --json`` prints of a run, or why it cannot be opened."""
    place = workspace()
    try:
        return Comparison(place.open(run), place).document()
    except RunError as error:
        return str(error)
