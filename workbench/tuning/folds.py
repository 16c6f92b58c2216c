"""Cross-validation of a trial: one fit a fold, so that the trial is valued by more than one part of the images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from workbench.plugin import Monitor
from workbench.tuning.fitting import fit
from workbench.tuning.job import Job, Outcome
from workbench.tuning.ledger import PHASES


def cross_validate(pipeline: Any, job: Job, monitor: Monitor, params: dict[str, Any]) -> Outcome:
    """Fits once a fold, each time on all others; reports the mean so far after each, so that the trial can be pruned.

    Returns:
        The predictions of every image by the model that had not seen it. Seconds are the mean of the folds: what one
        fit costs, as without cross-validation.
    """
    from sklearn.base import clone

    outcomes: list[Outcome] = []
    values: list[float] = []
    for number, fold in enumerate(job.folds, start=1):
        labels = job.labels[fold.rows]
        part = replace(job, images=fold.images, labels=labels, n_train=fold.n_train, folds=())
        rest = FoldMonitor(monitor, len(job.folds) - number + 1)
        outcome = fit(clone(pipeline), part, rest, params, rungs=())
        outcomes.append(outcome)
        values.append(outcome.value(job.metric, labels[fold.n_train :]))
        if number < len(job.folds):
            monitor.report(float(np.mean(values)), number)
    return _merged(job, outcomes, tuple(values))


class FoldMonitor:
    """The monitor of one fold: a part of the time, and nothing to report, for one fold alone prunes no trial."""

    best_step = None

    def __init__(self, monitor: Monitor, folds_left: int) -> None:
        self._monitor = monitor
        self._reserved = monitor.seconds_left * (1 - 1 / folds_left)

    def report(self, value: float, step: int) -> None:
        """Keeps what a learner reports to itself."""

    def report_rung(self, value: float, step: int) -> None:
        """Keeps a fit on a part of the images to itself."""

    def so_far(self, outcome: Outcome) -> None:
        """Keeps it to itself: a part of the folds can be compared with nothing."""

    @property
    def seconds_left(self) -> float:
        """Seconds until this fold should be done."""
        return self._monitor.seconds_left - self._reserved


def _merged(job: Job, outcomes: list[Outcome], values: tuple[float, ...]) -> Outcome:
    rows = np.concatenate([fold.rows[fold.n_train :] for fold in job.folds])
    back = np.argsort(rows)
    arrays: dict[str, Any] = dict.fromkeys(("probabilities", "scores"))
    for name in outcomes[0].arrays:
        arrays[name] = np.concatenate([outcome.arrays[name] for outcome in outcomes])[back]

    def mean(ledgers: list[dict[str, float]]) -> dict[str, float]:
        return {phase: float(np.mean([ledger[phase] for ledger in ledgers])) for phase in PHASES}

    steps = [outcome.best_step for outcome in outcomes if outcome.best_step is not None]
    return replace(
        outcomes[-1],
        **arrays,
        seconds=mean([outcome.seconds for outcome in outcomes]),
        cpu_seconds=mean([outcome.cpu_seconds for outcome in outcomes]),
        saved_seconds=float(np.mean([outcome.saved_seconds for outcome in outcomes])),
        best_step=round(float(np.median(steps))) if steps else None,
        remarks=tuple(dict.fromkeys(remark for outcome in outcomes for remark in outcome.remarks)),
        fold_values=values,
    )
