"""Fits a candidate's pipeline in a trial process, phase by phase, and times each phase."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from workbench.plugin import Monitor
from workbench.tuning.job import Job, Outcome

#: Fractions of the training images that a learner without steps is fitted on before it is fitted on all.
_RUNGS = (1 / 16, 1 / 4)
#: Fewer images than this tell too little, and take no time anyway.
_SMALLEST_RUNG = 1000


class RungMonitor(Monitor, Protocol):
    """A monitor that also takes what a learner without steps has reached so far."""

    def report_rung(self, value: float, step: int, outcome: Outcome) -> None:
        """Reports a fit on a part of the training images; raises ``optuna.TrialPruned`` if the trial should end."""


def fit(pipeline: Any, job: Job, monitor: RungMonitor) -> Outcome:
    """Fits on the training images and predicts the validation images.

    A learner without steps of its own is fitted on growing beginnings of the training images, each a stratified sample
    (the split takes care of that), so that it can be pruned too. A rung that would not end in time, by the growth seen
    so far, is not started: the fraction that was reached counts.
    """
    from sklearn.base import clone
    from sklearn.utils.validation import has_fit_parameter

    images = np.load(job.images, mmap_mode="r")
    X, X_val = images[: job.n_train], images[job.n_train :]
    y, y_val = job.labels[: job.n_train], job.labels[job.n_train :]
    seconds = dict.fromkeys(("extract", "rungs", "select", "fit", "predict"), 0.0)
    extractor, head = _cut(pipeline)
    if extractor is not None:
        with _timed(seconds, "extract"):
            X, X_val = extractor.fit_transform(X, y), extractor.transform(X_val)

    learns_by_steps = has_fit_parameter(head[-1], "monitor")
    fractions = [] if learns_by_steps else [f for f in _RUNGS if f * len(X) >= _SMALLEST_RUNG]
    fractions.append(1.0)
    took: list[float] = []
    for rung, fraction in enumerate(fractions):
        head, n = clone(head), max(1, round(fraction * len(X)))
        seconds |= {"rungs": seconds["rungs"] + sum(took[-1:]), "select": 0.0, "fit": 0.0, "predict": 0.0}
        started = time.perf_counter()
        _fit_head(head, X[:n], y[:n], (X_val, y_val), monitor, seconds)
        with _timed(seconds, "predict"):
            predictions, probabilities = _predict(head, X_val)
        took.append(time.perf_counter() - started)
        outcome = _outcome(head, predictions, probabilities, seconds, fraction, X)
        if fraction < 1:
            monitor.report_rung(float(np.mean(predictions == y_val)), rung, outcome)
            if _next_rung_seconds(took, fractions) > monitor.seconds_left:
                break
    return outcome


def refit(pipeline: Any, job: Job, monitor: Monitor) -> Outcome:
    """Fits on training and validation images together, and then opens the test images and predicts them once."""
    from sklearn.pipeline import Pipeline

    assert job.test_images is not None
    images = np.load(job.images, mmap_mode="r")
    n = max(1, round(job.fraction * len(images)))
    X, y = images[:n], job.labels[:n]
    seconds = dict.fromkeys(("extract", "rungs", "select", "fit", "predict"), 0.0)
    extractor, head = _cut(pipeline)
    if extractor is not None:
        with _timed(seconds, "extract"):
            X = extractor.fit_transform(X, y)
    _fit_head(head, X, y, None, monitor, seconds)
    fitted = Pipeline([("extract", extractor), *head.steps]) if extractor is not None else head

    X_test = np.load(job.test_images, mmap_mode="r")
    with _timed(seconds, "predict"):  # through the whole pipeline, as a user's images would go
        predictions, probabilities = _predict(fitted, X_test)
    latency = _latency_ms(fitted.predict, X_test)
    return _outcome(head, predictions, probabilities, seconds, job.fraction, X, latency)


def _cut(pipeline: Any) -> tuple[Any, Any]:
    """Cuts a pipeline into its extractor, if it has one, and what is fitted on features or images."""
    from sklearn.pipeline import Pipeline

    if pipeline.steps[0][0] != "extract":
        return None, pipeline
    return pipeline.steps[0][1], Pipeline(pipeline.steps[1:])


def _fit_head(
    head: Any, X: Any, y: Any, validation: tuple[Any, Any] | None, monitor: Monitor, seconds: dict[str, float]
) -> None:
    """Fits selection and classifier, and hands the classifier what its ``fit`` asks for."""
    from sklearn.utils.validation import has_fit_parameter

    *selection, (_, classifier) = head.steps
    for name, selector in selection:
        with _timed(seconds, name):
            X = selector.fit_transform(X, y)
            if validation is not None:
                validation = selector.transform(validation[0]), validation[1]
    arguments: dict[str, Any] = {}
    if has_fit_parameter(classifier, "monitor"):
        arguments["monitor"] = monitor
    if validation is not None and has_fit_parameter(classifier, "validation_data"):
        arguments["validation_data"] = validation
    with _timed(seconds, "fit"):
        classifier.fit(X, y, **arguments)


def _next_rung_seconds(took: list[float], fractions: list[float]) -> float:
    """Predicts a rung's time by a power law: quadratic at first, as a kernel machine's, and then as measured."""
    done = len(took)
    power = 2.0
    if done > 1:
        growth = np.log(took[-1] / took[-2]) / np.log(fractions[done - 1] / fractions[done - 2])
        power = float(np.clip(growth, 1.0, 3.0))
    return float(took[-1] * (fractions[done] / fractions[done - 1]) ** power)


def _outcome(
    head: Any,
    predictions: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32] | None,
    seconds: dict[str, float],
    fraction: float,
    X: Any,
    latency_ms: float | None = None,
) -> Outcome:
    return Outcome(
        predictions=predictions,
        probabilities=probabilities,
        seconds=dict(seconds),
        fraction=fraction,
        best_step=getattr(head[-1], "best_step_", None),
        parameters=count_parameters(head[-1]),
        features=int(X.shape[1]) if X.ndim == 2 else None,
        latency_ms=latency_ms,
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
