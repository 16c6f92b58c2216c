"""Refits the best trial of a candidate on training and validation images, alone on the machine, and tests it once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.judge.metrics import accuracy_interval, clean_accuracy, further_metrics
from workbench.tuning.job import Job
from workbench.tuning.supervisor import Supervisor
from workbench.tuning.tuner import record_of, refit_estimate
from workbench.tuning.workspace import Run, Workspace

#: The estimate of a refit's time is a cautious one: it may exceed the time there is by so much.
_TOLERANCE = 1.2


def best_trial(run: Run, candidate: str) -> Any:
    """Returns the best completed trial of a candidate, or None."""
    trials = [t for t in run.studies[candidate].get_trials(deepcopy=False) if record_of(t)["state"] == "complete"]
    return max(trials, key=lambda trial: (trial.value, -trial.number), default=None)


def needs_refit(run: Run, candidate: str) -> bool:
    """Whether a candidate has a completed trial that is better than what was refitted, if anything was."""
    best = best_trial(run, candidate)
    result = run.result(candidate)
    return best is not None and (result is None or result["trial"] != best.number or result["status"] != "ok")


def estimate_seconds(run: Run, candidate: str, growth: float) -> float:
    """Estimates how long the refit of a candidate takes, in seconds."""
    best = best_trial(run, candidate)
    return 0.0 if best is None else refit_estimate(record_of(best)["seconds"], growth)


def affordable_fraction(record: dict[str, Any], seconds: float, growth: float) -> float:
    """Returns the fraction of the images that a refit can be fitted on in time, going by what the trial's phases took.

    It is the one of the trial, for which tuning keeps enough time, unless that time is not there: a resumed run got a
    shorter budget, say. A learner by steps watches the clock itself.

    Args:
        record: What was recorded of the trial.
        seconds: The refit is ended after this many.
        growth: Factor by which a refit has more images than a trial.
    """
    fraction = float(record["fraction"])
    needed = refit_estimate(record["seconds"], growth)
    if needed <= _TOLERANCE * seconds or record["best_step"] is not None:
        return fraction
    overhead = refit_estimate(dict.fromkeys(record["seconds"], 0.0), growth)
    return fraction * max(0.01, (seconds - overhead) / (needed - overhead))


def refit(
    run: Run,
    workspace: Workspace,
    supervisor: Supervisor,
    job: Job,
    test_labels: npt.NDArray[np.int64],
    seconds: float,
    growth: float,
    clean: npt.NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """Refits a candidate, tests it, and records the result.

    Args:
        run: The run.
        workspace: Where predictions are kept.
        supervisor: Runs the refit in a process of its own.
        job: The candidate's job with its test images.
        test_labels: Labels of the test images. They are compared here, with the owner.
        seconds: The refit is ended after this many.
        growth: Factor by which a refit has more images than a trial.
        clean: Which test images have no copy and no mate of their group among those the refit learns from, if known.

    Returns:
        What was recorded.
    """
    name = job.candidate.name
    best = best_trial(run, name)
    record = record_of(best)
    ended = supervisor.run(
        replace(
            job,
            params=dict(best.params),
            best_step=record["best_step"],
            fraction=affordable_fraction(record, seconds, growth),
            seconds=max(0.1, 0.9 * seconds),
        ),
        max(1.0, seconds),
    )
    result: dict[str, Any] = {"trial": best.number, "status": "ok"}
    outcome = ended.outcome
    if outcome is None:
        result["status"] = f"the refit failed: {ended.reason}"
        result["traceback"] = ended.traceback[-8000:]
    else:
        correct, n = int(np.sum(outcome.predictions == test_labels)), len(test_labels)
        low, high = accuracy_interval(correct, n)
        metrics = further_metrics(
            test_labels, outcome.predictions, outcome.probabilities, outcome.scores, job.task.class_names
        )
        result |= {
            "test_accuracy": correct / n,
            "test_accuracy_low": low,
            "test_accuracy_high": high,
            "test_accuracy_clean": clean_accuracy(outcome.predictions, test_labels, clean),
            "test_roc_auc": metrics["roc_auc"],
            "metrics": metrics,
            "train_fraction": outcome.fraction,
            "seconds": outcome.seconds,
            "refit_seconds": sum(outcome.seconds[phase] for phase in ("extract", "select", "warmup", "fit")),
            "warmup_seconds": outcome.seconds["warmup"],
            "latency_ms": outcome.latency_ms,
            "parameters": outcome.parameters,
            "flops": outcome.flops,
            "images_per_second": outcome.images_per_second,
            "remarks": list(outcome.remarks),
            "peak_memory_mb": outcome.peak_memory_mb,
            # with the labels, so that every two candidates can be compared whenever somebody looks
            "test_predictions": workspace.save_arrays(run.studies[name], "test", labels=test_labels, **outcome.arrays),
        }
    run.record_result(name, result)
    return result
