"""A row of the leaderboard: one candidate, from what was recorded of its trials and its refit."""

from __future__ import annotations

import statistics
from typing import Any

from workbench.candidate import BASELINE
from workbench.tuning.scoring import orient
from workbench.tuning.trials import best_of, params_of
from workbench.tuning.workspace import Run

#: Keys of a row, in order.
COLUMNS = (
    "candidate", "family", "validation_accuracy", "validation_score", "test_accuracy", "test_accuracy_low",
    "test_accuracy_high", "test_accuracy_clean", "test_score", "test_roc_auc", "repeats", "test_accuracy_mean",
    "test_accuracy_sd", "load_seconds", "extract_seconds", "fit_seconds", "refit_seconds", "refit_seconds_mean",
    "refit_seconds_sd", "refit_cpu_seconds", "warmup_seconds", "tuning_seconds", "energy_joules", "peak_memory_mb",
    "trials", "parameters", "flops", "images_per_second", "latency_ms", "latency_p95_ms", "throughput",
    "train_fraction", "best_params", "gain", "remarks", "status",
)  # fmt: skip

#: A row of nothing.
EMPTY: dict[str, Any] = dict.fromkeys(COLUMNS) | {
    "tuning_seconds": 0.0,
    "trials": {"complete": 0, "pruned": 0, "failed": 0},
    "best_params": {},
    "remarks": [],
}


def family_of(candidate: str) -> str:
    """Returns a recorded candidate's family, from its path alone: its plugins may be gone by now."""
    if candidate == BASELINE:
        return "baseline"
    return "hand-crafted" if "/" in candidate else "deep"


def row_of(run: Run, candidate: str) -> dict[str, Any]:
    """Returns the row of one candidate, from what was recorded of its trials and its refit."""
    row: dict[str, Any] = dict(EMPTY)
    row |= {"candidate": candidate, "family": family_of(candidate)}
    row["load_seconds"] = run.specification.data["load_seconds"]
    row["trials"] = dict(row["trials"])
    if candidate not in run.studies:
        return row | {"status": "the run was killed before it was recorded"}
    trials = run.trials(candidate)
    records = [trial.record for trial in trials]
    for record in records:
        row["tuning_seconds"] += record["trial_seconds"]
        if record["state"] in row["trials"]:
            row["trials"][record["state"]] += 1
    best = best_of(trials)
    result = run.result(candidate)
    if best is not None:
        record = best.record
        assert best.value is not None
        row |= {
            "validation_accuracy": record["validation_accuracy"],
            "validation_score": orient(run.specification.metric, best.value),
            "extract_seconds": record["seconds"]["extract"],
            "fit_seconds": record["seconds"]["select"] + record["seconds"]["fit"],
            "parameters": record["parameters"],
            "flops": record["flops"],
            "images_per_second": record["images_per_second"],
            "remarks": record["remarks"],
            "train_fraction": record["fraction"],
            "best_params": params_of(run.studies[candidate], best.number),
        }
    if result is not None:
        row |= {key: value for key, value in result.items() if key in COLUMNS and key != "repeats"}
        return row | _spread(result.get("repeats", []))
    return row | {"status": _why_nothing(records, best is not None)}


def _spread(repeats: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns mean and standard deviation over refits with other seeds; of a single one there is no spread."""
    found: dict[str, Any] = {"repeats": len(repeats)}
    for key in ("test_accuracy", "refit_seconds") if len(repeats) > 1 else ():
        values = [repeat[key] for repeat in repeats]
        found |= {f"{key}_mean": statistics.mean(values), f"{key}_sd": statistics.stdev(values)}
    return found


def _why_nothing(records: list[dict[str, Any]], has_best: bool) -> str:
    """Says in words why a candidate has no test accuracy."""
    if has_best:
        return "not refitted yet: the run was interrupted (workbench tune --resume goes on)"
    skipped = [record["reason"] for record in records if record["state"] == "skipped"]
    if skipped:
        return f"skipped: {skipped[-1]}"
    failed = [record["reason"] for record in records if record["state"] in ("failed", "pruned")]
    if failed:
        reasons = f"the last: {failed[-1]}" if len(failed) > 1 else failed[-1]
        longer = "; give it a longer --budget" if "ran out of time" in failed[-1] else ""
        return f"no trial finished: {len(failed)} of {len(failed)} failed; {reasons}{longer}"
    if records:
        return "no trial finished: the run was interrupted"
    return "no trial was started: its share of the budget was too short; give a longer --budget"
