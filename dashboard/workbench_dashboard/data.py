"""Reads of the workspace, cached until something is written there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.judge.leaderboard import Comparison
from workbench.tuning.trials import TrialSummary, read_trials
from workbench.tuning.workspace import DEFAULT_WORKSPACE, Workspace, is_finished
from workbench_dashboard.mistakes import Answers, read_answers
from workbench_dashboard.pictures import Pixels, open_cache

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Changes whenever something is written to the storage.
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Opened:
    """A run that can be shown.

    Attributes:
        name: The run's name.
        state: ``running``, ``finished`` or ``stopped``.
        document: What ``workbench show --json`` prints, without the likely label errors.
        specification: The run's settings.
        key: Changes when what was recorded of its candidates does.
    """

    name: str
    state: str
    document: dict[str, Any]
    specification: dict[str, Any]
    key: str = ""

    @property
    def class_names(self) -> list[str]:
        """Names of the classes; labels are indices into them."""
        return list(self.document["data"]["classes"])

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
    except (KeyError, TypeError, ValueError) as error:  # what it recorded is not what this version reads
        why = f"{type(error).__name__}: {error}"
        return f"The run {run} cannot be read ({why}): another version of the workbench made it, or it is damaged."
    return Opened(run, "running" if held else "finished" if finished else "stopped", document, specification,
                  "".join(digest for digest, _ in digests.values()))  # fmt: skip


@st.cache_data(max_entries=64, show_spinner=False)
def _document(path: str, run: str, key: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    place = workspace()
    opened = place.open(run)
    comparison = Comparison(opened, place)
    return comparison.overview(), opened.specification.as_dict()


def comparison(run: str) -> Comparison:
    """Returns a run to ask for what its document lacks."""
    place = workspace()
    return Comparison(place.open(run), place)


def report(run: str) -> bytes:
    """Returns a run's report as one page of HTML."""
    from workbench.judge.report import render

    return render(comparison(run)).encode()


def trials(run: str, candidate: str) -> list[TrialSummary]:
    """Returns what the trials of a candidate came to, by number."""
    studies = comparison(run).studies
    return read_trials(studies[candidate]) if candidate in studies else []


def answers(opened: Opened, candidate: str) -> Answers | None:
    """Returns what a candidate said of the test images; None if that is not recorded, or not any more."""
    return _answers(str(workspace().path), opened.name, candidate, opened.key)


@st.cache_data(max_entries=64, show_spinner=False)
def _answers(path: str, run: str, candidate: str, key: str) -> Answers | None:
    return read_answers(comparison(run).test_predictions(candidate))


def confusion(opened: Opened, candidate: str) -> list[list[int]] | None:
    """Returns how often each class was taken for which."""
    return _confusion(str(workspace().path), opened.name, candidate, opened.key)


@st.cache_data(max_entries=64, show_spinner=False)
def _confusion(path: str, run: str, candidate: str, key: str) -> list[list[int]] | None:
    return comparison(run).confusion(candidate)


def label_errors(opened: Opened) -> dict[str, Any] | None:
    """Returns the likely label errors, as a run's document has them."""
    return _label_errors(str(workspace().path), opened.name, opened.key)


@st.cache_data(max_entries=16, show_spinner=False)
def _label_errors(path: str, run: str, key: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = comparison(run).document()["label_errors"]
    return found


def part_images(opened: Opened, part: str) -> Sequence[Pixels] | None:
    """Returns the images of a part, ``val`` or ``test``, in the order of predictions; None if they are gone."""
    decoded = open_cache(workspace(), opened.document["data"]["fingerprint"])
    rows = comparison(opened.name).parts().get(part)
    if decoded is None or rows is None or rows.max(initial=-1) >= len(decoded.pixels):
        return None
    return _Rows(decoded.pixels, rows)


class _Rows(Sequence[Pixels]):
    """Rows of a memory map, read when they are asked for."""

    def __init__(self, pixels: Pixels, rows: npt.NDArray[np.int64]) -> None:
        self._pixels, self._rows = pixels, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._pixels[self._rows[index]]


def images_by_name(opened: Opened, wanted: Sequence[tuple[str, str]]) -> list[Pixels | None]:
    """Returns images by part (``validation`` or ``test``) and name; None for one that is not in the cache any more."""
    parts = comparison(opened.name).parts()
    where: dict[tuple[str, str], Pixels] = {}
    for part, key in (("test", "test"), ("validation", "val")):
        names = {name for which, name in wanted if which == part}
        images = part_images(opened, key)
        if images is not None:
            found = enumerate(map(str, parts.get(f"{key}_names", ())))
            where |= {(part, name): images[row] for row, name in found if name in names}
    return [where.get(which) for which in wanted]
