"""What a run needs while it is worked on: its images and their split, its candidates, and processes for its trials."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench import data, hardware
from workbench.candidate import BASELINE, Candidate, parse
from workbench.judge import ensemble, refit
from workbench.judge.leaderboard import Comparison
from workbench.loading import Loaded, describe_repair, load_again, say_skipped
from workbench.plugin import Task
from workbench.registry import Registry
from workbench.tuning.job import Fold, Job
from workbench.tuning.progress import Silent
from workbench.tuning.specification import ACCURACY, METRICS, Specification, format_seconds
from workbench.tuning.supervisor import Stop, Supervisor
from workbench.tuning.tuner import Contender, Tuner, contenders_of
from workbench.tuning.workspace import Run, Workspace


class Session:
    """A run that is worked on. Making it builds every candidate once, to see that it can.

    Args:
        specification: The run's.
        place: Where it is recorded.
        show: Is told what happens.
        candidates: Its candidates.
        loaded: Its data.

    Attributes:
        task: What plugins may know.
        seen: Row numbers of the images to train and validate on, in the order that jobs have them.
        growth: Factor by which a refit has more images than a fit of a trial.
        skipped: Reason of each candidate that cannot serve the task.
    """

    def __init__(
        self,
        specification: Specification,
        place: Workspace,
        show: Silent,
        candidates: list[Candidate],
        loaded: Loaded,
    ) -> None:
        images, split = loaded.images, loaded.split
        self.specification = specification
        self.loaded = loaded
        self._place = place
        self._show = show
        self.candidates = candidates
        self.seen = np.concatenate([split.train, split.val])
        self._folds = self._cross_validation() if specification.folds else ()
        fit_on = self.seen[self._folds[0].rows[: self._folds[0].n_train]] if self._folds else split.train
        self.growth = len(self.seen) / len(fit_on)
        self.task = Task(
            image_shape=images.shape,
            class_names=images.class_names,
            n_train=len(fit_on),
            seed=specification.seed,
            n_jobs=specification.n_jobs,
            device="gpu" if hardware.detect().gpus else "cpu",
            deterministic=specification.deterministic,
            class_counts=tuple(np.bincount(images.labels[fit_on], minlength=len(images.class_names)).tolist()),
        )
        self.supervisor = Supervisor(tuple(module for candidate in candidates for module in candidate.preload()))
        built = {c.name: self.supervisor.build(self.job(c), specification.seed) for c in candidates}
        self.skipped = {name: f"skipped: {ended.reason}" for name, ended in built.items() if ended.state == "skipped"}

    @cached_property
    def exam(self) -> refit.Exam:
        """The test set."""
        images, split, report = self.loaded.images, self.loaded.split, self.loaded.report
        leaked = () if report is None or report.repaired is not None else report.leaked_test
        return refit.Exam(
            images=data.arrange(images, split.test, f"{split.hash}-test"),
            labels=images.labels[split.test],
            clean=None if report is None else ~np.isin(split.test, leaked),
        )

    def job(self, candidate: Candidate) -> Job:
        """Returns a candidate's job; parameters and time are filled in for each trial."""
        return Job(
            candidate=candidate,
            task=self.task,
            images=self.arrange(self.seen, "seen"),
            labels=self.loaded.images.labels[self.seen],
            n_train=len(self.loaded.split.train),
            seconds=0.0,
            log=self._place.log(self.specification.run),
            cache=self._place.features,
            metric=self.specification.metric,
            folds=self._folds,
        )

    def arrange(self, order: data.Rows, name: str) -> Path:
        """Returns the file of the images in some order, which it writes unless it is there."""
        return data.arrange(self.loaded.images, order, f"{self.loaded.split.hash}-{name}")

    def _cross_validation(self) -> tuple[Fold, ...]:
        """Every fold has its own order of the images: those it trains on, then those it validates on."""
        images, specification = self.loaded.images, self.specification
        parts = data.make_folds(images, self.seen, specification.folds, specification.seed)
        place = np.empty(len(images.labels), np.int64)
        place[self.seen] = np.arange(len(self.seen))
        folds = []
        for number, val in enumerate(parts):
            train = data.stratified_order(images.labels, np.setdiff1d(self.seen, val), specification.seed)
            order = np.concatenate([train, val])
            name = f"fold-{number + 1}-of-{len(parts)}"
            folds.append(Fold(self.arrange(order, name), place[order], len(train)))
        return tuple(folds)

    def compete(self, run: Run, started: float) -> tuple[Comparison, bool]:
        """Tunes, refits and tests.

        Args:
            run: The run.
            started: When its budget began to run, by ``time.monotonic``.

        Returns:
            The comparison, and whether it came to its end: False after Ctrl-C.
        """
        self._say_data()
        run.record_finished(False)
        for name, reason in self.skipped.items():
            self._show.say(f"{name} does not compete; {reason}")
            run.record_result(name, {"trial": None, "status": reason})
        competing = [candidate for candidate in self.candidates if candidate.name not in self.skipped]
        left = max(1.0, self.specification.budget_seconds - (time.monotonic() - started))
        contenders = contenders_of(run, competing, self.job, left, self.growth)
        shares = [max(0.0, c.share - c.used) for c in contenders if c.candidate.name != BASELINE]
        deadline = time.monotonic() + sum(shares)
        stop, comparison = Stop(), Comparison(run, self._place)
        with stop.on_signals(), self._show.live():
            Tuner(run, self._place, self.supervisor, self._show, stop).tune(contenders)
        if stop.requested:
            self._show.say("Interrupted: refitting what was found. Press Ctrl-C again to stop at once.")
        try:
            self._refit(run, contenders, deadline)
        except KeyboardInterrupt:
            return comparison, False
        if stop.requested:
            return comparison, False
        run.record_finished(True)
        return comparison, True

    def _refit(self, run: Run, contenders: Sequence[Contender], deadline: float) -> None:
        """Refits the best of each candidate, one after the other, each alone on the machine; and combines them."""
        waiting = [c.candidate for c in contenders if refit.needs_refit(run, c.candidate.name)]
        grace = 3 + 0.03 * self.specification.budget_seconds
        for position, candidate in enumerate(waiting, start=1):
            self._show.say(f"refitting {candidate.name} on training and validation images, and testing it")
            later = sum(refit.estimate_seconds(run, c.name, self.growth) for c in waiting[position:])
            seconds = max(deadline + grace - time.monotonic() - later, 1.0)
            result = refit.refit(
                run, self._place, self.supervisor, self.job(candidate), self.exam, seconds, self.growth
            )
            if result["status"] != "ok":
                self._show.say(f"{candidate.name}: {result['status']}")
        if waiting:
            ensemble.record_ensembles(run, self._place, self.task.class_names)

    def _say_data(self) -> None:
        images, split, report = self.loaded.images, self.loaded.split, self.loaded.report
        specification = self.specification
        height, width, channels = images.shape
        seeded = f"stratified by seed {specification.seed}" + ("" if images.groups is None else ", by group")
        self._show.say(
            f"{specification.run}: {len(images.labels):,} images of {width}x{height} pixels, "
            f"{'grey' if channels == 1 else 'colour'}, {len(images.class_names)} classes; "
            f"{len(split.train):,} to train, {len(split.val):,} to validate, {len(split.test):,} to test "
            f"({'official split' if split.official else seeded}, {split.hash[:8]})"
        )
        say_skipped(images.skipped, self._show)
        settings = [f"tuned for {METRICS[specification.metric]}"] * (specification.metric != ACCURACY)
        settings += [f"by cross-validation in {specification.folds} folds"] * bool(specification.folds)
        settings += [f"each refitted with {specification.repeats} seeds"] * (specification.repeats > 1)
        self._show.say(
            f"budget {format_seconds(specification.budget_seconds)} for {', '.join(specification.candidates)}"
            + "".join(f"; {setting}" for setting in settings)
        )
        if report is not None:
            self._say_audit(report)

    def _say_audit(self, report: data.AuditReport) -> None:
        findings = list(report.sentences())
        for finding in findings:
            self._show.say(f"audit: {finding}")
        if findings:
            self._show.say(f"audit: workbench audit {report.source} for all of it")
        if report.repaired is not None:
            self._show.say(f"audit: {describe_repair(report)}")


def reopen(run: str, place: Workspace, show: Silent, budget_seconds: float | None = None) -> tuple[Run, Session]:
    """Opens a recorded run to work on it, with its data.

    Args:
        run: Its name.
        place: Where it is recorded.
        show: Is told what happens.
        budget_seconds: A new budget; None: the one it had.

    Raises:
        RunError: If there is no such run, or its data have changed.
    """
    registry = Registry.discover()
    opened = place.open(run)
    if budget_seconds is not None:
        opened = replace(opened, specification=replace(opened.specification, budget_seconds=budget_seconds))
    specification = opened.specification
    parsed = [parse(name, registry) for name in specification.candidates]
    loaded = load_again(specification, place, show, registry)
    return opened, Session(specification, place, show, parsed, loaded)
