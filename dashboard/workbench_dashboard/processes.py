"""Starts ``workbench`` commands in processes of their own, and finds them again after a page was refreshed or crashed.

Each leaves three files in the workspace's folder ``processes``: what was started (``.json``), what it said (``.log``)
and its result (``.out``).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from workbench.tuning.workspace import Workspace

_TAIL = 20_000  # bytes


@dataclass(frozen=True)
class Process:
    """A command that was started from the dashboard.

    Attributes:
        folder: Where its files are.
        name: Name of its files.
        arguments: What follows ``workbench`` on the command line.
        pid: Its process.
        born: When that process was made, in seconds since 1970: another may have its number by now.
    """

    folder: str
    name: str
    arguments: tuple[str, ...]
    pid: int
    born: float

    @property
    def kind(self) -> str:
        """The command: ``tune``, ``audit`` or ``curve``."""
        return self.arguments[0]

    @property
    def source(self) -> str:
        """What it works on: a source, or the run it goes on with."""
        return self.arguments[2 if self.arguments[1] == "--resume" else 1]

    @property
    def command(self) -> str:
        """The command line, to copy."""
        return command_line(self.arguments)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process() is not None

    @property
    def log(self) -> str:
        """The end of what it said."""
        return _read_tail(self._file(".log"))

    @property
    def output(self) -> str:
        """What it printed as its result."""
        try:
            return self._file(".out").read_text(errors="replace")
        except OSError:
            return ""

    @property
    def run(self) -> str | None:
        """Name of the run it makes or goes on with, once it has said it."""
        if "--resume" in self.arguments:
            return self.arguments[self.arguments.index("--resume") + 1]
        try:
            with self._file(".log").open(errors="replace") as said:
                beginning = said.read(_TAIL)
        except OSError:
            return None
        found = re.search(r"^([a-z0-9.-]+-\d+): [\d,]+ images of ", beginning, re.MULTILINE)
        return found[1] if found else None

    def stop(self) -> None:
        """Does what Ctrl-C does: the first time it asks the process to end well, the second time to end at once."""
        process = self._process()
        if process is not None:
            process.send_signal(signal.SIGINT)

    def _file(self, suffix: str) -> Path:
        return Path(self.folder, self.name + suffix)

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            alive = abs(process.create_time() - self.born) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if alive else None


def command_line(arguments: Sequence[str]) -> str:
    """Returns what to type for the same command."""
    return shlex.join(["workbench", *arguments])


def start(place: Workspace, arguments: Sequence[str]) -> Process:
    """Starts ``workbench ARGUMENTS``; it lives on when the dashboard ends."""
    folder = place.path / "processes"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns()}-{arguments[0]}"
    with open(folder / f"{name}.log", "wb") as log, open(folder / f"{name}.out", "wb") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", "workbench", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,  # no Ctrl-C to the dashboard reaches it
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    born = psutil.Process(started.pid).create_time()
    threading.Thread(target=started.wait, daemon=True).start()  # so that it leaves no zombie
    process = Process(str(folder), name, tuple(arguments), started.pid, born)
    scratch = folder / f"{name}.partial"
    scratch.write_text(json.dumps(asdict(process)))
    scratch.rename(folder / f"{name}.json")
    return process


def started(place: Workspace) -> list[Process]:
    """Returns what was started from the dashboard in this workspace, newest first."""
    found = []
    for path in sorted((place.path / "processes").glob("*.json"), reverse=True):
        try:
            values = json.loads(path.read_text())
            found.append(Process(**{**values, "folder": str(path.parent), "arguments": tuple(values["arguments"])}))
        except (OSError, ValueError, TypeError):  # torn when the machine stopped
            continue
    return found


def _read_tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
