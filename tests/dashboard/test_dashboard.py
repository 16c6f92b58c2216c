"""The page in every state that a workspace can be in."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import workbench_dashboard
from workbench import tune
from workbench.tuning.workspace import Workspace

APP = Path(workbench_dashboard.__file__).with_name("app.py")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, shapes: Path) -> Path:
    place = tmp_path_factory.mktemp("dashboard") / "runs"
    tune(shapes, ["pixels/knn"], budget="20s", trials=1, workspace=place, progress=False)
    return place


def page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(workspace))
    st.cache_data.clear()
    shown = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not shown.exception
    return shown


def test_a_finished_run_shows_its_leaderboard(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(workspace, monkeypatch)
    assert shown.selectbox[0].value == "shapes-1"
    table = shown.dataframe[0].value
    assert table["candidate"].tolist() == ["pixels/knn", "baseline"]
    assert table["test accuracy"].iloc[1] == 0.5


def test_an_empty_workspace_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(tmp_path / "none", monkeypatch)
    assert "There are no runs" in shown.info[0].value
    assert shown.code[0].value == "workbench tune digits"


def test_a_run_without_a_result_yet_says_so(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workspace(workspace)
    from dataclasses import replace

    specification = replace(place.open("shapes-1").specification, run="shapes-2")
    place.create(specification)
    shown = page(workspace, monkeypatch)
    assert shown.selectbox[0].value == "shapes-2"  # the newest first
    assert "No candidate has been tested yet" in shown.info[0].value


def test_a_run_of_a_newer_version_says_how_to_open_it(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workspace(workspace)
    from dataclasses import replace

    specification = replace(place.open("shapes-1").specification, run="shapes-3")
    for study in place.create(specification).studies.values():
        study.set_user_attr("workbench:run", {**study.user_attrs["workbench:run"], "format": 99})
    assert "pip install --upgrade image-workbench" in page(workspace, monkeypatch).warning[0].value
