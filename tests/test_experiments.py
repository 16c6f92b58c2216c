"""What to ask of a finished run, as a user asks it: cross-validation, repeats, a learning curve, other data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import load_json
from PIL import Image

RUN = "shapes-1"


def call(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, shapes: Path) -> tuple[Path, dict[str, Any]]:
    """A finished run, tuned by cross-validation for balanced accuracy, each winner refitted twice."""
    folder = tmp_path_factory.mktemp("experiments")
    command = ["tune", shapes, "-c", "hog/forest", "-c", "color/forest", "-c", "cnn", "--budget", "4m", "--trials", "2"]
    settings = ["--folds", "3", "--repeats", "2", "--metric", "balanced-accuracy", "--json"]
    return folder, load_json(call(folder, *command, *settings))


def test_cross_validation_values_a_trial_by_the_mean_over_folds_that_all_candidates_share(
    tuned: tuple[Path, dict[str, Any]],
) -> None:
    from workbench.tuning.trials import record_of
    from workbench.tuning.workspace import Workspace

    folder, document = tuned
    assert document["metric"] == "balanced-accuracy"
    place = Workspace(folder / "workbench-runs")
    run = place.open(RUN)
    labels = []
    for name in ("hog/forest", "color/forest", "cnn"):
        study = run.studies[name]
        assert study.metric_names == ["validation balanced accuracy"]
        record = record_of(study.best_trial)
        assert len(record["fold_values"]) == 3
        assert study.best_value == pytest.approx(np.mean(record["fold_values"]))
        arrays = place.load_arrays(record["validation_predictions"])
        assert len(arrays["predictions"]) == 64  # every image that is not for testing, once
        assert np.mean(arrays["predictions"] == arrays["labels"]) == record["validation_accuracy"]
        labels.append(arrays["labels"].tolist())
    assert labels[0] == labels[1] == labels[2]


def test_repeats_give_a_spread_of_accuracy_and_time(tuned: tuple[Path, dict[str, Any]]) -> None:
    rows = {row["candidate"]: row for row in tuned[1]["leaderboard"]}
    row = rows["color/forest"]
    assert row["repeats"] == 2
    assert row["test_accuracy_low"] <= row["test_accuracy_mean"] <= row["test_accuracy_high"]
    assert row["refit_seconds_sd"] > 0
    assert row["test_score"] == row["metrics"]["balanced_accuracy"]
    low, high = row["metrics"]["intervals"]["balanced_accuracy"]
    assert low <= row["test_score"] <= high
    assert "points of balanced accuracy" in tuned[1]["verdict"]
    pair = next(pair for pair in tuned[1]["pairwise"] if {pair["a"], pair["b"]} == {"hog/forest", "color/forest"})
    assert pair["by_metric"]["low"] <= pair["by_metric"]["difference"] <= pair["by_metric"]["high"]


def test_the_ledger_hides_nothing(tuned: tuple[Path, dict[str, Any]]) -> None:
    document = tuned[1]
    for row in document["leaderboard"]:
        if row["family"] == "ensemble":
            members = [other for other in document["leaderboard"] if other["candidate"] in row["best_params"]]
            assert row["refit_seconds"] == pytest.approx(sum(member["refit_seconds"] for member in members))
            assert row["latency_ms"] == pytest.approx(sum(member["latency_ms"] for member in members))
            continue
        spent = document["ledger"][row["candidate"]]
        assert spent["load"] == row["load_seconds"] > 0
        assert sum(spent[phase] for phase in ("extract", "select", "warmup", "fit")) == row["refit_seconds"]
        assert spent["cpu"]["fit"] > 0
        assert 0 < row["latency_ms"] <= row["latency_p95_ms"]
        assert list(row["throughput"]) == ["1", "32", "256"]
        assert row["peak_memory_mb"] > 50
        assert "energy_joules" in row


@pytest.fixture(scope="module")
def curve(tuned: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = load_json(call(tuned[0], "curve", RUN, "--sizes", "1,25%,100%", "--repeats", "2", "--json"))
    return found


def test_a_learning_curve_has_points_and_crossovers(curve: dict[str, Any], tuned: tuple[Path, dict[str, Any]]) -> None:
    points = {(point["candidate"], point["images"]): point for point in curve["points"]}
    assert set(points) == {(name, n) for name in ("hog/forest", "color/forest", "cnn") for n in (16, 64)}
    for point in points.values():
        assert point["repeats"] == 2
        assert point["low"] <= point["test_accuracy"] <= point["high"]
        assert point["seconds"] > 0
    assert {(found["a"], found["b"]) for found in curve["crossover"]} == {
        ("hog/forest", "cnn"),
        ("color/forest", "cnn"),
    }
    assert all(found["sentence"] for found in curve["crossover"])
    assert curve["left_out"] == ["1 (1 images)"]
    rows = {row["candidate"]: row for row in tuned[1]["leaderboard"]}
    whole = points["hog/forest", 64]  # the refits of the run itself, measured once
    assert whole["test_accuracy"] == pytest.approx(rows["hog/forest"]["test_accuracy_mean"])
    shown = load_json(call(tuned[0], "show", RUN, "--json"))
    assert shown["curve"] == curve


def test_a_curve_goes_on_where_it_stopped(curve: dict[str, Any], tuned: tuple[Path, dict[str, Any]]) -> None:
    again = call(tuned[0], "curve", RUN, "--sizes", "25%,50%,100%", "--repeats", "2")
    assert again.returncode == 0, again.stderr
    assert "16 images" not in again.stderr  # known
    assert again.stderr.count("32 images") == 6
    assert "training images" in again.stdout
    assert "64" in again.stdout


def test_tuning_anew_at_every_size_makes_runs_of_their_own(tuned: tuple[Path, dict[str, Any]]) -> None:
    command = ["curve", RUN, "--sizes", "50%,100%", "--retune", "--budget", "60s", "--json"]
    found = load_json(call(tuned[0], *command))
    assert found["retuned"]
    assert {point["images"] for point in found["points"]} == {32, 64}
    subset = load_json(call(tuned[0], "show", f"{RUN}-n32", "--json"))
    assert subset["data"]["counts"]["train"] + subset["data"]["counts"]["val"] == 32
    assert subset["data"]["counts"]["test"] == 16
    again = call(tuned[0], *command)  # nothing is tuned twice
    assert "trial" not in again.stderr
    assert json.loads(again.stdout) == found


def test_winners_are_used_on_other_data(tuned: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("dark", "light"):
        tmp_path.joinpath("shades", name).mkdir(parents=True)
        for i in range(20):
            grey = rng.integers(0, 120, (24, 24)) + 130 * (name == "light")
            Image.fromarray(grey.astype(np.uint8)).save(tmp_path / "shades" / name / f"{i}.png")
    settings = ["--budget", "3m", "--trials", "1", "--metric", "balanced-accuracy"]
    candidates = [word for name in ("hog/forest", "color/forest", "cnn") for word in ("-c", name)]
    assert call(tuned[0], "tune", tmp_path / "shades", *candidates, *settings).returncode == 0
    command = ["transfer", RUN, "--to", tmp_path / "shades"]
    found = load_json(call(tuned[0], *command, "--json"))
    assert (found["from"], found["to"], found["tuned_there"]) == ("shapes", "shades", "shades-1")
    rows = {row["candidate"]: row for row in found["candidates"]}
    assert set(rows) == {"hog/forest", "color/forest", "cnn"}
    for row in rows.values():
        assert row["status"] == "ok", row
        assert row["loss"] == pytest.approx(row["tuned_test_accuracy"] - row["test_accuracy"])
        assert row["low"] <= row["loss"] <= row["high"]
    assert set(found["families"]) == {"hand-crafted", "deep"}
    again = call(tuned[0], *command)
    assert "tuned there: the run shades-1" in again.stderr
    assert "Mean loss in points" in again.stdout
    assert load_json(call(tuned[0], "show", "shades-1", "--json"))["transfers"][0]["run"] == RUN


def test_without_a_run_on_the_other_data_there_is_one_made(tuned: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    command = ["tune", "textures", "-c", "color/bayes", "--budget", "30s", "--trials", "2"]
    assert call(tmp_path, *command).returncode == 0
    found = load_json(call(tmp_path, "transfer", "textures-1", "--to", "digits", "--budget", "8s", "--json"))
    assert found["tuned_there"] == "digits-1"
    assert [row["candidate"] for row in found["candidates"]] == ["color/bayes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("curve", "nothing-1"), "there is no run 'nothing-1'"),
        (("curve", RUN, "--sizes", "200%"), "'200%' is no size of a training set"),
        (("curve", RUN, "--budget", "1m"), "add --retune"),
        (("transfer", "nothing-1", "--to", "digits"), "there is no run 'nothing-1'"),
        (("tune", "digits", "--train-size", "99999"), "--train-size 99999: there are 1,437 images to train and"),
    ],
)
def test_mistakes_are_said_in_words(
    tuned: tuple[Path, dict[str, Any]], arguments: tuple[str, ...], message: str
) -> None:
    result = call(tuned[0], *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_run_is_not_transferred_to_its_own_data(tuned: tuple[Path, dict[str, Any]], shapes: Path) -> None:
    result = call(tuned[0], "transfer", RUN, "--to", shapes)
    assert result.returncode == 2
    assert "is what 'shapes-1' was tuned on; give other data" in result.stderr


def test_a_metric_that_needs_probabilities_says_so(tmp_path: Path, shapes: Path) -> None:
    command = ["tune", shapes, "-c", "pixels/linear-svm", "--metric", "log-loss", "--budget", "60s", "--json"]
    result = call(tmp_path, *command)
    rows = {row["candidate"]: row for row in json.loads(result.stdout)["leaderboard"]}
    assert (
        "log loss cannot be computed for a candidate that gives no class probabilities"
        in (rows["pixels/linear-svm"]["status"])
    )
    assert rows["baseline"]["test_score"] == pytest.approx(np.log(2))


def test_what_a_refit_had_reached_at_its_deadline_is_not_taken_for_the_whole() -> None:
    from types import SimpleNamespace

    from workbench.candidate import Candidate
    from workbench.experiments.winners import generous, refit_with
    from workbench.plugin import Task
    from workbench.tuning.features import FeatureCache
    from workbench.tuning.job import Job, Outcome
    from workbench.tuning.supervisor import Ended

    where, labels = Path("nowhere"), np.zeros(4, np.int64)
    task = Task((2, 2, 1), ("a", "b"), 4)
    job = Job(Candidate("x"), task, where, labels, 3, 1.0, where, FeatureCache(where, 0), fraction=0.5)
    seconds = dict.fromkeys(("extract", "rungs", "select", "warmup", "fit", "predict"), 1.0)
    nothing: dict[str, Any] = dict.fromkeys(
        ("probabilities", "scores", "best_step", "parameters", "flops", "images_per_second", "features")
    )
    ends = [
        Ended("complete", 9.0, Outcome(labels, fraction=fraction, seconds=seconds, cpu_seconds=seconds,
                                       saved_seconds=0.0, remarks=(), peak_memory_mb=1.0, **nothing))
        for fraction in (0.125, 0.5)
    ]  # fmt: skip
    session: Any = SimpleNamespace(
        exam=SimpleNamespace(images=where, labels=labels), supervisor=SimpleNamespace(run=lambda *_, **__: ends.pop(0))
    )
    assert refit_with(session, job, {}, 9.0) == (
        {"status": "the refit failed: ran out of time: stopped after 9 s"},
        None,
    )
    tested, outcome = refit_with(session, job, {}, 9.0)
    assert (tested["status"], tested["test_accuracy"], tested["refit_seconds"]) == ("ok", 1.0, 4.0)
    assert outcome is not None
    assert generous({"refit_seconds": 10.0, "train_fraction": 0.25}) == 1600  # a kernel machine on all images


def test_a_transfer_says_who_loses_who_does_not_and_who_cannot() -> None:
    from workbench.experiments.carry_over import _sentences

    def row(candidate: str, loss: float, p: float, status: str = "ok") -> dict[str, Any]:
        ends = {"loss": loss, "low": loss - 0.01, "high": loss + 0.01, "p_holm": p}
        return {"candidate": candidate, "status": status, **ends}

    rows = [row("a", 0.03, 0.001), row("b", 0.005, 0.4), row("c", -0.03, 0.001), row("d", 0, 1, "the refit failed: x")]
    found = {"from": "cats", "to": "digits", "candidates": rows, "families": {"hand-crafted": 0.01, "deep": -0.002}}
    assert _sentences(found) == [
        "a, tuned on cats, loses 3.0 points of test accuracy on digits (95 % interval 2.0 to 4.0)",
        "No evidence of a loss: b, tuned on cats, loses 0.5 points of test accuracy on digits (95 % interval -0.5 to "
        "1.5)",
        "c, tuned on cats, loses nothing: -3.0 points of test accuracy on digits (95 % interval -4.0 to -2.0)",
        "d, tuned on cats, cannot be used on digits: the refit failed: x",
        "Mean loss in points: hand-crafted 1.0, deep -0.2",
    ]
