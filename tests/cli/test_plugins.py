"""What plugin authors type: show, check, new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command, load_json

KINDS = ("extractor", "selector", "classifier", "network", "dataset")


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_installs_passes_its_test_and_competes_as_it_stands(
    workbench: Command, tmp_path: Path, kind: str
) -> None:
    name = f"my-{kind}"
    written = workbench("plugins", "new", name, "--kind", kind)
    assert written.returncode == 0, written.stderr
    assert f"pip install -e {name}" in written.stdout
    site = tmp_path / "site"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"),
            *("--disable-pip-version-check", "--target", str(site), str(tmp_path / name)),
        ],
        check=True,
    )
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / name)],
        cwd=tmp_path,
        env={**os.environ, **paths},
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout
    listed = next(line for line in workbench("plugins", environment=paths).stdout.splitlines() if f" {name} " in line)
    assert f"{name} 0.1.0" in listed
    assert listed.split("│")[-2].strip() == "ok"
    checked = workbench("plugins", "check", name, environment=paths)
    assert checked.returncode == 0, checked.stdout
    assert " 0 failed" in checked.stdout

    source, candidate = {
        "dataset": (name, "pixels/bayes"),
        "extractor": ("digits", f"{name}/bayes"),
        "selector": ("digits", f"pixels/{name}/bayes"),
        "classifier": ("digits", f"pixels/{name}"),
        "network": ("digits", name),
    }[kind]
    run = workbench("tune", source, "-c", candidate, "--trials", "2", "--budget", "60s", "--json", environment=paths)
    rows = {row["candidate"]: row for row in load_json(run)["leaderboard"]}
    assert rows[candidate]["test_accuracy"] > rows["baseline"]["test_accuracy"] + 0.2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("My_LBP", "--kind", "extractor"), "'My_LBP' cannot be a plugin's name; write lower-case letters"),
        (("hog", "--kind", "extractor"), "there is a extractor 'hog' already, of image-workbench"),
        (("taken", "--kind", "extractor"), "taken exists already; choose another name, or remove it"),
        (("mine",), "--kind"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_in_words(
    workbench: Command, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "taken").mkdir()
    result = workbench("plugins", "new", *arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert not (tmp_path / "mine").exists()


def test_show_tells_the_search_space_as_the_plugin_asks_for_it(workbench: Command) -> None:
    shown = workbench("plugins", "show", "color").stdout
    rows = {
        line.split("│")[1].strip(): [c.strip() for c in line.split("│")[2:-1]]
        for line in shown.splitlines()
        if "│" in line
    }
    assert rows["space"] == ["rgb, hsv, lab", "choice", "hsv", "for colour images"]
    assert rows["grid"] == ["1 to 4", "whole linear", "2", "always"]
    assert "from image-workbench" in shown
    assert "workbench tune digits -c color/svm" in shown
    boosted = workbench("plugins", "show", "classifier/xgboost").stdout
    assert "0.05 to 0.5" in boosted
    assert "real logarithmic" in boosted
    assert "It asks for nothing" in workbench("plugins", "show", "shape").stdout
    unknown = workbench("plugins", "show", "hgo")
    assert unknown.returncode == 2
    assert "there is no plugin 'hgo'; did you mean 'hog'?" in unknown.stderr


def test_check_exits_with_1_and_says_how_to_mend(workbench: Command, install: object) -> None:
    install(  # type: ignore[operator]
        "def bad(trial, task):\n"
        "    '''Returns doubles.'''\n"
        "    from sklearn.preprocessing import FunctionTransformer\n"
        "    return FunctionTransformer(lambda images: images.mean(axis=(2, 3)))\n",
        {"extractors": {"bad": "bad"}},
    )
    result = workbench("plugins", "check", "bad")
    assert result.returncode == 1
    assert "transform returns float64; return float32: features.astype(np.float32)" in result.stdout
    assert ", 1 failed," in result.stdout


def test_a_plugin_for_a_newer_contract_is_listed_as_broken_with_the_mend(workbench: Command, install: object) -> None:
    install(  # type: ignore[operator]
        "CONTRACT = 99\ndef later(trial, task):\n    '''From the future.'''\n", {"extractors": {"later": "later"}}
    )
    listed = workbench("plugins").stdout
    assert "written for version 99 of the plugin contract, and this workbench knows version 1" in listed
    assert "pip install --upgrade image-workbench" in listed
    selected = workbench("tune", "digits", "-c", "later/svm")
    assert selected.returncode == 2
    assert "written for version 99 of the plugin contract" in selected.stderr


def test_a_plugin_that_ends_its_process_is_listed_and_takes_nobody_along(workbench: Command, install: object) -> None:
    install("import os\nos._exit(3)\n", {"extractors": {"deadly": "deadly"}})  # type: ignore[operator]
    talks = "import os\nos.system('echo loud')\ndef loud(trial, task):\n    'Talks.'\n"
    install(talks, {"selectors": {"loud": "loud"}}, name="loudplug")  # type: ignore[operator]
    rows = {(row["kind"], row["name"]): row for row in json.loads(workbench("plugins", "--json").stdout)}
    assert "importing or calling it ended its process" in rows["extractor", "deadly"]["error"]
    assert "pip uninstall toy" in rows["extractor", "deadly"]["error"]
    assert rows["selector", "loud"]["description"] == "Talks."
    assert not rows["extractor", "hog"]["error"]
    assert rows["extractor", "hog"]["description"]
