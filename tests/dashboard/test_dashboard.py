"""Every page in every state that a workspace can be in, and what the pages say."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from optuna.trial import TrialState
from streamlit.testing.v1 import AppTest

import workbench_dashboard
from workbench import tune
from workbench.tuning.tuner import RECORD
from workbench.tuning.workspace import Workspace
from workbench_dashboard import frame

APP = Path(workbench_dashboard.__file__).with_name("app.py")
PAGES = sorted(path.stem for path in APP.parent.joinpath("app_pages").glob("[a-z]*.py"))
STATES = ("empty", "finished", "no result yet", "failures only", "being written", "newer")

Show = Callable[..., AppTest]
State = Callable[[str], Path]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shapes: Path) -> Path:
    """A workspace with one finished run; not to be written to."""
    place = tmp_path_factory.mktemp("dashboard") / "runs"
    tune(shapes, ["pixels/knn", "pixels/logistic"], budget="40s", trials=3, workspace=place, progress=False)
    return place


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    """Opens a page of the dashboard on a workspace, and sees that it draws."""

    def open_page(workspace: Path, page: str = "compare", **query: str) -> AppTest:
        monkeypatch.setenv("WORKBENCH_WORKSPACE", str(workspace))
        st.cache_data.clear()
        shown = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in query.items():
            shown.query_params[name] = value
        shown.run()
        if page != "compare":
            shown.switch_page(f"app_pages/{page}.py").run()
        assert not shown.exception, shown.exception
        return shown

    return open_page


@pytest.fixture
def state(tmp_path: Path, finished: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a workspace in a state; what has to be held open is closed when the test ends."""
    with ExitStack() as stack:

        def make(wanted: str) -> Path:
            path = tmp_path / "runs"
            if wanted == "empty":
                return path
            shutil.copytree(finished, path)
            if wanted == "finished":
                return path
            place = Workspace(path)
            run = place.create(replace(place.open("shapes-1").specification, run="shapes-2"))
            if wanted == "failures only":
                for study in run.studies.values():
                    trial = study.ask()
                    trial.suggest_float("knn.weight", 0, 1)
                    failed = {"state": "failed", "reason": "raised <b>ValueError</b>", "trial_seconds": 0.1}
                    trial.set_user_attr(RECORD, failed | {"traceback": "Traceback: ..."})
                    study.tell(trial, state=TrialState.FAIL)
                run.record_finished(True)
            elif wanted == "being written":
                stack.enter_context(place.hold("shapes-2"))
                trial = run.studies["pixels/knn"].ask()
                trial.report(0.5, 0)
                trial.report(0.75, 1)
            elif wanted == "newer":
                for study in run.studies.values():
                    recorded = study.user_attrs["workbench:run"]
                    study.set_user_attr("workbench:run", {**recorded, "format": 99})
            return path

        yield make


@pytest.mark.parametrize("wanted", STATES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_draws_in_every_state(page: str, wanted: str, state: State, show: Show) -> None:
    shown = show(state(wanted), page)
    said = [*shown.markdown, *shown.info, *shown.warning, *shown.caption, *shown.text, *shown.subheader]
    assert any(element.value.strip() for element in said)
    assert not shown.error


def test_a_finished_run_shows_verdict_and_leaderboard(finished: Path, show: Show) -> None:
    shown = show(finished)
    assert shown.selectbox[0].value == "shapes-1"
    assert shown.query_params["run"] == "shapes-1"
    assert any("pixels/knn" in text.value.replace("\\", "") for text in shown.markdown)
    table = shown.dataframe[0].value
    assert sorted(table["candidate"]) == ["baseline", "pixels/knn", "pixels/logistic"]
    assert table.loc[table["candidate"] == "baseline", "test accuracy"].item() == 0.5


def test_another_metric_and_fewer_candidates(finished: Path, show: Show) -> None:
    shown = show(finished)
    shown.selectbox(key="compare_metric").set_value("macro F1").run()
    shown.selectbox(key="compare_clock").set_value("tuning and refit together").run()
    shown.multiselect[0].set_value(["pixels/knn"]).run()
    assert not shown.exception
    assert sorted(shown.dataframe[0].value["candidate"]) == ["baseline", "pixels/knn"]
    shown.multiselect[0].set_value([]).run()
    assert "at least one candidate" in shown.info[0].value


def test_the_address_chooses_the_run_and_a_wrong_one_is_said(state: State, show: Show) -> None:
    workspace = state("no result yet")
    assert show(workspace).selectbox[0].value == "shapes-2"  # the newest
    assert show(workspace, run="shapes-1").selectbox[0].value == "shapes-1"
    shown = show(workspace, run="nothing")
    assert "There is no run nothing" in shown.warning[0].value
    assert shown.selectbox[0].value == "shapes-2"


def test_an_empty_workspace_says_how_to_begin(state: State, show: Show) -> None:
    shown = show(state("empty"))
    assert "There are no runs" in shown.info[0].value
    assert shown.code[0].value == "workbench tune digits"


def test_a_stopped_run_says_how_to_go_on(state: State, show: Show) -> None:
    shown = show(state("no result yet"))
    assert "the run was stopped" in shown.info[0].value
    assert shown.code[0].value == "workbench tune --resume shapes-2"


def test_a_run_that_is_being_written_points_to_live(state: State, show: Show) -> None:
    assert "The **Live** page" in show(state("being written")).info[0].value


def test_a_run_of_failures_says_each_reason_as_text(state: State, show: Show) -> None:
    reasons = [text.value for text in show(state("failures only")).markdown if "ValueError" in text.value]
    assert reasons
    assert all("\\<b\\>" in reason for reason in reasons)


def test_a_run_of_a_newer_version_says_how_to_open_it(state: State, show: Show) -> None:
    said = show(state("newer")).warning[0].value.replace("\\", "")
    assert "pip install --upgrade image-workbench" in said


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "*bold* _x_ `code` [a](javascript:b)", ":red[x] $x^2$ :smile: # a", "a\n\n# b"],
)
def test_names_are_text_and_never_markup(name: str) -> None:
    shown = frame.plain(name)
    assert "\n" not in shown
    bare = shown.replace("\\\\", "")
    for position, character in enumerate(bare):
        if character in "<>*_`[]()$#":
            assert bare[position - 1] == "\\"
    assert ":smile:" not in shown.replace("\\", "")
