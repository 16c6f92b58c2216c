from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command, load_json

PACKAGES = Path(__file__).parent / "packages"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Installs both toy packages by pip; returns the variables that put them on the path."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"),
            *(
                "--disable-pip-version-check",
                "--target",
                target,
                PACKAGES / "toy_extractor",
                PACKAGES / "broken_plugin",
            ),
        ],
        check=True,
    )
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH")]))}


def test_a_strangers_extractor_competes_under_its_name(workbench: Command, site: dict[str, str], shapes: Path) -> None:
    result = workbench(
        "tune", shapes, "-c", "brightness/svm", "--budget", "40s", "--trials", "4", "--json", environment=site
    )
    rows = {row["candidate"]: row for row in load_json(result)["leaderboard"]}
    assert rows["brightness/svm"]["status"] == "ok"
    assert rows["brightness/svm"]["test_accuracy"] > rows["baseline"]["test_accuracy"] + 0.2
    assert "brightness.power" in rows["brightness/svm"]["best_params"]


def test_a_broken_package_is_listed_with_its_error_and_stops_nothing(workbench: Command, site: dict[str, str]) -> None:
    result = workbench("plugins", environment=site)
    assert result.returncode == 0
    lines = {line.split("│")[2].strip(): line for line in result.stdout.splitlines() if line.count("│") > 4}
    assert "broken" in lines["crystal-ball"]
    assert "RuntimeError: the crystal ball is cloudy" in result.stdout
    assert "pip uninstall broken-plugin" in result.stdout
    assert "broken" in lines["oracle"]
    assert "classifier 'oracle' of broken-plugin 0.1 returned int 42, which has no fit and no predict" in result.stdout
    assert "toy-extractor 0.3" in lines["brightness"]
    assert "ok" in lines["brightness"]
    assert "ok" in lines["svm"]


def test_selecting_a_plugin_that_returns_the_wrong_thing_fails_before_time_is_spent(
    workbench: Command, site: dict[str, str]
) -> None:
    result = workbench("tune", "digits", "-c", "hog/oracle", environment=site)
    assert result.returncode == 2
    assert "candidate 'hog/oracle' cannot be built" in result.stderr
    assert "returned int 42, which has no fit and no predict" in result.stderr
    assert "in build" in result.stderr  # the traceback


def test_selecting_a_broken_plugin_fails_at_once_with_its_traceback(workbench: Command, site: dict[str, str]) -> None:
    result = workbench("tune", "digits", "-c", "hog/crystal-ball", environment=site)
    assert result.returncode == 2
    assert "classifier 'crystal-ball' of broken-plugin 0.1" in result.stderr
    assert 'raise RuntimeError("the crystal ball is cloudy")' in result.stderr
    assert "pip uninstall broken-plugin" in result.stderr
