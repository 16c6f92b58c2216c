"""Refits the best trial of a candidate on training and validation images, alone on the machine, and tests it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench import hardware
from workbench.judge.metrics import accuracy_interval, clean_accuracy, further_metrics
from workbench.tuning.job import Job, Outcome
from workbench.tuning.specification import ACCURACY
from workbench.tuning.supervisor import Supervisor
from workbench.tuning.trials import record_of
from workbench.tuning.tuner import refit_estimate
from workbench.tuning.workspace import Run, Workspace

_TRAINING = ("extract", "select", "warmup", "fit")
#: The estimate of a refit's time is a cautious one: it may exceed the time there is by so much.
_TOLERANCE = 1.2


def best_trial(run: Run, candidate: str) -> Any:
    """Returns the best completed trial of a candidate, or None."""
    trials = [t for t in run.studies[candidate].get_trials(deepcopy=False) if record_of(t)["state"] == "complete"]
    return max(trials, key=lambda trial: (trial.value, -trial.number), default=None)


def needs_refit(run: Run, candidate: str) -> bool:
    """Whether a candidate's best trial was not refitted yet, or less often than was asked."""
    best = best_trial(run, candidate)
    result = run.result(candidate)
    if best is None:
        return False
    if result is None or result["trial"] != best.number or result["status"] != "ok":
        return True
    return len(result["repeats"]) < run.specification.repeats


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


@dataclass(frozen=True)
class Exam:
    """The test set. It stays with the owner but for the images, which plugins get to predict.

    Attributes:
        images: ``.npy`` file.
        labels: Their labels.
        clean: Which have no copy and no mate of their group among the images that a refit learns from, if known.
    """

    images: Path
    labels: npt.NDArray[np.int64]
    clean: npt.NDArray[np.bool_] | None = None


def refit(
    run: Run, workspace: Workspace, supervisor: Supervisor, job: Job, test: Exam, seconds: float, growth: float
) -> dict[str, Any]:
    """Refits a candidate, tests it, and records the result; and does so again with other seeds, if that was asked for.

    Args:
        run: The run.
        workspace: Where predictions are kept.
        supervisor: Runs each refit in a process of its own.
        job: The candidate's job.
        test: What it is tested on.
        seconds: The refits are ended after this many.
        growth: Factor by which a refit has more images than a fit of a trial.

    Returns:
        What was recorded.
    """
    name, repeats = job.candidate.name, run.specification.repeats
    best = best_trial(run, name)
    record = record_of(best)
    end = time.monotonic() + seconds
    result = run.result(name)
    if result is None or result["trial"] != best.number or result["status"] != "ok":
        result = {"trial": best.number, "status": "ok", "repeats": []}
    while len(result["repeats"]) < repeats and result["status"] == "ok":
        repeat = len(result["repeats"])
        left = (end - time.monotonic()) / (repeats - repeat)
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder, "model.skops") if repeat == 0 else None
            ended = supervisor.run(
                replace(
                    job,
                    task=replace(job.task, seed=job.task.seed + repeat),
                    params=dict(best.params),
                    test_images=test.images,
                    best_step=record["best_step"],
                    fraction=affordable_fraction(record, left, growth),
                    measure_speed=repeat == 0,
                    model=model,
                    seconds=max(0.1, 0.9 * left),
                ),
                max(1.0, left),
            )
            stored = workspace.save_file(run.studies[name], model) if model and model.exists() else None
        outcome = ended.outcome
        if outcome is None and repeat == 0:
            result |= {"status": f"the refit failed: {ended.reason}", "traceback": ended.traceback[-8000:]}
        elif outcome is None:
            result["remarks"] = [*result["remarks"], f"{repeat} of {repeats} refits; the next failed: {ended.reason}"]
            run.record_result(name, result)
            break
        else:
            tested = examine(outcome, job, test, run.specification.metric)
            # with the labels, so that every two candidates can be compared whenever somebody looks
            tested["test_predictions"] = workspace.save_arrays(
                run.studies[name], "test", labels=test.labels, **outcome.arrays
            )
            if repeat == 0:
                if stored is None and not any("model cannot be kept" in remark for remark in outcome.remarks):
                    tested["remarks"].append("its model cannot be kept: the time was up before it was written")
                result = result | tested | {"model": stored}
            kept = ("test_accuracy", "test_score", "refit_seconds", "test_predictions")
            seed = {"seed": job.task.seed + repeat}
            result["repeats"] = [*result["repeats"], seed | {key: tested[key] for key in kept}]
        run.record_result(name, result)
    return result


def training_seconds(outcome: Outcome) -> float:
    """Returns the wall-clock seconds of what a refit is billed for as training."""
    return sum(outcome.seconds[phase] for phase in _TRAINING)


def examine(outcome: Outcome, job: Job, test: Exam, metric: str) -> dict[str, Any]:
    """Returns what there is to say of a refit: JSON-able, and with the leaderboard's keys where it has them.

    Args:
        outcome: The refit's, on the test images.
        job: What it was.
        test: What it was tested on.
        metric: What the run ranks by.
    """
    correct, n = int(np.sum(outcome.predictions == test.labels)), len(test.labels)
    low, high = accuracy_interval(correct, n)
    metrics = further_metrics(
        test.labels, outcome.predictions, outcome.probabilities, outcome.scores, job.task.class_names
    )
    return {
        "test_accuracy": correct / n,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_accuracy_clean": clean_accuracy(outcome.predictions, test.labels, test.clean),
        "test_score": correct / n if metric == ACCURACY else metrics[metric.replace("-", "_")],
        "test_roc_auc": metrics["roc_auc"],
        "metrics": metrics,
        "train_fraction": outcome.fraction,
        "seconds": outcome.seconds,
        "cpu_seconds": outcome.cpu_seconds,
        "refit_seconds": training_seconds(outcome),
        "refit_cpu_seconds": sum(outcome.cpu_seconds[phase] for phase in _TRAINING),
        "warmup_seconds": outcome.seconds["warmup"],
        "energy_joules": outcome.joules,
        "latency_ms": outcome.latency_ms,
        "latency_p95_ms": outcome.latency_p95_ms,
        "throughput": {str(batch): rate for batch, rate in (outcome.throughput or {}).items()},
        "parameters": outcome.parameters,
        "flops": outcome.flops,
        "images_per_second": outcome.images_per_second,
        "remarks": list(outcome.remarks),
        "peak_memory_mb": outcome.peak_memory_mb,
        "hardware": hardware.detect().as_dict(),
    }
