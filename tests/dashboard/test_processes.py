"""What the dashboard starts lives on without it, is found again, and can be stopped."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from workbench.tuning.workspace import Workspace
from workbench_dashboard import processes


def wait_for(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.1)


def test_an_audit_is_found_again_with_its_result(shapes: Path, tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    arguments = ["audit", str(shapes), "--json", "--workspace", str(tmp_path)]
    begun = processes.start(place, arguments)
    (found,) = processes.started(Workspace(tmp_path))  # as another page, or another server, sees it
    assert found == begun
    assert found.command == " ".join(["workbench", *arguments])
    wait_for(lambda: not found.running)
    result = json.loads(found.output)
    assert result["images"] == 80
    assert (tmp_path / "cache" / "images" / result["fingerprint"] / "images.npy").exists()
    assert isinstance(result["findings"], list)


@pytest.mark.slow
def test_a_run_says_its_name_and_stops_as_with_ctrl_c(shapes: Path, tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    begun = processes.start(
        place, ["tune", str(shapes), "-c", "pixels/knn", "--budget", "10m", "--workspace", str(tmp_path)]
    )
    wait_for(lambda: begun.run == "shapes-1")
    wait_for(lambda: "trial 1" in begun.log)
    assert begun.running
    begun.stop()
    wait_for(lambda: not begun.running)
    assert "Interrupted: refitting what was found" in begun.log
    assert not place.open("shapes-1").finished
    begun.stop()  # what has ended cannot be stopped, and that is no error


def test_what_was_torn_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "processes"
    folder.mkdir()
    folder.joinpath("1-tune.json").write_text('{"folder": ')
    folder.joinpath("2-tune.json").write_text("[]")
    gone = {"folder": "x", "name": "3-tune", "arguments": ["tune", "--resume", "digits-1"], "pid": 1, "born": 0.0}
    folder.joinpath("3-tune.json").write_text(json.dumps(gone))
    (found,) = processes.started(Workspace(tmp_path))
    assert not found.running  # another process has its number
    assert (found.log, found.output, found.run, found.source) == ("", "", "digits-1", "digits-1")
