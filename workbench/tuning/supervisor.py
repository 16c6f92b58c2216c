"""Starts trial processes and watches over them: a crash, a hang or an out-of-memory costs one trial."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import psutil

from workbench.data.decode import without_main
from workbench.errors import PluginError
from workbench.tuning import process
from workbench.tuning.job import Job, Outcome

if TYPE_CHECKING:
    import optuna

#: Environment variable that chooses how processes start: ``forkserver`` (default) or ``spawn``.
START_METHOD = "WORKBENCH_START_METHOD"

_PRELOAD = ("optuna.trial", "sklearn.pipeline", "sklearn.dummy", "sklearn.utils.validation", "threadpoolctl")
_POLL = 0.2  # seconds between looks at the stop flag
_GRACE = 1.0  # seconds between terminate and kill

State = Literal["complete", "pruned", "failed", "skipped", "interrupted"]


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Attributes:
        state: ``complete``, ``pruned``, ``failed``, ``skipped`` or ``interrupted``.
        seconds: Wall-clock seconds from the start of the process to its last word.
        outcome: What it found, if it completed.
        reason: One line, unless it completed.
        traceback: The plugin's, if it raised.
        timed_out: Whether it was ended at its deadline.
    """

    state: State
    seconds: float
    outcome: Outcome | None = None
    reason: str = ""
    traceback: str = ""
    timed_out: bool = False


class Stop:
    """A request to end tuning, as Ctrl-C makes it."""

    def __init__(self) -> None:
        self.requested = False

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Takes the first SIGINT or SIGTERM as a request; the second raises KeyboardInterrupt."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(_number: int, _frame: FrameType | None) -> None:
            if self.requested:
                raise KeyboardInterrupt
            self.requested = True

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Supervisor:
    """Runs jobs in processes of their own, one at a time.

    Args:
        preload: Modules that the fork server imports before it forks trials.
    """

    def __init__(self, preload: tuple[str, ...] = ()) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        method = os.environ.get(START_METHOD, "forkserver")
        self._context: Any = multiprocessing.get_context(method)
        # Threads of OpenMP (PyTorch's, XGBoost's) otherwise wait in a busy loop, and beside other load a trial crawls.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        if method == "forkserver":
            _start_resource_tracker()
            # Its name is written out: importing the module that reads it would preload here.
            os.environ["WORKBENCH_PRELOAD"] = ",".join(dict.fromkeys(preload))
            self._context.set_forkserver_preload([*_PRELOAD, "workbench.tuning.process", "workbench.tuning.preload"])

    def run(
        self,
        job: Job,
        seconds: float,
        trial: optuna.Trial | None = None,
        on_report: Callable[[float, int, bool], bool] | None = None,
        stop: Stop | None = None,
    ) -> Ended:
        """Runs a job to its end, whatever that is.

        Args:
            job: What to do.
            seconds: The process is ended after this many.
            trial: Answers what plugins suggest; needed where the job has no parameters.
            on_report: Told every report; returns whether to prune.
            stop: A request to end.
        """
        ours, theirs = self._context.Pipe()
        their_end, lifeline = self._context.Pipe(duplex=False)
        started = time.monotonic()
        child = self._context.Process(target=process.main, args=(theirs, their_end, job), name=job.candidate.name)
        try:
            with without_main():
                child.start()
            theirs.close()
            their_end.close()
            return _watch(ours, child, started, seconds, trial, on_report, stop)
        finally:
            _end(child)
            ours.close()
            lifeline.close()

    def build(self, job: Job, seed: int) -> Ended:
        """Builds a job's candidate with random parameters, before time is spent on it; fits nothing.

        Returns:
            How it ended: complete or skipped.

        Raises:
            PluginError: If a plugin raises or returns the wrong thing, with its traceback.
        """
        import optuna

        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        ended = self.run(replace(job, build_only=True), 120, trial=study.ask())
        if ended.state == "failed":
            raise PluginError(
                f"candidate {job.candidate.name!r} cannot be built: {ended.reason}\n{ended.traceback}".rstrip()
            )
        return ended


def _start_resource_tracker() -> None:
    """Starts multiprocessing's tracker such that it tidies up after processes that were killed without a word of it."""
    warnings = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [warnings, "ignore:resource_tracker:UserWarning"]))
    try:
        resource_tracker.ensure_running()
    finally:
        if warnings is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = warnings


def _watch(
    connection: Connection,
    child: Any,
    started: float,
    limit: float,
    trial: optuna.Trial | None,
    on_report: Callable[[float, int, bool], bool] | None,
    stop: Stop | None,
) -> Ended:
    def seconds() -> float:
        return time.monotonic() - started

    so_far: Outcome | None = None
    while True:
        left = limit - seconds()
        if stop is not None and stop.requested:
            return Ended("interrupted", seconds(), reason="interrupted")
        if left <= 0 and so_far is not None:
            return Ended("complete", seconds(), so_far)
        if left <= 0:
            return Ended("failed", seconds(), reason=f"ran out of time: stopped after {limit:.0f} s", timed_out=True)
        try:
            if not connection.poll(min(left, _POLL)):
                continue
            message = connection.recv()
        except (EOFError, OSError):
            return Ended("failed", seconds(), reason=_death(child))
        match message:
            case ("suggest", method, arguments, keywords):
                try:
                    answer = ("value", getattr(trial, method)(*arguments, **keywords))
                except Exception as error:  # the plugin asked for something impossible: it shall hear it
                    answer = ("error", str(error))
                _send(connection, answer)
            case ("report", value, step, rung):
                _send(connection, bool(on_report(value, step, rung)) if on_report else False)
            case ("so far", outcome):
                so_far = outcome
            case ("done", outcome):
                return Ended("complete", seconds(), outcome)
            case ("pruned",):
                return Ended("pruned", seconds(), reason="pruned")
            case ("skipped", reason):
                return Ended("skipped", seconds(), reason=reason)
            case ("failed", reason, trace):
                return Ended("failed", seconds(), reason=reason, traceback=trace)


def _send(connection: Connection, answer: object) -> None:
    with contextlib.suppress(OSError):  # it died meanwhile: the next read tells
        connection.send(answer)


def _death(child: Any) -> str:
    """Says how a process died that said nothing."""
    child.join(_GRACE)
    code = child.exitcode
    if code is None or code >= 0:
        return "its process ended without an answer" + (f" (exit code {code})" if code else "")
    name = signal.Signals(-code).name
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{hint}"


def _end(child: Any) -> None:
    """Ends a process and all that it started: terminate, then kill. Does not trust the fork server to be alive."""
    if child.pid is None:
        return
    child.join(0.1)  # one that has said its last word ends by itself
    for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, 5 * _GRACE)):
        for send in (os.killpg, os.kill):  # the group is there once the process has called setsid
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(child.pid, number)
        deadline = time.monotonic() + patience
        while psutil.pid_exists(child.pid) and time.monotonic() < deadline:
            child.join(0.05)
            time.sleep(0.001)
        if not psutil.pid_exists(child.pid):
            break
    with contextlib.suppress(ValueError):
        child.close()
