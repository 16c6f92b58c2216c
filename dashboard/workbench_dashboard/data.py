"""Reads of the workspace, cached until something is written there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from workbench.candidate import parse
from workbench.errors import WorkbenchError
from workbench.judge import explanations
from workbench.judge.explanations import Answer, Panel
from workbench.judge.leaderboard import Comparison
from workbench.registry import Plugin, Registry
from workbench.tuning.trials import TrialSummary, read_trials
from workbench.tuning.workspace import DEFAULT_WORKSPACE, Workspace, is_finished
from workbench_dashboard.mistakes import Answers, read_answers
from workbench_dashboard.pictures import Pixels, open_cache
from workbench_dashboard.uploads import read_photo

if TYPE_CHECKING:
    import numpy.typing as npt

#: Test images that the importance of feature families is measured on, at most.
MOST_PERMUTED = 500

_MENDED = 10  # seconds until plugins are looked at anew: their authors mend them meanwhile

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


@dataclass(frozen=True)
class Described:
    """An installed plugin, as it was found by importing and calling it.

    Attributes:
        plugin: The plugin.
        says: What it says of itself.
        error: What is wrong with it and how to mend it; empty if nothing is.
    """

    plugin: Plugin
    says: str
    error: str


def plugins() -> list[Described]:
    """Returns every installed plugin, described by a process that may die of them.

    Raises:
        WorkbenchError: If that process failed.
    """
    return _plugins(tuple(Registry.discover()))


@st.cache_data(max_entries=4, ttl=_MENDED, show_spinner="Looking at the plugins ...")
def _plugins(found: tuple[Plugin, ...]) -> list[Described]:
    ended = subprocess.run(
        [sys.executable, "-m", "workbench", "plugins", "--json"], capture_output=True, text=True, check=False
    )
    try:
        rows = json.loads(ended.stdout)
    except ValueError:
        raise WorkbenchError(f"the plugins cannot be listed: {ended.stderr[-1000:]}") from None
    described = {(row["kind"], row["name"], row["target"]): row for row in rows}
    return [
        Described(plugin, row["description"], row["error"])
        for plugin in found
        if (row := described.get((plugin.kind, plugin.name, plugin.target)))
    ]


def models(opened: Opened) -> list[str]:
    """Returns the candidates whose models are kept, in the order of the run; not the baseline."""
    try:
        return comparison(opened.name).explainable()
    except WorkbenchError:
        return []


def model(opened: Opened, candidate: str) -> tuple[Any, tuple[Plugin, ...]]:
    """Returns a candidate's model and its plugins.

    Raises:
        WorkbenchError: If it cannot be loaded.
    """
    found: tuple[Any, tuple[Plugin, ...]] = _model(str(workspace().path), opened.name, candidate, opened.key)
    return found


@st.cache_resource(max_entries=8, show_spinner="Loading the model ...")
def _model(path: str, run: str, candidate: str, key: str) -> tuple[Any, tuple[Plugin, ...]]:
    loaded = comparison(run).model(candidate)
    loaded.predict(np.zeros((1, *comparison(run).image_shape), np.uint8))  # what is compiled once, is compiled here
    return loaded, parse(candidate, Registry.discover()).plugins


def explanation(opened: Opened, candidate: str, image: Pixels) -> tuple[Answer, list[Panel]]:
    """Returns what a candidate says of an image, and what it sees.

    Raises:
        WorkbenchError: If its model cannot be loaded.
    """
    return _explanation(str(workspace().path), opened.name, candidate, opened.key, image, opened)


@st.cache_data(max_entries=32, show_spinner="Looking through its eyes ...")
def _explanation(
    path: str, run: str, candidate: str, key: str, image: Pixels, _opened: Opened
) -> tuple[Answer, list[Panel]]:
    loaded, plugins = model(_opened, candidate)
    found = explanations.answer(loaded, image)
    return found, explanations.panels(loaded, plugins, image, found.label)


def photo(opened: Opened, content: bytes, name: str) -> Pixels:
    """Returns an uploaded photo as the run's candidates take it.

    Raises:
        UploadError: If it cannot be used.
    """
    return _photo(content, name, tuple(opened.document["data"]["image_shape"]))


@st.cache_data(max_entries=16, show_spinner="Reading the photo ...")
def _photo(content: bytes, name: str, shape: tuple[int, int, int]) -> Pixels:
    return read_photo(content, name, shape)


def family_importance(opened: Opened, candidate: str) -> list[dict[str, Any]] | None:
    """Returns how much test accuracy each feature family is worth; None if the test images are gone."""
    return _family_importance(str(workspace().path), opened.name, candidate, opened.key, opened)


@st.cache_data(max_entries=32, show_spinner="Permuting one feature family after the other ...")
def _family_importance(path: str, run: str, candidate: str, key: str, _opened: Opened) -> list[dict[str, Any]] | None:
    images, said = part_images(_opened, "test"), answers(_opened, candidate)
    if images is None or said is None:
        return None
    rows = np.sort(np.random.default_rng(0).permutation(len(images))[:MOST_PERMUTED])
    loaded, plugins = model(_opened, candidate)
    return explanations.family_importance(loaded, plugins, np.stack([images[row] for row in rows]), said.labels[rows])


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
