"""A report is one file that opens offline, shows names as they are, and has words for a run of any kind."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench import open_run, tune
from workbench.errors import RunError
from workbench.judge.leaderboard import Comparison
from workbench.judge.report import command, render
from workbench.tuning.workspace import Workspace

NASTY = ('<b>"a.b[0]"', "it's & {{ 7 * 7 }} \udcff")
SECTIONS = (
    *("Leaderboard", "Accuracy against training time", "Could it be luck?", "Where the time goes"),
    *("How good after how much time", "What goes wrong", "The data", "What was run"),
)


class Page(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, bars: tuple[np.ndarray, np.ndarray]) -> Comparison:
    root = tmp_path_factory.mktemp("report")
    for i, (image, label) in enumerate(zip(*bars, strict=True)):
        path = root / "photos & <i>" / NASTY[label == "upright"] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    return tune(root / "photos & <i>", ["pixels/knn", "hog/forest"], budget="40s", trials=2, workspace=root / "runs",
                progress=False)  # fmt: skip


@pytest.fixture(scope="module")
def page(finished: Comparison) -> Page:
    return Page(render(finished))


def empty(finished: Comparison, name: str) -> tuple[Comparison, Workspace]:
    """A run of the same workspace in which nothing has happened yet."""
    place = finished._workspace
    return Comparison(place.create(replace(finished.specification, run=name)), place), place


def test_a_report_has_everything_in_it_and_loads_nothing(finished: Comparison, page: Page, tmp_path: Path) -> None:
    assert finished.verdict() in page.text
    for section in SECTIONS:
        assert section in page.text, section
    assert page.tags["svg"] == 5 + 2  # and a matrix for each of two candidates
    assert not page.tags.keys() & {"script", "link", "img", "iframe", "object", "image", "foreignobject"}
    urls = {
        value for name, value in page.attributes if re.search(r"(https?:)?//", value) and not name.startswith("xmlns")
    }
    assert not urls
    assert "url(http" not in render(finished)
    written = finished.report(tmp_path / "report.html")
    assert written.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_names_are_shown_and_never_read_as_markup(page: Page) -> None:
    assert NASTY[0] in page.text
    assert "it's & {{ 7 * 7 }} \N{REPLACEMENT CHARACTER}" in page.text
    assert "photos & <i>" in page.text
    assert not page.tags.keys() & {"b", "i"}


def test_no_plot_can_be_taken_for_another_ones_part(page: Page) -> None:
    assert not [value for name, value in page.attributes if name == "id" or "url(#" in value]


def test_a_run_without_results_has_a_report_in_words(finished: Comparison) -> None:
    nothing, place = empty(finished, "empty-1")
    stopped = Page(render(nothing))
    assert "This run was stopped before its end." in stopped.text
    assert "workbench tune --resume empty-1" in stopped.text
    assert "There is no test accuracy of any candidate yet" in stopped.text
    assert stopped.tags["svg"] == 0
    with place.hold("empty-1"):
        assert "This run still goes on." in Page(render(nothing)).text


def test_a_run_of_failures_says_why(finished: Comparison) -> None:
    failed, _ = empty(finished, "failed-1")
    run = failed._run
    for name in ("pixels/knn", "hog/forest"):
        run.record_result(name, {"trial": None, "status": "skipped: needs <3> channels"})
    run.record_finished(True)
    shown = Page(render(failed)).text
    assert shown.count("skipped: needs <3> channels") >= 2
    assert "Leaderboard" in shown
    assert "This run was" not in shown


def test_a_learning_curve_is_shown_where_there_is_one(finished: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        {"candidate": name, "images": n, "repeats": 3, "test_accuracy": 0.9, "low": 0.8, "high": 0.95, "seconds": 1.0}
        for name in ("pixels/knn", "hog/forest")
        for n in (20, 200)
    ]
    crossing: dict[str, Any] = {"a": "pixels/knn", "b": "hog/forest", "images": 120, "low": 80, "high": None,
                                "sentence": "hog/forest overtakes pixels/knn at 120 images."}  # fmt: skip
    document = {**finished.document(), "curve": {"points": points, "crossover": [crossing]}}
    monkeypatch.setattr(Comparison, "document", lambda self: document)
    shown = Page(render(finished))
    assert "hog/forest overtakes pixels/knn at 120 images." in shown.text
    assert "n* = 120" in shown.text


def test_the_command_is_the_one_that_makes_such_a_run(finished: Comparison) -> None:
    specification = replace(finished.specification, source="/my photos", trials=7, seed=3, exclude=("a b",))
    assert command(specification) == (
        "workbench tune '/my photos' -c pixels/knn -c hog/forest --budget 40s --trials 7 --seed 3 --exclude 'a b'"
    )


def test_what_cannot_be_written_is_said_in_words(finished: Comparison, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is a folder; name a file"):
        finished.report(tmp_path)
    with pytest.raises(RunError, match=r"there is no folder .*missing; make it"):
        finished.report(tmp_path / "missing" / "report.html")
    with pytest.raises(RunError, match=r"cannot be written to .*File name too long; name another file"):
        finished.report(tmp_path / ("x" * 300))


def test_the_command_line_writes_and_says_so(
    workbench: Callable[..., subprocess.CompletedProcess[str]], finished: Comparison, tmp_path: Path
) -> None:
    place = str(finished._workspace.path)
    done = workbench("report", finished.name, "--workspace", place)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"wrote {re.escape(finished.name)}\.html \(\d+ KB\)\n", done.stdout)
    assert (
        open_run(finished.name, workspace=place).verdict()
        in Page((tmp_path / f"{finished.name}.html").read_text()).text
    )
    unknown = workbench("report", "no-such-run", "--workspace", place)
    assert unknown.returncode == 2
    assert "there is no run 'no-such-run'" in unknown.stderr
    assert "Traceback" not in unknown.stderr
