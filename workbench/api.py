"""The workbench from Python: the same runs that ``workbench tune`` makes, in the same workspace."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata

import numpy as np

from workbench import data, hardware
from workbench.candidate import BASELINE, Candidate, parse
from workbench.errors import DataError, RunError, WorkbenchError
from workbench.judge import refit
from workbench.judge.leaderboard import Comparison
from workbench.plugin import Task
from workbench.registry import Registry
from workbench.tuning.features import parse_size
from workbench.tuning.job import Job
from workbench.tuning.progress import Display, Silent
from workbench.tuning.specification import Specification, format_seconds, parse_budget
from workbench.tuning.supervisor import Stop, Supervisor
from workbench.tuning.tuner import Contender, Tuner, contenders_of
from workbench.tuning.workspace import DEFAULT_WORKSPACE, Run, Workspace

#: What competes when nobody says what: both families.
DEFAULT_CANDIDATES = ("hog/svm", "hog+color+edges/xgboost", "cnn")

_PACKAGES = ("keras", "numpy", "optuna", "scikit-image", "scikit-learn", "tensorflow", "xgboost")


class Interrupted(KeyboardInterrupt):
    """A run was ended by Ctrl-C. What was finished is kept.

    Attributes:
        comparison: What there is of it.
    """

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(comparison.name)
        self.comparison = comparison


def tune(
    source: str | os.PathLike[str],
    candidates: Sequence[str] | None = None,
    *,
    budget: str | float = "10m",
    trials: int | None = None,
    seed: int = 0,
    image_size: int | None = None,
    exclude: Sequence[str] = (),
    workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE,
    storage: str | None = None,
    deterministic: bool = False,
    cache_size: str | float | None = None,
    audit: bool = True,
    repair: bool = False,
    progress: Silent | bool = True,
) -> Comparison:
    """Compares candidates on a data set: same images, same split, same seeds, same time.

    Args:
        source: Name of a data set plugin; or path of a folder of class folders (with or without ``train``, ``val`` and
            ``test`` above them), of a table (``.csv`` or ``.parquet`` with the columns path and label, and optionally
            split and group), of an ``.npz`` or of a folder of IDX files.
        candidates: Paths such as ``hog+color/kbest/svm`` or ``cnn``; default: :data:`DEFAULT_CANDIDATES`. The
            most-frequent-class baseline always competes besides.
        budget: Wall-clock time for the whole run, refits and tests included: ``"90s"``, ``"10m"``, ``"1h"`` or seconds.
        trials: Most trials for a candidate.
        seed: Seed of the split, the samplers and the estimators.
        image_size: Side in pixels that every image is stretched to; default: chosen from the images.
        exclude: Names of classes to leave out.
        workspace: Folder where the run is recorded.
        storage: URL of an Optuna storage; default: SQLite in the workspace.
        deterministic: Makes equal seeds give equal results for networks too, whose number of epochs otherwise depends
            on the machine's speed.
        cache_size: Most features to keep in the workspace for later trials and runs: ``"5GB"``, bytes, or 0 for none.
            Default: 20 GB, or half of what is free on the disk if that is less.
        audit: Whether to look for duplicates and leaks first. The leaderboard then has the test accuracy without test
            images that leak, too.
        repair: Whether to repair the split by what the audit finds; see :func:`audit_source`.
        progress: Whether to show on stderr what is happening.

    Returns:
        The finished comparison.

    Raises:
        WorkbenchError: For whatever the caller can mend, in words.
        Interrupted: After Ctrl-C, with what there is of the comparison.
    """
    started = time.monotonic()
    show = progress if isinstance(progress, Silent) else Display() if progress else Silent()
    budget_seconds = parse_budget(budget)
    if trials is not None and trials < 1:
        raise WorkbenchError(f"trials must be at least 1, not {trials}")
    registry = Registry.discover()
    names = list(dict.fromkeys([BASELINE, *(candidates or DEFAULT_CANDIDATES)]))
    parsed = [parse(name, registry) for name in names]
    place = Workspace(workspace, storage, None if cache_size is None else parse_size(cache_size))
    if repair and not audit:
        raise WorkbenchError("a repair needs the audit: leave out either repair or no audit (--repair, --no-audit)")
    found = data.resolve(str(source), registry, exclude)
    _ = place.storage  # if it cannot be opened, say so before images are decoded
    images, split, report = _load(found, place, image_size, seed, show, audit, repair)
    with place.new_name(images.name) as name:
        specification = Specification(
            run=name,
            source=images.location,
            candidates=tuple(candidate.name for candidate in parsed),
            budget_seconds=budget_seconds,
            trials=trials,
            seed=seed,
            image_size=image_size,
            exclude=tuple(exclude),
            deterministic=deterministic,
            n_jobs=hardware.cpu_count(),
            data=_describe(images, split, report),
            hardware=hardware.detect().as_dict(),
            versions={"workbench": metadata.version("image-workbench"), **_versions()},
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        session = _Session(specification, place, show, started, parsed, images, split, report)
        run = place.create(specification)
        first = next(iter(run.studies.values()))
        first.set_user_attr("workbench:split", place.save_arrays(first, "split", **split.record(images)))
        return session.compete(run)


def resume(
    run: str,
    *,
    budget: str | float | None = None,
    workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE,
    storage: str | None = None,
    cache_size: str | float | None = None,
    progress: Silent | bool = True,
) -> Comparison:
    """Goes on where a run stopped, however it stopped: tunes for the rest of its budget, and refits what is missing.

    Args:
        run: The run's name.
        budget: New budget of the whole run, what was used before included; default: the one it had.
        workspace: Folder where the run is recorded.
        storage: URL of an Optuna storage; default: SQLite in the workspace.
        cache_size: Most features to keep in the workspace; see :func:`tune`.
        progress: Whether to show on stderr what is happening.

    Raises:
        WorkbenchError: If there is no such run, or its data have changed.
        Interrupted: After Ctrl-C, with what there is of the comparison.
    """
    started = time.monotonic()
    show = progress if isinstance(progress, Silent) else Display() if progress else Silent()
    place = Workspace(workspace, storage, None if cache_size is None else parse_size(cache_size))
    specification = place.open(run).specification
    if budget is not None:
        specification = replace(specification, budget_seconds=parse_budget(budget))
    registry = Registry.discover()
    parsed = [parse(name, registry) for name in specification.candidates]
    with place.hold(run):
        found = data.resolve(specification.source, registry, specification.exclude)
        audited = specification.data.get("audit")  # a run of an older version has none
        images, split, report = _load(
            found, place, specification.image_size, specification.seed, show,
            audited is not None, bool(audited and audited["repaired"]),
        )  # fmt: skip
        if split.hash != specification.data["split_hash"]:
            raise RunError(
                f"the data of run {run!r} have changed since it began ({specification.source}); "
                "its results would not be comparable. Start a new run, or put the data back."
            )
        session = _Session(specification, place, show, started, parsed, images, split, report)
        studies = place.open(run).studies
        missing = [name for name in specification.candidates if name not in studies]
        if missing:  # killed while the studies were being made
            studies = {**studies, **place.create(specification, missing).studies}
        resumed = Run(specification, studies)
        resumed.record_specification()
        return session.compete(resumed)


def open_run(
    run: str, *, workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE, storage: str | None = None
) -> Comparison:
    """Opens a recorded run to read its leaderboard.

    Raises:
        RunError: If there is no such run, or a newer version made it.
    """
    place = Workspace(workspace, storage)
    return Comparison(place.open(run), place)


def audit_source(
    source: str | os.PathLike[str],
    *,
    seed: int = 0,
    image_size: int | None = None,
    exclude: Sequence[str] = (),
    repair: bool = False,
    workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE,
    progress: Silent | bool = True,
) -> data.AuditReport:
    """Looks for duplicates, contradictory labels, leaks and lopsided classes; :func:`tune` does so before it tunes.

    Args:
        source: See :func:`tune`.
        seed: Seed of the split.
        image_size: See :func:`tune`.
        exclude: Names of classes to leave out.
        repair: Whether to make a split that is free of what was found: of a family of copies, or a group, that is on
            more than one side, all go to training; images under different labels are left out.
        workspace: Folder whose cache keeps the decoded images.
        progress: Whether to show on stderr what is happening.

    Raises:
        WorkbenchError: If there are no images to look at, or no repaired split can be made.
    """
    show = progress if isinstance(progress, Silent) else Display() if progress else Silent()
    found = data.resolve(str(source), Registry.discover(), exclude)
    images = data.load(found, Workspace(workspace).cache, image_size, show.loading)
    return _audit(images, seed, show, repair)


def _audit(images: data.Images, seed: int, show: Silent, repair: bool) -> data.AuditReport:
    split, problem = None, ""
    try:
        split = data.make_split(images, seed)
    except DataError as error:
        problem = str(error)
    report = data.audit_images(images, split, problem, show.loading)
    return replace(report, repaired=data.make_split(images, seed, report.mend)) if repair else report


def _load(
    found: data.Source, place: Workspace, image_size: int | None, seed: int, show: Silent, audit: bool, repair: bool
) -> tuple[data.Images, data.Split, data.AuditReport | None]:
    images = data.load(found, place.cache, image_size, show.loading)
    if repair:
        report = _audit(images, seed, show, repair=True)
        assert report.repaired is not None
        return images, report.repaired, report
    split = data.make_split(images, seed)
    return images, split, data.audit_images(images, split, progress=show.loading) if audit else None


def _describe(images: data.Images, split: data.Split, report: data.AuditReport | None) -> dict[str, object]:
    counts = np.bincount(images.labels, minlength=len(images.class_names))
    return {
        "name": images.name,
        "fingerprint": images.fingerprint,
        "split_hash": split.hash,
        "official_split": split.official,
        "counts": {"images": len(images.labels), **split.counts},
        "classes": {name: int(count) for name, count in zip(images.class_names, counts, strict=True)},
        "image_shape": list(images.shape),
        "skipped": [{"path": path, "reason": reason} for path, reason in images.skipped],
        "audit": None if report is None else report.summary(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


class _Session:
    """One session of a run, a new one or a resumed one. Making it builds every candidate once, to see that it can."""

    def __init__(
        self,
        specification: Specification,
        place: Workspace,
        show: Silent,
        started: float,
        candidates: list[Candidate],
        images: data.Images,
        split: data.Split,
        report: data.AuditReport | None,
    ) -> None:
        self.specification = specification
        self.place = place
        self.show = show
        self.started = started
        self.candidates = candidates
        seen = np.concatenate([split.train, split.val])
        self.labels = images.labels[seen]
        self.test_labels = images.labels[split.test]
        self.growth = len(seen) / len(split.train)
        leaked = () if report is None or report.repaired is not None else report.leaked_test
        self.clean = None if report is None else ~np.isin(split.test, leaked)
        self._say_data(images, split)
        if report is not None:
            self._say_audit(report)
        self.images = data.arrange(images, seen, f"{split.hash}-seen")
        self.test_images = data.arrange(images, split.test, f"{split.hash}-test")
        self.task = Task(
            image_shape=images.shape,
            class_names=images.class_names,
            n_train=len(split.train),
            seed=specification.seed,
            n_jobs=specification.n_jobs,
            device="gpu" if hardware.detect().gpus else "cpu",
            deterministic=specification.deterministic,
            class_counts=tuple(np.bincount(images.labels[split.train], minlength=len(images.class_names)).tolist()),
        )
        self.supervisor = Supervisor(tuple(module for candidate in candidates for module in candidate.preload()))
        built = {c.name: self.supervisor.build(self._job(c), specification.seed) for c in candidates}
        self.skipped = {name: f"skipped: {ended.reason}" for name, ended in built.items() if ended.state == "skipped"}

    def compete(self, run: Run) -> Comparison:
        """Tunes, refits, tests, and returns the comparison."""
        run.record_finished(False)
        for name, reason in self.skipped.items():
            self.show.say(f"{name} does not compete; {reason}")
            run.record_result(name, {"trial": None, "status": reason})
        competing = [candidate for candidate in self.candidates if candidate.name not in self.skipped]
        left = max(1.0, self.specification.budget_seconds - (time.monotonic() - self.started))
        contenders = contenders_of(run, competing, self._job, left, self.growth)
        shares = [max(0.0, c.share - c.used) for c in contenders if c.candidate.name != BASELINE]
        deadline = time.monotonic() + sum(shares)
        stop, comparison = Stop(), Comparison(run, self.place)
        with stop.on_signals(), self.show.live():
            Tuner(run, self.place, self.supervisor, self.show, stop).tune(contenders)
        if stop.requested:
            self.show.say("Interrupted: refitting what was found. Press Ctrl-C again to stop at once.")
        try:
            self._refit(run, contenders, deadline)
        except KeyboardInterrupt:
            raise Interrupted(comparison) from None
        if stop.requested:
            raise Interrupted(comparison)
        run.record_finished(True)
        return comparison

    def _refit(self, run: Run, contenders: list[Contender], deadline: float) -> None:
        """Refits the best of each candidate, one after the other, each alone on the machine."""
        waiting = [c.candidate for c in contenders if refit.needs_refit(run, c.candidate.name)]
        grace = 3 + 0.03 * self.specification.budget_seconds
        for position, candidate in enumerate(waiting, start=1):
            self.show.say(f"refitting {candidate.name} on training and validation images, and testing it")
            later = sum(refit.estimate_seconds(run, c.name, self.growth) for c in waiting[position:])
            seconds = max(deadline + grace - time.monotonic() - later, 1.0)
            job = replace(self._job(candidate), test_images=self.test_images)
            result = refit.refit(
                run, self.place, self.supervisor, job, self.test_labels, seconds, self.growth, self.clean
            )
            if result["status"] != "ok":
                self.show.say(f"{candidate.name}: {result['status']}")

    def _job(self, candidate: Candidate) -> Job:
        return Job(
            candidate=candidate,
            task=self.task,
            images=self.images,
            labels=self.labels,
            n_train=self.task.n_train,
            seconds=0.0,
            log=self.place.log(self.specification.run),
            cache=self.place.features,
        )

    def _say_audit(self, report: data.AuditReport) -> None:
        findings = list(report.sentences())
        for finding in findings:
            self.show.say(f"audit: {finding}")
        if findings:
            self.show.say(f"audit: workbench audit {report.source} for all of it")
        if report.repaired is not None:
            self.show.say(f"audit: {describe_repair(report)}")

    def _say_data(self, images: data.Images, split: data.Split) -> None:
        height, width, channels = images.shape
        seeded = f"stratified by seed {self.specification.seed}" + ("" if images.groups is None else ", by group")
        self.show.say(
            f"{self.specification.run}: {len(images.labels):,} images of {width}x{height} pixels, "
            f"{'grey' if channels == 1 else 'colour'}, {len(images.class_names)} classes; "
            f"{len(split.train):,} to train, {len(split.val):,} to validate, {len(split.test):,} to test "
            f"({'official split' if split.official else seeded}, {split.hash[:8]})"
        )
        say_skipped(images.skipped, self.show)
        self.show.say(
            f"budget {format_seconds(self.specification.budget_seconds)} for {', '.join(self.specification.candidates)}"
        )


def describe_repair(report: data.AuditReport) -> str:
    """Says in a sentence what a repair did."""
    done = report.repair()
    before = done["split_hash_before"]
    return (
        f"repaired: {done['moved']:,} images moved to training, {done['left_out']:,} under different labels left out; "
        f"the split {before[:8] + ' ' if before else ''}is now {done['split_hash'][:8]}"
    )


def say_skipped(skipped: Sequence[tuple[str, str]], show: Silent) -> None:
    """Names every file that was left out, and why."""
    if skipped:
        show.say(f"{len(skipped):,} file{'s' if len(skipped) > 1 else ''} left out:")
        for path, reason in skipped:
            show.say(f"  {path}: {reason}")


__all__ = ["DEFAULT_CANDIDATES", "Interrupted", "audit_source", "open_run", "resume", "tune"]
