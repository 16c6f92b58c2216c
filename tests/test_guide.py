"""The guide's commands and code work as they are typed, and the examples keep the contract."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A fresh virtual environment that sees what is installed here, so that plugins can be installed into it."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    binaries, here = folder / "bin", sysconfig.get_path("purelib")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (site / "here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    for command in ("workbench", "pytest"):
        module = {"workbench": "workbench", "pytest": "pytest"}[command]
        (binaries / command).write_text(f'#!/bin/sh\nexec "{binaries}/python" -m {module} "$@"\n')
        (binaries / command).chmod(0o755)
    return {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_plugin_is_written_in_ten_minutes_as_the_guide_says(environment: dict[str, str], tmp_path: Path) -> None:
    guide = (
        (ROOT / "CONTRIBUTING.md").read_text().partition("## Write a plugin in ten minutes")[2].partition("\n## ")[0]
    )
    blocks = re.findall(r"```(sh|python)\n(.*?)```", guide, flags=re.DOTALL)
    assert [kind for kind, _ in blocks] == ["sh", "python", "sh"]
    first = run(blocks[0][1], tmp_path, environment)
    assert "my-lbp/svm" in first
    (tmp_path / "my-lbp" / "my_lbp.py").write_text(blocks[1][1])
    second = run(blocks[2][1], tmp_path, environment)
    assert " 0 failed" in second
    accuracy = float(re.findall(r"my-lbp/svm +hand-crafted +[\d.]+ +([\d.]+) ", second)[-1])
    assert accuracy > 0.7


@pytest.mark.parametrize(
    ("example", "candidate", "least"),
    [
        ("power-spectrum", "power-spectrum/svm", 0.9),
        ("cluttered-digits", "cnn", 0.8),
        ("skorch-cnn", "skorch-cnn", 0.9),
    ],
)
def test_an_example_keeps_the_contract_and_does_what_its_page_says(
    example: str, candidate: str, least: float, environment: dict[str, str], tmp_path: Path
) -> None:
    if example == "skorch-cnn":
        pytest.importorskip("skorch", reason="pip install image-workbench[examples]")
    run(f"pip install --no-deps --no-build-isolation '{ROOT / 'examples' / example}'", tmp_path, environment)
    told = run(f"pytest -q -p no:cacheprovider '{ROOT / 'examples' / example}'", tmp_path, environment)
    assert "passed" in told
    assert "failed" not in told
    assert f" {example} " in run("workbench plugins", tmp_path, environment)
    page = (ROOT / "examples" / example / "README.md").read_text()
    tune = re.search(r"^workbench tune (\S+) (.*) --budget", page, flags=re.MULTILINE)
    assert tune is not None
    assert f"-c {candidate} " in f"{tune[2]} "
    command = f"workbench tune {tune[1]} -c {candidate} --budget 60s --trials 1 --json"  # the page's, but shorter
    rows = json.loads(run(command, tmp_path, environment))["leaderboard"]
    assert next(row["test_accuracy"] for row in rows if row["candidate"] == candidate) > least


def test_every_example_is_tested() -> None:
    assert {path.name for path in (ROOT / "examples").iterdir()} == {"power-spectrum", "cluttered-digits", "skorch-cnn"}


def test_the_python_that_runs_the_guide_is_ours(environment: dict[str, str], tmp_path: Path) -> None:
    version = run("python -c 'import sys; print(sys.version_info[:2])'", tmp_path, environment)
    assert version.strip() == str(sys.version_info[:2])
