"""The owner of a run's studies: asks Optuna for trials, has them run, and tells how they ended.

The next trial goes to the candidate that has used the least of its share of the budget, so that whenever a run ends,
every candidate has had the same time. Enough of each share is kept back for the candidate's refit.
"""

from __future__ import annotations

import hashlib
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.candidate import BASELINE, Candidate
from workbench.tuning.fitting import RUNG_FACTOR
from workbench.tuning.job import Job
from workbench.tuning.supervisor import Ended, Stop, Supervisor
from workbench.tuning.trials import RECORD, record_of
from workbench.tuning.workspace import Run, Workspace

if TYPE_CHECKING:
    from optuna.study import Study

#: After so many failures in a row a candidate is given up.
MAX_FAILURES = 3
_SHORTEST = 0.5  # seconds: no trial is started with less
_OVERHEAD = 2.5  # seconds of a refit that do not grow with the data: process, latency, records
_MARGIN = 1.25  # a refit takes this much more than its share of the images says; a kernel machine is quadratic


class Progress(Protocol):
    """Is told what happens, to show it."""

    def tuning(self, contenders: list[Contender]) -> None:
        """Something changed: a trial started or ended."""

    def ended(self, contender: Contender, number: int, ended: Ended, value: float | None) -> None:
        """A trial ended."""


@dataclass
class Contender:
    """A candidate while it is tuned.

    Attributes:
        candidate: What competes.
        study: Its Optuna study.
        job: What its trials do; parameters and time are filled in for each.
        share: Wall-clock seconds it may use, its refit included.
        growth: Factor by which a refit has more images than a fit of a trial.
        refits: How often it is refitted, with other seeds.
        used: Seconds used so far.
        best: Best value so far, more being better: validation accuracy unless another metric was chosen.
        counts: Trials by how they ended: ``complete``, ``pruned``, ``failed``.
        closed: Why it gets no more trials; empty while it may.
    """

    candidate: Candidate
    study: Study
    job: Job
    share: float
    growth: float
    refits: int = 1
    used: float = 0.0
    best: float | None = None
    counts: dict[str, int] = field(default_factory=lambda: {"complete": 0, "pruned": 0, "failed": 0})
    closed: str = ""
    running_since: float | None = None
    _durations: list[float] = field(default_factory=list)
    _failures: int = 0
    _refit_seconds: float = 0.0

    @property
    def trials(self) -> int:
        """Number of trials that ended by themselves or by the clock; interrupted ones do not count."""
        return sum(self.counts.values())

    @property
    def limit(self) -> float:
        """Seconds that the next trial may take, such that the refits of the best, or of it, still fit the share."""
        left = self.share - self.used
        fits = max(1, len(self.job.folds))
        afterwards = _MARGIN * self.growth * self.refits / fits
        return min(left - self._refit_seconds, (left - self.refits * _OVERHEAD) / (1 + afterwards))

    @property
    def enough(self) -> float:
        """Seconds without which no trial is started: most would not end."""
        return max(_SHORTEST, 0.8 * statistics.median(self._durations) if self._durations else 0.0)

    def take(self, ended: Ended, value: float | None, record: dict[str, Any]) -> None:
        """Counts a trial in."""
        self.used += ended.seconds
        if ended.state in ("skipped", "interrupted"):
            return
        self.counts[ended.state] += 1
        if ended.state == "failed":
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                self.closed = f"{MAX_FAILURES} trials failed in a row; the last: {ended.reason}"
            return
        self._failures = 0
        self._durations.append(ended.seconds)
        if value is not None and (self.best is None or value > self.best):
            self.best = value
            self._refit_seconds = self.refits * refit_estimate(record["seconds"], self.growth)


def refit_estimate(seconds: dict[str, float], growth: float) -> float:
    """Estimates how long a refit takes from what a trial's phases took, in seconds."""
    return _OVERHEAD + _MARGIN * growth * (sum(seconds.values()) - seconds["rungs"])


class Tuner:
    """Tunes the candidates of a run until their shares of the budget are used up.

    Args:
        run: The run, its studies included.
        workspace: Where it is recorded.
        supervisor: Runs the trials.
        progress: Is told what happens.
        stop: A request to end.
    """

    def __init__(self, run: Run, workspace: Workspace, supervisor: Supervisor, progress: Progress, stop: Stop) -> None:
        self._run = run
        self._workspace = workspace
        self._supervisor = supervisor
        self._progress = progress
        self._stop = stop

    def tune(self, contenders: list[Contender]) -> None:
        """Gives out trials until every share is used up or a stop is requested."""
        most = self._run.specification.trials
        while not self._stop.requested:
            for contender in contenders:
                if not contender.closed and most is not None and contender.trials >= most:
                    contender.closed = "all its trials are done"
                if not contender.closed and contender.limit < contender.enough:
                    contender.closed = "what is left of its share is kept for its refit"
            ready = [contender for contender in contenders if not contender.closed]
            if not ready:
                return
            self._trial(min(ready, key=lambda contender: contender.used), contenders)

    def _trial(self, contender: Contender, contenders: list[Contender]) -> None:
        import optuna

        study = contender.study
        study.sampler = self._sampler(contender)
        contender.running_since = time.monotonic()
        self._progress.tuning(contenders)
        if contender.trials == 0 and (start := contender.candidate.start(contender.job.task)):
            study.enqueue_trial(start, skip_if_exists=True)
        trial = study.ask()

        def on_report(value: float, step: int, rung: bool) -> bool:
            # Learning curves by steps cross; they are compared with the median, and not in the first epochs. Rungs are
            # few, and each costs as much as all below it together: only what is among the best climbs on (ASHA).
            study.pruner = (
                optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=RUNG_FACTOR)
                if rung
                else optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=0 if contender.job.folds else 3)
            )
            trial.report(value, step)
            return trial.should_prune()

        limit = contender.limit
        soft = 0.95 * limit - 0.5  # learners that watch the clock stop a little before they are stopped
        ended = self._supervisor.run(
            replace(contender.job, seconds=max(0.1, soft)),
            limit,
            trial=trial,
            on_report=on_report,
            stop=self._stop,
        )
        ended, value, record = self._score(contender, trial, ended)
        ended = replace(ended, seconds=time.monotonic() - contender.running_since)
        record["trial_seconds"] = ended.seconds
        trial.set_user_attr(RECORD, record)
        states = {"complete": optuna.trial.TrialState.COMPLETE, "pruned": optuna.trial.TrialState.PRUNED}
        study.tell(trial, value, state=states.get(ended.state, optuna.trial.TrialState.FAIL))
        contender.running_since = None
        contender.take(ended, value, record)
        if ended.state == "skipped":
            contender.closed = f"skipped: {ended.reason}"
        elif ended.state == "complete" and not trial.params:
            contender.closed = "it has no parameters to tune"
        self._progress.ended(contender, trial.number, ended, value)
        self._progress.tuning(contenders)

    def _score(self, contender: Contender, trial: Any, ended: Ended) -> tuple[Ended, float | None, dict[str, Any]]:
        """Returns how a trial ended, its value and what is recorded of it; keeps the predictions of a new best."""
        job, outcome, value = contender.job, ended.outcome, None
        if outcome is not None:
            try:
                value = outcome.value(job.metric, job.validation_labels)
            except ValueError as error:  # there are no probabilities that the metric needs
                ended, outcome = replace(ended, state="failed", outcome=None, reason=str(error)), None
        record: dict[str, Any] = {"state": ended.state, "reason": ended.reason}
        if ended.traceback:
            record["traceback"] = ended.traceback[-8000:]
        if outcome is None or value is None:
            return ended, None, record
        record |= {
            "validation_accuracy": float(np.mean(outcome.predictions == job.validation_labels)),
            "fold_values": list(outcome.fold_values),
            "seconds": outcome.seconds,
            "cpu_seconds": outcome.cpu_seconds,
            "saved_seconds": outcome.saved_seconds,
            "fraction": outcome.fraction,
            "best_step": outcome.best_step,
            "parameters": outcome.parameters,
            "flops": outcome.flops,
            "images_per_second": outcome.images_per_second,
            "remarks": list(outcome.remarks),
            "features": outcome.features,
            "peak_memory_mb": outcome.peak_memory_mb,
        }
        if contender.best is None or value > contender.best:
            record["validation_predictions"] = self._workspace.save_arrays(
                trial, "validation", labels=job.validation_labels, **outcome.arrays
            )
        return ended, value, record

    def _sampler(self, contender: Contender) -> Any:
        """Returns a sampler whose seed depends on how many trials there were: a resumed run repeats nothing."""
        import optuna

        seed = f"{self._run.specification.seed}/{contender.candidate.name}/{contender.trials}"
        digest = hashlib.blake2b(seed.encode(), digest_size=4).digest()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # by group: which parameters there are depends on what else the trial chose
            return optuna.samplers.TPESampler(n_startup_trials=6, group=True, seed=int.from_bytes(digest))


def contenders_of(run: Run, candidates: list[Candidate], job: Callable[[Candidate], Job], seconds: float,
                  growth: float) -> list[Contender]:  # fmt: skip
    """Prepares the candidates of a run, new or resumed, and shares the time out equally. The baseline costs nothing.

    A trial that a killed run left behind is told as failed, and does not count.

    Args:
        run: The run.
        candidates: Its candidates.
        job: Makes a candidate's job.
        seconds: Wall-clock seconds to share out, what was used before a resume included.
        growth: Images of a refit by images of a fit of a trial.
    """
    import optuna

    share = seconds / max(1, sum(candidate.name != BASELINE for candidate in candidates))
    contenders = []
    for candidate in candidates:
        study = run.studies[candidate.name]
        contender = Contender(candidate, study, job(candidate), share, growth, run.specification.repeats)
        for trial in study.get_trials(deepcopy=False):
            if not trial.state.is_finished():
                study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
                continue
            record = record_of(trial)
            ended = Ended(record["state"], record["trial_seconds"], reason=record["reason"])
            contender.take(ended, trial.value if record["state"] == "complete" else None, record)
            if record["state"] == "complete" and not trial.params:
                contender.closed = "it has no parameters to tune"
        contenders.append(contender)
    return contenders
