"""A workspace is shared by processes: runs, and the dashboard that reads them."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

from workbench.errors import RunError
from workbench.tuning.workspace import Workspace


def open_together(path: str, start: Any, said: Any) -> None:
    import optuna  # noqa: F401  # takes its time, which would part them

    start.wait()
    try:
        Workspace(path).storage.get_all_studies()
        said.put("")
    except RunError as error:
        said.put(str(error))


def test_processes_that_open_a_new_workspace_at_once_all_can(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, said = spawn.Barrier(4), spawn.Queue()
    opening = [spawn.Process(target=open_together, args=(str(tmp_path / "runs"), start, said)) for _ in range(4)]
    for process in opening:
        process.start()
    assert [said.get(timeout=120) for _ in opening] == [""] * 4
    for process in opening:
        process.join()
