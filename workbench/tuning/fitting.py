"""Fits a candidate's pipeline in a trial process, phase by phase, and times each phase."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from workbench import bundle, hardware
from workbench.plugin import Monitor
from workbench.tuning.job import Job, Outcome
from workbench.tuning.ledger import PHASES, Ledger
from workbench.tuning.speed import measure_speed

#: A rung has so many times the images of the one below it.
RUNG_FACTOR = 4
#: Fractions of the training images that a learner without steps is fitted on before it is fitted on all.
_RUNGS = (1 / RUNG_FACTOR**2, 1 / RUNG_FACTOR)
#: Fewer images than this tell too little, and take no time anyway.
_SMALLEST_RUNG = 1000


class RungMonitor(Monitor, Protocol):
    """A monitor that also takes what a learner without steps has reached so far."""

    def so_far(self, outcome: Outcome) -> None:
        """Tells what counts if the deadline strikes before there is anything better."""

    def report_rung(self, value: float, step: int) -> None:
        """Reports a fit on a part of the training images; raises ``optuna.TrialPruned`` if the trial should end."""


def fit(
    pipeline: Any, job: Job, monitor: RungMonitor, params: dict[str, Any], rungs: tuple[float, ...] = _RUNGS
) -> Outcome:
    """Fits on the training images and predicts the validation images.

    Features come from the cache, if they are there, and are billed all the same.

    A learner without steps of its own is fitted on growing beginnings of the training images, each a stratified sample
    (the split takes care of that), so that it can be pruned too. A rung that would not end in time, by the growth seen
    so far, is not started: the fraction that was reached counts.
    """
    from sklearn.base import clone
    from sklearn.utils.validation import has_fit_parameter

    y, y_val = job.labels[: job.n_train], job.labels[job.n_train :]
    seconds = Ledger()
    extractors, head = _cut(pipeline)
    seen, _ = _features(extractors, job, len(job.labels), y, seconds, params)
    X, X_val = seen[: job.n_train], seen[job.n_train :]

    learns_by_steps = has_fit_parameter(head[-1], "monitor")
    fractions = [] if learns_by_steps else [f for f in rungs if f * len(X) >= _SMALLEST_RUNG]
    fractions.append(1.0)
    took: list[float] = []
    for fraction in fractions:
        head, n = clone(head), max(1, round(fraction * len(X)))
        seconds.start_over(PHASES[2:])
        seconds.wall["rungs"] += sum(took[-1:])
        started = time.perf_counter()
        _fit_head(head, X[:n], y[:n], (X_val, y_val), monitor, seconds)
        with seconds.phase("predict"):
            predicted = _predict(head, X_val)
        took.append(time.perf_counter() - started)
        outcome = _outcome(head, predicted, seconds, fraction, X)
        if fraction < 1:
            monitor.so_far(outcome)
            monitor.report_rung(outcome.value(job.metric, y_val), round(fraction * RUNG_FACTOR**2))
            if _next_rung_seconds(took, fractions) > monitor.seconds_left:
                break
    return outcome


def refit(pipeline: Any, job: Job, monitor: RungMonitor) -> Outcome:
    """Fits on training and validation images together, and then opens the test images and predicts them.

    A learner without steps of its own is first fitted on a quarter of the images: that counts, and is said, if the
    whole should not end in time, however well its time was estimated.
    """
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    assert job.test_images is not None
    n = max(1, round(job.fraction * len(job.labels)))
    y = job.labels[:n]
    extracting = Ledger(hardware.energy_meter())
    extractors, head = _cut(pipeline)
    with extracting.metered():
        X, weights = _features(extractors, job, n, y, extracting)
    X_test = np.load(job.test_images, mmap_mode="r")

    fractions = [1.0]
    if not has_fit_parameter(head[-1], "monitor") and n >= RUNG_FACTOR * _SMALLEST_RUNG:
        fractions.insert(0, 1 / RUNG_FACTOR)
    for fraction in fractions:
        head, some, seconds = clone(head), max(1, round(fraction * n)), extracting.copy()
        with seconds.metered():
            _fit_head(head, X[:some], y[:some], None, monitor, seconds)
        fitted = Pipeline([("extract", _joined(extractors, weights)), *head.steps]) if extractors else head
        with seconds.phase("predict"):  # through the whole pipeline, as a user's images would go
            predicted = _predict(fitted, X_test)
        outcome = _outcome(head, predicted, seconds, fraction * job.fraction, X)
        monitor.so_far(outcome)
    if job.measure_speed:
        outcome = replace(outcome, **measure_speed(fitted.predict, X_test))
    if job.model is not None:  # after all that is timed
        monitor.so_far(outcome)
        outcome = _keep(fitted, job.model, outcome, job)
    return outcome


def _keep(fitted: Any, file: Path, outcome: Outcome, job: Job) -> Outcome:
    """Writes the model to a file; that it cannot be written is worth a remark, and no more."""
    try:
        bundle.save(fitted, file, bundle.packages_of(job.candidate.plugins))
    except bundle.BundleError as error:
        return replace(outcome, remarks=(*outcome.remarks, f"its model cannot be kept: {error}"))
    return outcome


def _cut(pipeline: Any) -> tuple[list[tuple[str, Any]], Any]:
    """Cuts a pipeline into its extractors by name, if it has any, and what is fitted on features or images."""
    from sklearn.pipeline import Pipeline

    if pipeline.steps[0][0] != "extract":
        return [], pipeline
    return pipeline.steps[0][1].transformer_list, Pipeline(pipeline.steps[1:])


def _joined(extractors: list[tuple[str, Any]], weights: dict[str, float]) -> Any:
    """Joins extractors; one alone needs no joining, which would cost time for each image."""
    from sklearn.pipeline import FeatureUnion

    if len(extractors) == 1:
        return extractors[0][1]
    return FeatureUnion(extractors, transformer_weights=weights)


def _features(
    extractors: list[tuple[str, Any]],
    job: Job,
    rows: int,
    y: npt.NDArray[np.int64],
    seconds: Ledger,
    params: dict[str, Any] | None = None,
) -> tuple[npt.NDArray[Any], dict[str, float]]:
    """Returns the features of the first images, or these themselves where nothing extracts features.

    Where extractors are joined, the features of each are weighted such that they vary as much, all together, as those
    of any other: a long or loud one would drown the rest in any classifier that minds scales.

    Args:
        extractors: By name.
        job: The job.
        rows: So many images.
        y: Labels of those that an extractor with something to learn is fitted on.
        seconds: Take what the extraction took, or had taken when it was done.
        params: What the trial answered; None (in a refit): compute everything anew, and leave all extractors fitted.

    Returns:
        The features, and the weight of each extractor's.
    """
    if not extractors:
        return np.load(job.images, mmap_mode="r")[:rows], {}
    plugins = {plugin.name: plugin for plugin in job.candidate.extractors}
    parts = []
    for name, extractor in extractors:
        learned_from = y if _has_to_learn(extractor) else None
        if params is not None and job.cache.limit_bytes:
            asked = {key: value for key, value in params.items() if key.startswith(f"{name}.")}
            found = job.cache.extract(extractor, job.images, rows, plugins[name], asked, job.task, learned_from)
        else:
            found = job.cache.extract_anew(extractor, job.images, rows, name, learned_from)
        seconds.wall["extract"] += found.seconds
        seconds.cpu["extract"] += found.cpu_seconds
        seconds.saved += found.seconds - found.waited
        parts.append(found.array)
    if len(parts) == 1:
        return parts[0], {}
    joined = np.empty((rows, sum(part.shape[1] for part in parts)), np.float32)
    weights: dict[str, float] = {}
    end = 0
    for (name, _), part in zip(extractors, parts, strict=True):
        start, end = end, end + part.shape[1]
        weights[name] = float(1 / np.sqrt(part[: len(y)].var(axis=0).sum() or 1.0))
        np.multiply(part, np.float32(weights[name]), out=joined[:, start:end])
    return joined, weights


def _has_to_learn(extractor: Any) -> bool:
    """Whether an extractor learns from images; one that does not say so, by scikit-learn's tag, does."""
    from sklearn.utils import get_tags

    try:
        return bool(get_tags(extractor).requires_fit)
    except Exception:  # no estimator of scikit-learn: it has no tags
        return True


def _fit_head(head: Any, X: Any, y: Any, validation: tuple[Any, Any] | None, monitor: Monitor, seconds: Ledger) -> None:
    """Fits selection and classifier, and hands the classifier what its ``fit`` asks for."""
    from sklearn.utils.validation import has_fit_parameter

    *selection, (_, classifier) = head.steps
    for name, selector in selection:
        with seconds.phase(name):
            X = selector.fit_transform(X, y)
            if validation is not None:
                validation = selector.transform(validation[0]), validation[1]
    arguments: dict[str, Any] = {}
    if has_fit_parameter(classifier, "monitor"):
        arguments["monitor"] = monitor
    if validation is not None and has_fit_parameter(classifier, "validation_data"):
        arguments["validation_data"] = validation
    with seconds.phase("fit"):
        classifier.fit(X, y, **arguments)
    warmup = float(getattr(classifier, "warmup_seconds_", 0.0))
    seconds.wall["warmup"] += warmup
    seconds.wall["fit"] -= warmup


def _next_rung_seconds(took: list[float], fractions: list[float]) -> float:
    """Predicts a rung's time by a power law: quadratic at first, as a kernel machine's, and then as measured."""
    done = len(took)
    power = 2.0
    if done > 1:
        growth = np.log(took[-1] / took[-2]) / np.log(fractions[done - 1] / fractions[done - 2])
        power = float(np.clip(growth, 1.0, 3.0))
    return float(took[-1] * (fractions[done] / fractions[done - 1]) ** power)


def _outcome(head: Any, predicted: dict[str, Any], seconds: Ledger, fraction: float, X: Any) -> Outcome:
    return Outcome(
        **predicted,
        saved_seconds=seconds.saved,
        seconds=dict(seconds.wall),
        cpu_seconds=dict(seconds.cpu),
        joules=seconds.joules,
        fraction=fraction,
        best_step=getattr(head[-1], "best_step_", None),
        parameters=count_parameters(head[-1]),
        flops=getattr(head[-1], "flops_", None),
        images_per_second=getattr(head[-1], "images_per_second_", None),
        remarks=tuple(str(remark) for remark in getattr(head[-1], "remarks_", ())),
        features=int(X.shape[1]) if X.ndim == 2 else None,
        peak_memory_mb=_peak_memory_mb(),
    )


def _predict(estimator: Any, X: Any) -> dict[str, Any]:
    """Predicts once: the labels follow from the probabilities, or from the scores of two classes, if there are any."""
    if hasattr(estimator, "predict_proba"):
        probabilities = np.asarray(estimator.predict_proba(X), dtype=np.float32)
        predictions = np.asarray(estimator.classes_, dtype=np.int64)[probabilities.argmax(axis=1)]
        return {"predictions": predictions, "probabilities": probabilities, "scores": None}
    if hasattr(estimator, "decision_function") and len(estimator.classes_) == 2:
        scores = np.asarray(estimator.decision_function(X), dtype=np.float32)
        predictions = np.asarray(estimator.classes_, dtype=np.int64)[(scores > 0).astype(np.int64)]
        return {"predictions": predictions, "probabilities": None, "scores": scores}
    return {"predictions": np.asarray(estimator.predict(X), np.int64), "probabilities": None, "scores": None}


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


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
