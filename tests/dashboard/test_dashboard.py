"""Every page in every state that a workspace can be in, and what the pages say."""

from __future__ import annotations

import copy
import shlex
import shutil
import time
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
from workbench.tuning.trials import RECORD
from workbench.tuning.workspace import Workspace
from workbench_dashboard import data, frame, measures, processes

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
    assert {"baseline", "pixels/knn", "pixels/logistic"} <= set(table["candidate"])
    assert table.loc[table["candidate"] == "baseline", "test accuracy"].item() == 0.5


def test_what_must_be_known_of_a_candidate_is_said_on_compare(state: State, show: Show) -> None:
    place = Workspace(state("finished"))
    run = place.open("shapes-1")
    result = run.result("pixels/knn")
    assert result is not None
    run.record_result("pixels/knn", {**result, "train_fraction": 0.25, "remarks": ["<b>slow</b>"]})
    said = [text.value.replace("\\", "") for text in show(place.path).markdown]
    assert (
        ":material/info: **pixels/knn**: fitted on 25 % of the training images; more did not fit its share of the "
        "budget" in said
    )
    assert any("pixels/knn was fitted on 25 % of the training images only" in text for text in said)
    assert not any("<b>slow</b>" in text.value for text in show(place.path).markdown)


def test_a_chart_follows_what_is_still_being_tuned(finished: Path, show: Show) -> None:
    show(finished)
    opened = data.open_run("shapes-1")
    assert not isinstance(opened, str)
    later = copy.deepcopy(opened)  # a resumed run: more trials, and nothing new recorded of its candidates
    for row in later.document["leaderboard"]:
        row["tuning_seconds"] += 1000
    metric, clock = "test accuracy", "tuning and refit together"
    before, after = (measures.chart(at, measures.competitors(at), metric, clock) for at in (opened, later))
    assert before["datasets"] != after["datasets"]


def test_another_metric_and_fewer_candidates(finished: Path, show: Show) -> None:
    shown = show(finished)
    shown.selectbox(key="compare_metric").set_value("macro F1").run()
    shown.selectbox(key="compare_clock").set_value("tuning and refit together").run()
    shown.multiselect[0].set_value(["pixels/knn"]).run()
    assert not shown.exception
    assert sorted(shown.dataframe[0].value["candidate"]) == ["baseline", "pixels/knn"]
    shown.multiselect[0].set_value([]).run()
    assert "at least one candidate" in shown.info[0].value


def test_errors_shows_images_and_what_each_said_of_them(finished: Path, show: Show) -> None:
    shown = show(finished, "errors")
    kinds = next(box for box in shown.selectbox if box.key and box.key.startswith("errors_kind"))
    assert [kind.partition(":")[0] for kind in kinds.options[2:]] == [
        "Both wrong", f"Surest mistakes of {shown.selectbox[1].value}", "Likely label errors",
    ]  # fmt: skip
    for kind in kinds.options:
        kinds.set_value(kind).run()
        assert not shown.exception


def test_explain_shows_both_candidates_and_their_families(finished: Path, show: Show) -> None:
    shown = show(finished, "explain")
    said = [text.value.replace("\\", "") for text in shown.markdown]
    for candidate in ("pixels/knn", "pixels/logistic"):
        assert any(text.startswith(f"{candidate}: **") and "probability" in text for text in said)
    before = shown.number_input[0].value
    shown.number_input[0].set_value(before + 1).run()
    assert not shown.exception
    shown.button[0].click().run()
    assert 1 <= shown.number_input[0].value <= 16
    assert not shown.exception


@pytest.mark.parametrize("page", ["explain", "try_it"])
def test_a_run_without_stored_models_says_to_run_again(page: str, state: State, show: Show) -> None:
    workspace = state("finished")
    for study in Workspace(workspace).open("shapes-1").studies.values():
        study.set_user_attr("workbench:result", {**study.user_attrs["workbench:result"], "model": None})
    shown = show(workspace, page)
    assert "has kept no model" in shown.info[0].value
    assert shown.code[0].value.startswith("workbench tune /")


def test_a_stored_model_that_is_gone_is_said(state: State, show: Show) -> None:
    workspace = state("finished")
    for study in Workspace(workspace).open("shapes-1").studies.values():
        (workspace / "artifacts" / study.user_attrs["workbench:result"]["model"]).unlink()
    st.cache_resource.clear()
    shown = show(workspace, "explain")
    assert "is no longer in the workspace" in shown.warning[0].value


def test_images_that_are_gone_are_said_to_be(state: State, show: Show) -> None:
    workspace = state("finished")
    shutil.rmtree(workspace / "cache")
    shown = show(workspace, "data_set")
    assert any("not in the workspace's cache any more" in info.value for info in shown.info)
    shown = show(workspace, "errors")
    said = [info.value for info in (*shown.info, *shown.success)]
    assert any("not in the workspace's cache any more" in text or "There are none" in text for text in said)


def test_tune_shows_the_exact_command_and_starts_it(state: State, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = state("empty")
    started: list[list[str]] = []
    monkeypatch.setattr(processes, "start", lambda place, arguments: started.append(arguments))
    shown = show(workspace, "tune")
    shown.multiselect(key="tune_candidates").set_value(["hog/svm", "cnn"]).run()
    shown.text_input(key="tune_budget").set_value("90s").run()
    command = next(code.value for code in shown.code if code.value.startswith("workbench tune"))
    assert command == f"workbench tune digits -c hog/svm -c cnn --budget 90s --seed 0 --workspace {workspace}"
    next(button for button in shown.button if button.label == "Start").click().run()
    assert started == [shlex.split(command)[1:]]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [("tune_budget", "soon", "is not a duration"), ("tune_budget", "0s", "too short")],
)
def test_tune_says_what_is_wrong_before_it_starts(key: str, value: str, says: str, state: State, show: Show) -> None:
    shown = show(state("empty"), "tune")
    shown.text_input(key=key).set_value(value).run()
    assert says in shown.error[0].value
    assert next(button for button in shown.button if button.label == "Start").disabled


def test_tune_names_a_folder_that_is_not_there_and_a_candidate_that_is_misspelt(state: State, show: Show) -> None:
    shown = show(state("empty"), "tune")
    shown.session_state["tune_way"] = "Folder or file"
    shown.run()
    shown.text_input(key="tune_path").set_value("/nowhere/<b>").run()
    assert "There is no" in shown.error[0].value
    assert "<b>" not in shown.error[0].value
    shown.session_state["tune_candidates"] = ["hogg/svm"]
    shown.run()
    assert any("did you mean 'hog'" in error.value.replace("\\", "") for error in shown.error)


def test_no_second_run_is_started_beside_one(state: State, show: Show) -> None:
    shown = show(state("being written"), "tune")
    assert "is being worked on" in shown.warning[0].value
    assert next(button for button in shown.button if button.label == "Start").disabled


def test_live_shows_the_learning_curve_of_the_running_trial(state: State, show: Show) -> None:
    shown = show(state("being written"), "live")
    assert "shapes-2 is running" in shown.subheader[0].value
    assert [metric.value for metric in shown.metric[1:]] == ["0", "0 of 3", "pixels/knn"]
    shown.multiselect(key="live_candidates").set_value(["pixels/knn"]).run()
    shown.run()
    assert shown.multiselect(key="live_candidates").value == ["pixels/knn"]


def test_live_counts_the_candidates_of_a_resumed_run_and_not_its_ensembles(state: State, show: Show) -> None:
    place = Workspace(state("finished"))
    place.open("shapes-1").record_finished(False)
    with place.hold("shapes-1"):
        shown = show(place.path, "live")
        assert {metric.label: metric.value for metric in shown.metric}["Tested"] == "3 of 3"


def test_live_shows_why_what_was_started_did_not_begin(state: State, show: Show) -> None:
    workspace = state("empty")
    started = processes.start(Workspace(workspace), ["tune", "nothing-like-it", "--workspace", str(workspace)])
    while started.running:
        time.sleep(0.1)
    shown = show(workspace, "live")
    assert "No run is going on" in shown.info[0].value
    assert "nothing-like-it" in shown.error[0].value.replace("\\", "")


def test_plugins_lists_a_broken_one_with_its_mend(state: State, show: Show, install: Callable[..., Path]) -> None:
    install("raise RuntimeError('<b>no</b>')", {"extractors": {"bad": "bad"}}, name="badplug")
    st.cache_data.clear()
    shown = show(state("empty"), "plugins")
    text = " ".join(markdown.value for markdown in shown.markdown).replace("\\", "")
    assert "extractor bad" in text
    assert "Mend the plugin, or uninstall it: pip uninstall badplug" in text
    assert "<b>no</b>" not in " ".join(markdown.value for markdown in shown.markdown)


def test_a_plugin_that_ends_its_process_leaves_the_dashboard_alive(
    state: State, show: Show, install: Callable[..., Path]
) -> None:
    install("import os\nos._exit(3)", {"extractors": {"deadly": "deadly"}}, name="badplug")
    workspace = state("empty")
    shown = show(workspace, "plugins")
    assert any("ended its process" in text.value for text in shown.markdown)
    shown = show(workspace, "tune")
    shown.session_state["tune_candidates"] = ["deadly/svm"]
    shown.run()
    assert any("ended its process" in error.value for error in shown.error)
    assert next(button for button in shown.button if button.label == "Start").disabled


def test_the_address_chooses_the_run_and_a_wrong_one_is_said(state: State, show: Show) -> None:
    workspace = state("no result yet")
    assert show(workspace).selectbox[0].value == "shapes-2"  # the newest
    assert show(workspace, run="shapes-1").selectbox[0].value == "shapes-1"
    shown = show(workspace, run="nothing")
    assert "There is no run nothing" in shown.warning[0].value
    assert shown.selectbox[0].value == "shapes-2"


def test_one_run_after_the_other_can_be_chosen(state: State, show: Show) -> None:
    shown = show(state("failures only"))
    for run in ("shapes-1", "shapes-2", "shapes-1"):
        shown.selectbox(key="run").set_value(run).run()
        assert shown.selectbox(key="run").value == run
        assert shown.query_params["run"] in (run, [run])
    shown.switch_page("app_pages/errors.py").run()
    assert shown.selectbox(key="run").value == "shapes-1"


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
