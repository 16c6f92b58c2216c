"""The leaderboard: one row a candidate, and the verdict, from what was recorded and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.candidate import BASELINE
from workbench.judge.verdict import verdict
from workbench.tuning.trials import params_of, read_trials
from workbench.tuning.workspace import Run, Workspace

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from optuna.study import Study

#: Keys of a row, in order.
COLUMNS = (
    "candidate", "family", "validation_accuracy", "test_accuracy", "test_accuracy_low", "test_accuracy_high",
    "test_accuracy_clean", "test_roc_auc", "extract_seconds", "fit_seconds", "refit_seconds", "warmup_seconds",
    "tuning_seconds", "trials", "parameters", "flops", "images_per_second", "latency_ms", "train_fraction",
    "best_params", "remarks", "status",
)  # fmt: skip

#: Keys of a pairwise comparison, in order.
PAIR = ("a", "b", "difference", "low", "high", "p", "p_holm")


class Comparison:
    """A recorded run, to be read.

    Args:
        run: The run.
        workspace: Where its predictions are kept.

    Attributes:
        name: The run's name.
    """

    def __init__(self, run: Run, workspace: Workspace) -> None:
        self._run = run
        self._workspace = workspace
        self.name = run.name

    def rows(self) -> list[dict[str, Any]]:
        """Returns the leaderboard as JSON-able rows with the keys :data:`COLUMNS`, best test accuracy first."""
        rows = [_row(self._run, candidate) for candidate in self._run.specification.candidates]
        return sorted(rows, key=lambda row: (-(row["test_accuracy"] or -1), -(row["validation_accuracy"] or -1)))

    def leaderboard(self) -> pd.DataFrame:
        """Returns the leaderboard as a data frame, one row a candidate, best test accuracy first."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=list(COLUMNS))

    def pairwise(self) -> pd.DataFrame:
        """Returns how every two tested candidates compare, one row a pair.

        Its columns: ``a``, the one with the better test accuracy, and ``b``; the ``difference`` of their test
        accuracies, with its 95 % bootstrap interval from ``low`` to ``high``; ``p`` of the exact McNemar test, and
        ``p_holm``, corrected by Holm's method over all pairs.
        """
        import pandas as pd

        return pd.DataFrame(self._pairs(self.rows()), columns=list(PAIR))

    def verdict(self) -> str:
        """Returns the verdict in words; see :func:`workbench.judge.verdict.verdict`."""
        rows = self.rows()
        return verdict(rows, self._pairs(rows))

    def anytime(self) -> dict[str, Any]:
        """Returns who had which validation accuracy after how many seconds; see :mod:`workbench.judge.anytime`."""
        from workbench.judge import anytime

        studies = {name: study for name, study in self._run.studies.items() if name != BASELINE}
        return anytime.anytime({name: anytime.spent(read_trials(s)) for name, s in studies.items()})

    def document(self) -> dict[str, Any]:
        """Returns all that ``workbench show --json`` prints.

        Besides what the other methods return: ``metrics`` with each row of the leaderboard (see
        :func:`workbench.judge.metrics.further_metrics`), and the ``ledger``, each candidate's seconds by phase, which
        add up to what it cost: ``tuning``, all its trials in all; the others are phases of the refit and the test.
        """
        rows = self.rows()
        pairs = self._pairs(rows)
        results = {row["candidate"]: self._result(row["candidate"]) for row in rows}
        return {
            "run": self.name,
            "candidates": list(self._run.specification.candidates),
            "data": self._run.specification.data,
            "verdict": verdict(rows, pairs),
            "leaderboard": [{**row, "metrics": results[row["candidate"]].get("metrics")} for row in rows],
            "pairwise": pairs,
            "ledger": {
                row["candidate"]: {"tuning": row["tuning_seconds"], **results[row["candidate"]].get("seconds", {})}
                for row in rows
            },
            "anytime": self.anytime(),
        }

    def _result(self, candidate: str) -> dict[str, Any]:
        return (self._run.result(candidate) or {}) if candidate in self._run.studies else {}

    def _pairs(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        from workbench.judge.statistics import compare_pairs

        correct = {row["candidate"]: self._correct(row["candidate"]) for row in rows}
        return compare_pairs({name: right for name, right in correct.items() if right is not None})

    def _correct(self, candidate: str) -> npt.NDArray[np.bool_] | None:
        """Returns whether each test image was predicted right; None if there are no predictions, or no more."""
        from optuna.artifacts.exceptions import ArtifactNotFound

        recorded = self._result(candidate).get("test_predictions")
        if recorded is None:
            return None
        try:
            arrays = self._workspace.load_arrays(recorded)
        except ArtifactNotFound:
            return None
        return arrays["predictions"] == arrays["labels"] if "labels" in arrays else None

    @property
    def studies(self) -> dict[str, Study]:
        """The Optuna study of each candidate."""
        return self._run.studies

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: not killed, not interrupted, and not running now."""
        return self._run.finished

    def __repr__(self) -> str:
        return f"<Comparison {self.name!r} of {', '.join(self._run.specification.candidates)}>"


def family_of(candidate: str) -> str:
    """Returns a recorded candidate's family, from its path alone: its plugins may be gone by now."""
    if candidate == BASELINE:
        return "baseline"
    return "hand-crafted" if "/" in candidate else "deep"


def _row(run: Run, candidate: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"candidate": candidate, "family": family_of(candidate)}
    row |= {"tuning_seconds": 0.0, "best_params": {}, "remarks": []}
    row["trials"] = {"complete": 0, "pruned": 0, "failed": 0}
    if candidate not in run.studies:
        return row | {"status": "the run was killed before it was recorded"}
    trials = read_trials(run.studies[candidate])
    records = [trial.record for trial in trials]
    for record in records:
        row["tuning_seconds"] += record["trial_seconds"]
        if record["state"] in row["trials"]:
            row["trials"][record["state"]] += 1
    complete = [trial for trial in trials if trial.record["state"] == "complete"]
    best = max(complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)
    result = run.result(candidate)
    if best is not None:
        record = best.record
        row |= {
            "validation_accuracy": best.value,
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
        row |= {key: value for key, value in result.items() if key in COLUMNS}
        return row
    return row | {"status": _why_nothing(records, best is not None)}


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
