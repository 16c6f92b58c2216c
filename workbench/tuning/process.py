"""The trial process: everything that runs plugin code. It is forked for one job and talks to its owner by a pipe.

It holds neither the storage nor the test labels. What it says is a tuple whose first word tells what follows:

===================================  ====================================  ==========================================
says                                 meaning                               the owner answers
===================================  ====================================  ==========================================
``("suggest", method, args, kw)``    a plugin asks for a parameter         ``("value", v)`` or ``("error", text)``
``("report", value, step, rung)``    a validation accuracy on the way      whether to prune
``("so far", Outcome)``              counts if the deadline strikes now     nothing
``("done", Outcome)``                the job is done                       nothing: the process ends
``("pruned",)``                      the trial ends early                  nothing
``("skipped", reason)``              a plugin cannot serve the task        nothing
``("failed", reason, traceback)``    anything else                         nothing
===================================  ====================================  ==========================================
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from workbench.plugin import Skip
from workbench.tuning import fitting, folds
from workbench.tuning.job import Job, Outcome


class RemoteTrial:
    """The owner's trial, asked through the pipe.

    Attributes:
        params: What was answered so far.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.params: dict[str, Any] = {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Suggests a float in ``[low, high]``."""
        return float(self._ask("suggest_float", name, low, high, step=step, log=log))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Suggests an integer in ``[low, high]``."""
        return int(self._ask("suggest_int", name, low, high, step=step, log=log))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Suggests one of ``choices``."""
        return self._ask("suggest_categorical", name, list(choices))

    def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self._connection.send(("suggest", method, args, kwargs))
        word, value = self._connection.recv()
        if word == "error":
            raise ValueError(value)
        self.params[args[0]] = value
        return value


class PipeMonitor:
    """The monitor that learners report to."""

    def __init__(self, connection: Connection, deadline: float, best_step: int | None) -> None:
        self._connection = connection
        self._deadline = deadline
        self._best_step = best_step

    def report(self, value: float, step: int) -> None:
        """Passes a validation accuracy on; raises ``optuna.TrialPruned`` if the owner says so."""
        self._report(value, step, rung=False)

    def so_far(self, outcome: Outcome) -> None:
        """Tells what counts if the deadline strikes before there is anything better."""
        self._connection.send(("so far", outcome))

    def report_rung(self, value: float, step: int) -> None:
        """Reports for a learner without steps of its own, fitted on a part of the images."""
        self._report(value, step, rung=True)

    def _report(self, value: float, step: int, rung: bool) -> None:
        from optuna import TrialPruned

        self._connection.send(("report", float(value), int(step), rung))
        if self._connection.recv():
            raise TrialPruned(f"pruned at step {step}")

    @property
    def seconds_left(self) -> float:
        """Seconds until ``fit`` should return."""
        return self._deadline - time.monotonic()

    @property
    def best_step(self) -> int | None:
        """Step at which the parameters of a refit were best."""
        return self._best_step


def main(connection: Connection, lifeline: Connection, job: Job) -> None:
    """Entry point of a trial process.

    Args:
        connection: Pipe to the owner.
        lifeline: Its other end closes when the owner dies; then so does this process.
        job: What to do.
    """
    started = time.monotonic()
    with contextlib.suppress(OSError):
        os.setsid()  # our children (joblib's workers, say) can be ended with us; the terminal's Ctrl-C is not for us
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # when memory runs out, this process is the one to end, not its owner
    threading.Thread(target=_die_with, args=(lifeline,), daemon=True).start()
    with _printing_to(job.log):
        connection.send(_attempt(connection, job, started))
    connection.close()


def _attempt(connection: Connection, job: Job, started: float) -> tuple[Any, ...]:
    from optuna import TrialPruned

    try:
        return ("done", _work(connection, job, started))
    except TrialPruned:
        return ("pruned",)
    except Skip as skip:
        return ("skipped", str(skip))
    except MemoryError as error:
        return ("failed", f"ran out of memory: {error}", traceback.format_exc())
    except BaseException as error:  # a plugin may raise anything, SystemExit included: it costs this trial alone
        lines = str(error).strip().splitlines()
        return (
            "failed",
            f"{type(error).__name__}: {lines[0] if lines else ''}".rstrip(": "),
            traceback.format_exc(),
        )


def _work(connection: Connection, job: Job, started: float) -> Outcome | None:
    from optuna.trial import FixedTrial
    from threadpoolctl import threadpool_limits

    np.random.seed(job.task.seed)
    trial = RemoteTrial(connection) if job.params is None else FixedTrial(job.params)
    pipeline = job.candidate.build(trial, job.task)
    if job.build_only:
        return None
    monitor = PipeMonitor(connection, started + job.seconds, job.best_step)
    with threadpool_limits(job.task.n_jobs):
        if job.test_images:
            return fitting.refit(pipeline, job, monitor)
        if job.folds:
            return folds.cross_validate(pipeline, job, monitor, trial.params)
        return fitting.fit(pipeline, job, monitor, trial.params)


def _die_with(lifeline: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)


@contextlib.contextmanager
def _printing_to(log: Path) -> Iterator[None]:
    """Sends all that plugins print to a file, so that our own output can be read."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        faulthandler.enable(file)
        yield
        sys.stdout.flush()
        sys.stderr.flush()
