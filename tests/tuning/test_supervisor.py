"""A trial costs itself alone, whatever its plugin does."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import psutil
import pytest

from workbench.candidate import parse
from workbench.errors import PluginError
from workbench.plugin import Task
from workbench.registry import Registry
from workbench.tuning.features import FeatureCache
from workbench.tuning.job import Job
from workbench.tuning.supervisor import Stop, Supervisor

PLUGIN = """
import os, signal, subprocess, sys, time
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from workbench.plugin import Skip

class Learner(ClassifierMixin, BaseEstimator):
    def __init__(self, x=0.0): self.x = x
    def fit(self, X, y, *, validation_data=None, monitor=None):
        self.classes_ = np.unique(y)
        {body}
        return self
    def predict(self, X): return np.full(len(X), self.classes_[0])

def toy(trial, task):
    return Learner(x=trial.suggest_float("x", 0, 1))
"""


@pytest.fixture
def job(
    install: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[[str], Job]:
    def make(body: str, function: str = "toy") -> Job:
        name = f"toy{abs(hash(request.node.name)) % 10**8}"  # a fork server keeps the modules it has seen
        install(PLUGIN.replace("{body}", body), {"networks": {"toy": function}}, name=name)
        images = tmp_path / "images.npy"
        np.save(images, np.zeros((12, 8, 8, 1), np.uint8))
        return Job(
            candidate=parse("toy", Registry.discover()),
            task=Task((8, 8, 1), ("a", "b"), n_train=8),
            images=images,
            labels=np.arange(12) % 2,
            n_train=8,
            seconds=20.0,
            log=tmp_path / "log.txt",
            cache=FeatureCache(tmp_path / "features", 0),
        )

    # The fork server was started with another path: spawned processes read the one of this test.
    monkeypatch.setenv("WORKBENCH_START_METHOD", "spawn")
    return make


def run(job: Job, seconds: float = 30, **keywords: Any) -> Any:
    trial = optuna.create_study().ask()
    return Supervisor().run(job, seconds, trial=trial, **keywords)


def test_a_trial_that_ends_well_answers_with_predictions_and_seconds(job: Callable[[str], Job]) -> None:
    ended = run(job("time.sleep(0.2)"))
    assert ended.state == "complete"
    assert ended.outcome.predictions.tolist() == [0, 0, 0, 0]
    assert 0.2 <= ended.outcome.seconds["fit"] < ended.seconds


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ValueError('no such luck')", "ValueError: no such luck"),
        ("raise MemoryError()", "ran out of memory"),
        ("sys.exit(7)", "SystemExit: 7"),
        ("os._exit(7)", "ended without an answer (exit code 7)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL (out of memory?)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
    ],
)
def test_a_crash_is_a_failed_trial_with_its_reason(job: Callable[[str], Job], body: str, reason: str) -> None:
    ended = run(job(body))
    assert ended.state == "failed"
    assert reason in ended.reason


def test_a_plugin_error_keeps_its_traceback(job: Callable[[str], Job]) -> None:
    assert "in fit" in run(job("raise ValueError('x')")).traceback


def test_a_hung_trial_is_ended_at_its_deadline_with_all_it_started(job: Callable[[str], Job], tmp_path: Path) -> None:
    note = tmp_path / "pids"
    body = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}'); time.sleep(600)"
    )
    started = time.monotonic()
    ended = run(job(body), seconds=5)
    assert ended.state == "failed"
    assert ended.timed_out
    assert "ran out of time: stopped after 5 s" in ended.reason
    assert time.monotonic() - started < 20
    for pid in map(int, note.read_text().split()):
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_a_plugin_prints_goes_to_the_log(job: Callable[[str], Job], capfd: pytest.CaptureFixture[str]) -> None:
    made = job("print('from python'); os.system('echo from a child')")
    assert run(made).state == "complete"
    log = made.log.read_text()
    assert "from python" in log
    assert "from a child" in log
    assert "from" not in "".join(capfd.readouterr())


def test_the_monitor_prunes_and_tells_the_time(job: Callable[[str], Job]) -> None:
    reports: list[tuple[float, int, bool]] = []

    def on_report(value: float, step: int, rung: bool) -> bool:
        reports.append((value, step, rung))
        return step == 2

    ended = run(job("[monitor.report(monitor.seconds_left, k) for k in range(9)]"), on_report=on_report)
    assert ended.state == "pruned"
    assert [step for _, step, _ in reports] == [0, 1, 2]
    assert 0 < reports[0][0] <= 20
    assert not any(rung for *_, rung in reports)


def test_a_trial_sees_training_and_validation_images_only(job: Callable[[str], Job]) -> None:
    body = "assert X.shape == (8, 8, 8, 1) and validation_data[0].shape == (4, 8, 8, 1) and len(X.base) == 12"
    assert run(job(body)).state == "complete"


def test_a_stop_ends_the_running_trial(job: Callable[[str], Job]) -> None:
    stop = Stop()
    threading.Timer(2, lambda: setattr(stop, "requested", True)).start()
    assert run(job("time.sleep(600)"), stop=stop).state == "interrupted"


def test_a_trial_dies_with_its_owner(job: Callable[[str], Job], tmp_path: Path) -> None:
    note = tmp_path / "pid"
    made = job(f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    (tmp_path / "job").write_bytes(pickle.dumps(made))
    script = (
        "import pathlib, pickle, optuna\n"
        "from workbench.tuning.supervisor import Supervisor\n"
        "if __name__ == '__main__':\n"
        f"    job = pickle.loads(pathlib.Path({str(tmp_path / 'job')!r}).read_bytes())\n"
        "    Supervisor().run(job, 600, trial=optuna.create_study().ask())\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    trial = psutil.Process(int(note.read_text()))
    owner.kill()
    owner.wait()
    trial.wait(timeout=10)


def test_a_plugin_that_returns_no_estimator_fails_before_time_is_spent(job: Callable[..., Job]) -> None:
    made = job("pass\n\ndef wrong(trial, task):\n    return 42\n\nclass Rest:\n    def f(self):\n        pass", "wrong")
    with pytest.raises(PluginError, match="returned int 42, which has no fit and no predict"):
        Supervisor().build(made, seed=0)


def test_a_skip_is_no_failure(job: Callable[..., Job]) -> None:
    body = "0\n\ndef skips(trial, task):\n    raise Skip('needs 3 channels')\n\nclass A:\n    def f(self):\n        0"
    ended = Supervisor().build(job(body, "skips"), seed=0)
    assert ended.state == "skipped"
    assert ended.reason == "needs 3 channels"
