"""The promises of ``workbench tune``, kept by the real thing: real processes, a real database, real plugins."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import psutil
import pytest
from conftest import Command, load_json

KEYS = {
    *("candidate", "family", "validation_accuracy", "test_accuracy", "test_accuracy_low", "test_accuracy_high"),
    *("extract_seconds", "fit_seconds", "refit_seconds", "tuning_seconds", "trials", "parameters", "latency_ms"),
    *("best_params", "status"),
}

SLOW = """
import time
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

class Slow(ClassifierMixin, BaseEstimator):
    def __init__(self, x=0.0): self.x = x
    def fit(self, X, y):
        time.sleep({seconds})
        self.classes_, counts = np.unique(y, return_counts=True)
        self.answer_ = self.classes_[counts.argmax()]
        return self
    def predict(self, X): return np.full(len(X), self.answer_)

def slow(trial, task):
    return Slow(trial.suggest_float("x", 0, 1))

def hangs(trial, task):
    trial.suggest_float("x", 0, 1)
    return Hangs()

class Hangs(Slow):
    def fit(self, X, y): time.sleep(3600)

def crashes(trial, task):
    trial.suggest_float("x", 0, 1)
    return Crashes()

class Crashes(Slow):
    def fit(self, X, y): raise ValueError("singular matrix")

def talks(trial, task):
    trial.suggest_float("x", 0, 1)
    return Talks()

class Talks(Slow):
    def fit(self, X, y):
        super().fit(X, y)
        time.sleep(0.5)
        self.warmup_seconds_, self.flops_, self.images_per_second_ = 0.4, 2_500_000, 1234.5
        self.remarks_ = ["the device has too little memory for 64 images a step: trained with 32"]
        return self

crashes.preload = ("raising",)
"""
POINTS = {"classifiers": {name: name for name in ("slow", "hangs", "crashes", "talks")}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shapes: Path) -> tuple[Path, dict[str, Any]]:
    """A finished run of both families, and the document that it printed."""
    folder = tmp_path_factory.mktemp("finished")
    command = ["tune", shapes, "-c", "hog/svm", "-c", "color/kbest/logistic", "-c", "cnn", "--budget", "4m"]
    result = subprocess.run(
        [sys.executable, "-m", "workbench", *command, "--trials", "3", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return folder, load_json(result)


def test_both_families_and_the_baseline_are_on_the_leaderboard(finished: tuple[Path, dict[str, Any]]) -> None:
    document = finished[1]
    rows = {row["candidate"]: row for row in document["leaderboard"]}
    assert document["run"] == "shapes-1"
    merged = [rows.pop(name) for name in ("ensemble", "stacking")]
    assert all(row["family"] == "ensemble" and row["gain"]["over"] in rows for row in merged)
    assert {name: row["family"] for name, row in rows.items()} == {
        "hog/svm": "hand-crafted",
        "color/kbest/logistic": "hand-crafted",
        "cnn": "deep",
        "baseline": "baseline",
    }
    for row in rows.values():
        assert set(row) >= KEYS
        assert row["status"] == "ok"
        assert 0 <= row["test_accuracy_low"] <= row["test_accuracy"] <= row["test_accuracy_high"] <= 1
        assert sum(row["trials"].values()) == (1 if row["family"] == "baseline" else 3)
        assert row["trials"]["failed"] == 0
        assert row["refit_seconds"] > 0
        assert row["latency_ms"] > 0
    assert rows["hog/svm"]["test_accuracy"] == 1.0  # bars up or across: gradients tell
    assert rows["baseline"]["test_accuracy"] == 0.5
    assert rows["cnn"]["parameters"] > 1000
    assert rows["cnn"]["flops"] > 100_000
    assert rows["cnn"]["images_per_second"] > 0
    assert 0 < rows["cnn"]["warmup_seconds"] < rows["cnn"]["refit_seconds"]
    assert rows["hog/svm"]["warmup_seconds"] == 0
    assert rows["hog/svm"]["images_per_second"] is None
    assert rows["hog/svm"]["extract_seconds"] > 0
    assert rows["cnn"]["extract_seconds"] == 0
    accuracies = [row["test_accuracy"] for row in document["leaderboard"]]
    assert accuracies == sorted(accuracies, reverse=True)


def test_the_data_are_described_with_their_hashes(finished: tuple[Path, dict[str, Any]]) -> None:
    data = finished[1]["data"]
    assert data["name"] == "shapes"
    assert data["counts"] == {"images": 80, "train": 48, "val": 16, "test": 16}
    assert data["skipped"] == []
    assert len(data["fingerprint"]) == len(data["split_hash"]) == 24


def test_there_is_a_verdict_and_what_it_stands_on(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, document = finished
    rows = {row["candidate"]: row for row in document["leaderboard"] if row["family"] != "ensemble"}
    pairs = {(pair["a"], pair["b"]): pair for pair in document["pairwise"]}
    assert len(pairs) == 6  # every two of four
    for (a, b), pair in pairs.items():
        assert set(pair) == {"a", "b", "difference", "low", "high", "p", "p_holm", "by_metric", "resampled"}
        assert pair["difference"] == pytest.approx(rows[a]["test_accuracy"] - rows[b]["test_accuracy"])
        assert pair["low"] <= pair["difference"] <= pair["high"]
        assert pair["p"] <= pair["p_holm"] <= 1
    best = max(rows["hog/svm"]["test_accuracy"], rows["color/kbest/logistic"]["test_accuracy"])
    assert best == 1.0  # so what the verdict is about has at least half of 16 test images more than the baseline
    first = document["verdict"].partition(". ")[0]
    assert "cnn" in first
    assert "hog/svm" in first or "color/kbest/logistic" in first
    for name, row in rows.items():
        assert row["metrics"]["balanced_accuracy"] == row["test_accuracy"]  # 8 test images of each class
        assert row["metrics"]["roc_auc"] == row["test_roc_auc"]
        assert row["metrics"]["positive_class"] == "upright"
        ledger = document["ledger"][name]
        assert ledger["tuning"] == row["tuning_seconds"]
        refit = sum(ledger[phase] for phase in ("extract", "select", "warmup", "fit"))
        assert refit == pytest.approx(row["refit_seconds"])
    from workbench import open_run

    comparison = open_run("shapes-1", workspace=folder / "workbench-runs")
    assert comparison.verdict() == document["verdict"]
    plain = [
        {key: pair[key] for key in ("a", "b", "difference", "low", "high", "p", "p_holm")} for pair in pairs.values()
    ]
    assert comparison.pairwise().to_dict("records") == plain
    show = [sys.executable, "-m", "workbench", "show", "shapes-1"]
    shown = subprocess.run(show, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert shown.rstrip().endswith(document["verdict"])
    assert "in points (95 % interval)" in shown


def test_what_was_recorded_without_predictions_is_still_shown(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, document = finished
    shutil.copytree(folder / "workbench-runs", tmp_path / "workbench-runs", ignore=shutil.ignore_patterns("artifacts"))
    from workbench import open_run

    comparison = open_run("shapes-1", workspace=tmp_path / "workbench-runs")
    found = comparison.document()
    assert [row["test_accuracy"] for row in found["leaderboard"]] == [
        row["test_accuracy"] for row in document["leaderboard"]
    ]
    assert found["pairwise"] == []
    assert comparison.pairwise().empty
    assert "predictions to compare it by were not recorded" in found["verdict"]


def test_a_leaderboard_that_mixes_machines_says_so(finished: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    from workbench.tuning.workspace import Workspace

    folder, document = finished
    assert len(document["hardware"]) == 1
    shutil.copytree(folder / "workbench-runs", tmp_path / "workbench-runs")
    run = Workspace(tmp_path / "workbench-runs").open("shapes-1")
    result = run.result("cnn")
    assert result is not None
    elsewhere = {**result["hardware"], "cpu": "another processor", "cores": 64}
    run.record_result("cnn", {**result, "hardware": elsewhere})
    show = [sys.executable, "-m", "workbench", "show", "shapes-1"]
    shown = subprocess.run(show, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "Measured on different machines, so that seconds cannot be compared: " in shown
    assert "another processor, 64 cores" in shown
    shown = subprocess.run(show, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert "different machines" not in shown


def test_show_prints_the_same_again(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, document = finished

    def show(*arguments: str) -> str:
        command = [sys.executable, "-m", "workbench", "show", "shapes-1", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout

    assert json.loads(show("--json")) == document
    (folder / "table.csv").write_text(show("--csv"))
    table = pd.read_csv(folder / "table.csv")
    assert table["candidate"].tolist() == [row["candidate"] for row in document["leaderboard"]]
    assert table[["trials_complete", "trials_pruned"]].sum().sum() == 10
    text = show()
    assert "hog/svm" in text
    assert "test accuracy" in text
    runs = subprocess.run([sys.executable, "-m", "workbench", "runs"], cwd=folder, capture_output=True, text=True)
    assert "shapes-1" in runs.stdout
    assert "done" in runs.stdout


def test_optuna_opens_the_workspace_as_it_is(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, document = finished
    url = f"sqlite:///{folder}/workbench-runs/storage.db"
    names = optuna.get_all_study_names(url)
    assert sorted(names) == [f"shapes-1/{name}" for name in ("baseline", "cnn", "color/kbest/logistic", "hog/svm")]
    study = optuna.load_study(study_name="shapes-1/hog/svm", storage=url)
    row = next(row for row in document["leaderboard"] if row["candidate"] == "hog/svm")
    assert study.best_value == row["validation_accuracy"]
    assert study.best_params == row["best_params"]
    connection = sqlite3.connect(folder / "workbench-runs" / "storage.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_predictions_are_kept_and_give_the_accuracies(finished: tuple[Path, dict[str, Any]], shapes: Path) -> None:
    from workbench.tuning.workspace import Workspace

    folder, document = finished
    place = Workspace(folder / "workbench-runs")
    run = place.open("shapes-1")
    split = place.load_arrays(next(iter(run.studies.values())).user_attrs["workbench:split"])
    labels = np.repeat([0, 1], 40)[split["test"]]  # two folders of 40, in the order of their names
    for row in (row for row in document["leaderboard"] if row["family"] != "ensemble"):
        result = run.result(row["candidate"])
        assert result is not None
        predicted = place.load_arrays(result["test_predictions"])["predictions"]
        assert np.mean(predicted == labels) == row["test_accuracy"]


def test_equal_seeds_give_equal_results_trial_by_trial(workbench: Command, shapes: Path, tmp_path: Path) -> None:
    for place in ("one", "two"):
        command = ("tune", shapes, "-c", "edges/forest", "-c", "cnn", "--trials", "2", "--budget", "5m")
        result = workbench(*command, "--seed", "7", "--deterministic", "--workspace", place)
        assert result.returncode == 0, result.stderr
    for candidate in ("edges/forest", "cnn"):
        values = []
        for place in ("one", "two"):
            url = f"sqlite:///{tmp_path / place}/storage.db"
            study = optuna.load_study(study_name=f"shapes-1/{candidate}", storage=url)
            tested = study.user_attrs["workbench:result"]["test_accuracy"]
            values.append(([(trial.value, trial.params) for trial in study.trials], tested))
        assert values[0] == values[1]
        assert len(values[0][0]) == 2


def test_a_hung_and_a_crashing_candidate_cost_themselves_alone_and_the_budget_holds(
    workbench: Command, install: Callable[..., Path], shapes: Path
) -> None:
    install(SLOW.replace("{seconds}", "0"), POINTS)
    install("raise SystemExit(3)", {}, name="raising")  # the fork server survives it
    started = time.monotonic()
    command = ("tune", shapes, "-c", "pixels/hangs", "-c", "pixels/crashes", "-c", "hog/svm", "--budget", "30s")
    document = load_json(workbench(*command, "--json"))
    assert time.monotonic() - started < 1.05 * 30 + 10
    rows = {row["candidate"]: row for row in document["leaderboard"]}
    assert rows["hog/svm"]["test_accuracy"] == 1.0
    assert rows["pixels/crashes"]["trials"] == {"complete": 0, "pruned": 0, "failed": 3}
    assert "3 of 3 failed; the last: ValueError: singular matrix" in rows["pixels/crashes"]["status"]
    assert rows["pixels/hangs"]["trials"]["complete"] == 0
    assert "ran out of time" in rows["pixels/hangs"]["status"]
    assert "longer --budget" in rows["pixels/hangs"]["status"]


def test_a_run_without_any_result_exits_with_1(workbench: Command, install: Callable[..., Path], shapes: Path) -> None:
    install(SLOW.replace("{seconds}", "0"), POINTS)
    result = workbench("tune", shapes, "-c", "pixels/crashes", "--budget", "30s")
    assert result.returncode == 1
    assert "pixels/crashes: no trial finished" in result.stdout


def test_what_a_learner_says_of_itself_is_shown_and_compiling_is_no_fitting(
    workbench: Command, install: Callable[..., Path], shapes: Path
) -> None:
    install(SLOW.replace("{seconds}", "0"), POINTS)
    command = ("tune", shapes, "-c", "pixels/talks", "--budget", "30s", "--trials", "1")
    rows = {row["candidate"]: row for row in load_json(workbench(*command, "--json"))["leaderboard"]}
    row = rows["pixels/talks"]
    assert row["warmup_seconds"] == 0.4
    assert 0 < row["fit_seconds"] < 0.4
    assert row["refit_seconds"] > 0.5
    assert (row["flops"], row["images_per_second"]) == (2_500_000, 1234.5)
    text = workbench("show", "shapes-1").stdout
    assert "pixels/talks: trains on 1,234 images a second, 2.5 million operations (FLOPs) to classify one" in text
    assert "pixels/talks: the device has too little memory for 64 images a step: trained with 32" in text
    assert "warm-up" in text
    assert "warm-up: compiling" in text


# -- killed, interrupted, resumed -----------------------------------------------------------------------------------


@contextmanager
def running(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A run in the background, ended with all that it started."""
    command = [sys.executable, "-m", "workbench", *map(str, arguments)]
    with (tmp_path / "stderr.txt").open("w") as errors:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def trials(tmp_path: Path, name: str) -> list[Any]:
    if not (tmp_path / "workbench-runs" / "artifacts").exists():  # the storage is complete by then
        return []
    return optuna.load_study(study_name=name, storage=f"sqlite:///{tmp_path}/workbench-runs/storage.db").get_trials()


def wait_for_trial(tmp_path: Path, name: str, number: int) -> None:
    """Waits until a trial of that number is running."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            found = trials(tmp_path, name)
        except KeyError:
            found = []
        if len(found) > number and found[number].state == optuna.trial.TrialState.RUNNING and found[number].params:
            time.sleep(0.3)  # into its fit
            return
        time.sleep(0.1)
    raise AssertionError((tmp_path / "stderr.txt").read_text())


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.fixture
def slow_run(install: Callable[..., Path], shapes: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that is in its third trial; each takes two seconds."""
    install(SLOW.replace("{seconds}", "2"), POINTS)
    with running(tmp_path, "tune", str(shapes), "-c", "pixels/slow", "--budget", "60s", "--trials", "5") as process:
        wait_for_trial(tmp_path, "shapes-1/pixels/slow", 2)
        yield process


def test_a_killed_trial_is_recorded_and_the_run_goes_on(slow_run: subprocess.Popen[str], tmp_path: Path) -> None:
    server = next(p for p in descendants(slow_run) if "forkserver" in " ".join(p.cmdline()) and p.children())
    server.children()[0].kill()
    assert slow_run.wait(60) == 0
    found = trials(tmp_path, "shapes-1/pixels/slow")
    assert [trial.state.name for trial in found] == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert "SIGKILL" in found[2].user_attrs["workbench"]["reason"]


def test_a_killed_fork_server_costs_at_most_a_trial(slow_run: subprocess.Popen[str], tmp_path: Path) -> None:
    server = next(p for p in descendants(slow_run) if "forkserver" in " ".join(p.cmdline()) and p.children())
    server.kill()
    assert slow_run.wait(90) == 0
    states = [trial.state.name for trial in trials(tmp_path, "shapes-1/pixels/slow")]
    assert len(states) == 5
    assert states.count("COMPLETE") >= 4


def test_a_killed_run_loses_nothing_finished_and_resume_completes_it(
    slow_run: subprocess.Popen[str], workbench: Command, tmp_path: Path
) -> None:
    started = descendants(slow_run)
    slow_run.send_signal(signal.SIGKILL)
    slow_run.wait()
    psutil.wait_procs(started, timeout=15)
    assert not [p for p in started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    listed = workbench("runs")
    assert "stopped" in listed.stdout
    assert "not refitted yet" in workbench("show", "shapes-1").stdout
    before = [(trial.value, trial.params) for trial in trials(tmp_path, "shapes-1/pixels/slow")[:2]]

    result = workbench("tune", "--resume", "shapes-1", "--json")
    rows = {row["candidate"]: row for row in load_json(result)["leaderboard"]}
    assert rows["pixels/slow"]["trials"] == {"complete": 5, "pruned": 0, "failed": 0}
    assert rows["pixels/slow"]["status"] == "ok"
    found = trials(tmp_path, "shapes-1/pixels/slow")
    assert [(trial.value, trial.params) for trial in found[:2]] == before
    assert [trial.state.name for trial in found] == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert len({json.dumps(trial.params) for trial in found if trial.state.name == "COMPLETE"}) == 5


def test_ctrl_c_keeps_refits_and_shows_what_is_finished(slow_run: subprocess.Popen[str], tmp_path: Path) -> None:
    slow_run.send_signal(signal.SIGINT)
    out, _ = slow_run.communicate(timeout=60)
    assert slow_run.returncode == 130
    assert "Traceback" not in (tmp_path / "stderr.txt").read_text()
    assert "pixels/slow" in out
    assert "0.5000 (" in out  # its test accuracy
    assert "workbench tune --resume shapes-1" in out
    assert [trial.value for trial in trials(tmp_path, "shapes-1/pixels/slow")][:2] == [0.5, 0.5]


def test_a_run_that_is_alive_cannot_be_resumed(slow_run: subprocess.Popen[str], workbench: Command) -> None:
    result = workbench("tune", "--resume", "shapes-1")
    assert result.returncode == 2
    assert "'shapes-1' is being worked on by another process" in result.stderr
    assert "running" in workbench("runs").stdout


# -- Python, and the user's mistakes --------------------------------------------------------------------------------


def test_a_script_needs_no_main_guard(tmp_path: Path, shapes: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "print('once')\n"
        "from workbench import tune\n"
        f"run = tune({str(shapes)!r}, candidates=['hog/svm'], budget='30s', trials=2, progress=False)\n"
        "table = run.leaderboard()\n"
        "print(type(table).__name__, run.name, table['candidate'].tolist(), table['test_accuracy'].tolist())\n"
    )
    result = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.stdout.splitlines() == ["once", "DataFrame shapes-1 ['hog/svm', 'baseline'] [1.0, 0.5]"]
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tune"], "give either SOURCE or --resume RUN"),
        (["tune", "digts"], "did you mean 'digits'?"),
        (["tune", "digits", "-c", "hogg/svm"], "did you mean 'hog'?"),
        (["tune", "digits", "--budget", "soon"], "'soon' is not a duration; write it like 90s, 10m"),
        (["tune", "digits", "--budget", "0s"], "too short"),
        (["tune", "digits", "--trials", "0"], "--trials"),
        (["tune", "digits", "--image-size", "3"], "must lie between 8 and 1024"),
        (["tune", "digits", "--exclude", "ten"], "--exclude ten: no such class"),
        (["tune", "--resume", "nothing-1"], "there is no run 'nothing-1'"),
        (["tune", "--resume", "nothing-1", "--seed", "3"], "--seed cannot be changed"),
        (["tune", "digits", "--storage", "sqlite:////nowhere/at/all.db"], "cannot be opened"),
        (["show", "nothing-1"], "there is no run 'nothing-1'"),
        (["show", "nothing-1", "--json", "--csv"], "give --json or --csv"),
        (["tuen"], "did you mean 'tune'?"),
    ],
)
def test_a_users_mistake_is_answered_in_words(workbench: Command, arguments: list[str], said: str) -> None:
    result = workbench(*arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_an_empty_workspace_says_how_to_begin(workbench: Command, tmp_path: Path) -> None:
    result = workbench("runs")
    assert result.returncode == 0
    assert "workbench tune digits" in result.stdout
    assert not (tmp_path / "workbench-runs").exists()


def test_a_failure_is_one_json_document_too(workbench: Command, tmp_path: Path) -> None:
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "notes.txt").write_text("no picture")
    result = workbench("tune", "loose", "--json")
    assert result.returncode == 2
    document = json.loads(result.stdout)
    assert "labels are missing" in document["error"]
    assert document["data"]["skipped"] == [{"path": "notes.txt", "reason": "not in a class folder"}]


@pytest.mark.parametrize(
    ("version", "message"),
    [(99, "made by a newer version.*pip install --upgrade"), (1, "made by an older version.*run it again: workbench")],
)
def test_a_run_of_another_version_is_refused_in_words(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path, version: int, message: str
) -> None:
    import shutil

    from workbench.errors import RunError
    from workbench.tuning.workspace import Workspace

    shutil.copytree(finished[0] / "workbench-runs", tmp_path / "copy")
    place = Workspace(tmp_path / "copy")
    for study in place.open("shapes-1").studies.values():
        study.set_user_attr("workbench:run", {**study.user_attrs["workbench:run"], "format": version})
    with pytest.raises(RunError, match=message):
        place.open("shapes-1")


def test_a_resume_on_changed_data_is_refused(workbench: Command, shapes: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "shapes"
    shutil.copytree(shapes, copy)
    command = ("tune", copy, "-c", "pixels/knn", "--budget", "20s", "--trials", "1")
    assert workbench(*command).returncode == 0
    os.remove(copy / "across" / "00.png")
    result = workbench("tune", "--resume", "shapes-1")
    assert result.returncode == 2
    assert "have changed since it began" in result.stderr


def test_doctor_tells_versions_machine_and_gpu_in_a_line_each(workbench: Command) -> None:
    result = workbench("doctor")
    assert result.returncode == 0
    lines = dict(line.split(None, 1) for line in result.stdout.splitlines())
    assert {"Python", "tensorflow", "optuna", "CPU", "memory", "disk", "GPU", "plugins"} <= set(lines)
    assert result.stderr == ""
