"""The trial process: everything that runs plugin code. It is forked for one job and talks to its owner by a pipe.

It holds neither the storage nor the test labels. What it says is a tuple whose first word tells what follows:

===================================  ====================================  ==========================================
says                                 meaning                               the owner answers
===================================  ====================================  ==========================================
``("suggest", method, args, kw)``    a plugin asks for a parameter         ``("value", v)`` or ``("error", text)``
``("report", value, step)``          the monitor was told a value          whether to prune
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
import resource
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.candidate import Candidate
from workbench.plugin import Skip, Task


@dataclass(frozen=True)
class Job:
    """What a trial process is to do.

    Attributes:
        candidate: What to build.
        task: What the plugins may know.
        images: ``.npy`` file of the training images and then the validation images.
        test_images: ``.npy`` file of the test images; makes the job a refit: it trains on
            training and validation images together, and then opens this file and predicts it.
        labels: Labels of the training and the validation images. Test labels stay with the owner.
        n_train: Number of training images.
        seconds: Time that learners are told they have.
        log: File for all that plugins print.
        params: Parameters to build with; None: ask the owner for them.
        best_step: In a refit, the step at which the parameters were best.
        build_only: Whether to build the candidate and do no more.
    """

    candidate: Candidate
    task: Task
    images: Path
    labels: npt.NDArray[np.int64]
    n_train: int
    seconds: float
    log: Path
    params: dict[str, Any] | None = None
    test_images: Path | None = None
    best_step: int | None = None
    build_only: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a finished job found.

    Attributes:
        predictions: Predicted labels, of the validation images or, after a refit, of the test images.
        probabilities: Class probabilities of the same images, if the classifier gives any.
        seconds: Wall-clock seconds by phase: ``extract``, ``select``, ``fit``, ``predict``.
        best_step: Step whose state was kept, if the learner says so.
        parameters: Number of learnable parameters, where there are any.
        features: Number of features that the classifier saw, or None for a network.
        latency_ms: Median milliseconds to classify one image (p50); after a refit.
        peak_memory_mb: Largest resident memory of the process.
    """

    predictions: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32] | None
    seconds: dict[str, float]
    best_step: int | None
    parameters: int | None
    features: int | None
    latency_ms: float | None
    peak_memory_mb: float


class RemoteTrial:
    """The owner's trial, asked through the pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        return value


class PipeMonitor:
    """The monitor that learners report to."""

    def __init__(self, connection: Connection, deadline: float, best_step: int | None) -> None:
        self._connection = connection
        self._deadline = deadline
        self._best_step = best_step

    def report(self, value: float, step: int) -> None:
        """Passes a validation accuracy on; raises ``optuna.TrialPruned`` if the owner says so."""
        from optuna import TrialPruned

        self._connection.send(("report", float(value), int(step)))
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
        return _fit_and_predict(pipeline, monitor, job)


def _fit_and_predict(pipeline: Any, monitor: PipeMonitor, job: Job) -> Outcome:
    from sklearn.utils.validation import has_fit_parameter

    refit = job.test_images is not None
    images = np.load(job.images, mmap_mode="r")
    n = len(images) if refit else job.n_train
    X, y = images[:n], job.labels[:n]
    X_val, y_val = (None, None) if refit else (images[n:], job.labels[n:])
    seconds = dict.fromkeys(("extract", "select", "fit", "predict"), 0.0)

    *transformers, (_, classifier) = pipeline.steps
    for name, transformer in transformers:
        with _timed(seconds, name):
            X = transformer.fit_transform(X, y)
            if X_val is not None:
                X_val = transformer.transform(X_val)
    arguments: dict[str, Any] = {}
    if has_fit_parameter(classifier, "monitor"):
        arguments["monitor"] = monitor
    if X_val is not None and has_fit_parameter(classifier, "validation_data"):
        arguments["validation_data"] = (X_val, y_val)
    with _timed(seconds, "fit"):
        classifier.fit(X, y, **arguments)
    # Validation images are transformed already; test images go through the whole pipeline, as a user's would.
    X_test = np.load(job.test_images, mmap_mode="r") if job.test_images is not None else None
    with _timed(seconds, "predict"):
        predictions, probabilities = _predict(classifier, X_val) if X_test is None else _predict(pipeline, X_test)
    return Outcome(
        predictions=predictions,
        probabilities=probabilities,
        seconds=seconds,
        best_step=getattr(classifier, "best_step_", None),
        parameters=count_parameters(classifier),
        features=int(X.shape[1]) if X.ndim == 2 else None,
        latency_ms=None if X_test is None else _latency_ms(pipeline.predict, X_test),
        peak_memory_mb=_peak_memory_mb(),
    )


def _predict(estimator: Any, X: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32] | None]:
    """Predicts once: the labels follow from the probabilities where there are any."""
    if hasattr(estimator, "predict_proba"):
        probabilities = np.asarray(estimator.predict_proba(X), dtype=np.float32)
        return np.asarray(estimator.classes_, dtype=np.int64)[probabilities.argmax(axis=1)], probabilities
    return np.asarray(estimator.predict(X), dtype=np.int64), None


def count_parameters(classifier: Any) -> int | None:
    """Counts the learnable parameters of a fitted classifier: weights and biases; None for a kernel or trees."""
    last = classifier[-1] if hasattr(classifier, "steps") else classifier
    if hasattr(last, "n_parameters_"):
        return int(last.n_parameters_)
    if hasattr(last, "coefs_"):  # a multi-layer perceptron of scikit-learn
        return int(sum(np.size(weights) for weights in (*last.coefs_, *last.intercepts_)))
    if hasattr(last, "coef_"):
        return int(np.size(last.coef_) + np.size(last.intercept_))
    return None


def _latency_ms(predict: Callable[[Any], Any], images: Any, repeats: int = 100, seconds: float = 2.0) -> float:
    """Measures the median time to classify one image, after a warm-up."""
    for _ in range(3):
        predict(images[:1])
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    while len(times) < repeats and (not times or time.perf_counter() < deadline):
        one = len(times) % len(images)
        started = time.perf_counter()
        predict(images[one : one + 1])
        times.append(time.perf_counter() - started)
    return float(np.median(times) * 1000)


@contextlib.contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[phase] += time.perf_counter() - started


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


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
