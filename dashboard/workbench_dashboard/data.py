"""Reads of the workspace, cached until something is written there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.judge.leaderboard import Comparison
from workbench.tuning.trials import TrialSummary, read_trials
from workbench.tuning.workspace import DEFAULT_WORKSPACE, Workspace, is_finished

#: Changes whenever something is written to the storage.
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Opened:
    """A run that can be shown.

    Attributes:
        name: The run's name.
        state: ``running``, ``finished`` or ``stopped``.
        document: What ``workbench show --json`` prints.
        specification: The run's settings.
    """

    name: str
    state: str
    document: dict[str, Any]
    specification: dict[str, Any]

    @property
    def tested(self) -> list[dict[str, Any]]:
        """Rows of the leaderboard that have a test accuracy."""
        return [row for row in self.document["leaderboard"] if row["test_accuracy"] is not None]


def workspace() -> Workspace:
    """Returns the workspace that ``workbench dashboard`` was started for."""
    return _workspace(
        os.environ.get("WORKBENCH_WORKSPACE", str(DEFAULT_WORKSPACE)), os.environ.get("WORKBENCH_STORAGE")
    )


@st.cache_resource
def _workspace(path: str, storage: str | None) -> Workspace:
    return Workspace(path, storage)


def stamp() -> Stamp:
    """Returns a stamp of the storage: SQLite's files as they are; of another database, the time, to look every 5 s."""
    place = workspace()
    if not place.url.startswith("sqlite:///"):
        return (int(time.time() / 5),)
    database = place.url.removeprefix("sqlite:///")
    found = []
    for file in (database, f"{database}-wal"):
        with contextlib.suppress(OSError):
            status = os.stat(file)
            found += [status.st_mtime_ns, status.st_size]
    return tuple(found)


def run_names() -> list[str]:
    """Returns the names of the runs, newest first.

    Raises:
        WorkbenchError: If the storage cannot be opened.
    """
    return list(dict.fromkeys(name.partition("/")[0] for name in _attributes(str(workspace().path), stamp())))[::-1]


@st.cache_data(max_entries=8, show_spinner=False)
def _attributes(path: str, stamp: Stamp) -> dict[str, tuple[str, bool]]:
    """Returns for every study a digest of its attributes, and whether its run came to its end; oldest first."""
    return {
        name: (hashlib.blake2b(json.dumps(values, sort_keys=True).encode()).hexdigest(), is_finished(values))
        for name, values in workspace().attributes().items()
    }


def unfinished() -> list[str]:
    """Returns the names of the runs that have not come to their end, newest first."""
    found: dict[str, bool] = {}
    for name, (_, finished) in _attributes(str(workspace().path), stamp()).items():
        run = name.partition("/")[0]
        found[run] = found.get(run, True) and finished
    return [run for run, finished in found.items() if not finished][::-1]


def running() -> list[str]:
    """Returns the names of the runs that a process is working on, newest first."""
    return [run for run in unfinished() if workspace().is_held(run)]


def place_arguments() -> list[str]:
    """Returns the options that name the workspace on a command line."""
    storage = os.environ.get("WORKBENCH_STORAGE")
    return ["--workspace", str(workspace().path), *(["--storage", storage] if storage else [])]


def open_run(run: str) -> Opened | str:
    """Opens a run, or says why it cannot be opened."""
    place = workspace()
    now = stamp()
    digests = {name: d for name, d in _attributes(str(place.path), now).items() if name.partition("/")[0] == run}
    if not digests:
        return f"There is no run {run} in {place.path}."
    finished = all(ended for _, ended in digests.values())
    held = not finished and place.is_held(run)
    # What a finished run came to rests on its attributes alone; one that is being written changes with every trial.
    key = (*(digest for digest, _ in digests.values()), *(now if held else ()))
    try:
        document, specification = _document(str(place.path), run, key)
    except WorkbenchError as error:
        return str(error)
    return Opened(run, "running" if held else "finished" if finished else "stopped", document, specification)


@st.cache_data(max_entries=64, show_spinner=False)
def _document(path: str, run: str, key: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    place = workspace()
    opened = place.open(run)
    comparison = Comparison(opened, place)
    return comparison.document(), opened.specification.as_dict()


def comparison(run: str) -> Comparison:
    """Returns a run to ask for what its document lacks."""
    place = workspace()
    return Comparison(place.open(run), place)


def report_of(run: str) -> str | None:
    """Returns a run's report as one page of HTML; None where this version writes none."""
    return None


def trials(run: str, candidate: str) -> list[TrialSummary]:
    """Returns what the trials of a candidate came to, by number."""
    studies = comparison(run).studies
    return read_trials(studies[candidate]) if candidate in studies else []
