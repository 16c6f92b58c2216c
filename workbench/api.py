"""The workbench from Python: the same runs that ``workbench tune`` makes, in the same workspace."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata

from workbench import data, hardware
from workbench.candidate import BASELINE, parse
from workbench.errors import WorkbenchError
from workbench.judge.leaderboard import Comparison
from workbench.loading import audit_images, load, load_again
from workbench.registry import Registry
from workbench.session import Session, reopen
from workbench.tuning.features import parse_size
from workbench.tuning.progress import Display, Silent
from workbench.tuning.specification import ACCURACY, Specification, check_metric, parse_budget
from workbench.tuning.workspace import DEFAULT_WORKSPACE, Workspace

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
    metric: str = ACCURACY,
    folds: int = 0,
    repeats: int = 1,
    train_size: int | None = None,
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
        metric: What is tuned and ranked: one of :data:`workbench.tuning.scoring.METRICS`.
        folds: Tunes by cross-validation in so many folds, the same for all, of the images that are not for testing; 0:
            tunes on the validation part of the split.
        repeats: How often each winner is refitted and tested, with other seeds, for the spread of accuracy and time.
        train_size: Trains and validates on so many images only, a stratified sample.
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
    if folds == 1 or folds < 0 or repeats < 1:
        raise WorkbenchError(
            f"folds must be at least 2, or 0 for none, and repeats at least 1; not {folds} and {repeats}"
        )
    check_metric(metric)
    found = data.resolve(str(source), registry, exclude)
    _ = place.storage  # if it cannot be opened, say so before images are decoded
    loaded = load(found, place, show, seed, image_size, audit, repair, train_size)
    with place.new_name(loaded.images.name) as name:
        specification = Specification(
            run=name,
            source=loaded.images.location,
            candidates=tuple(candidate.name for candidate in parsed),
            budget_seconds=budget_seconds,
            trials=trials,
            seed=seed,
            image_size=image_size,
            exclude=tuple(exclude),
            train_size=train_size,
            deterministic=deterministic,
            metric=metric,
            folds=folds,
            repeats=repeats,
            n_jobs=hardware.cpu_count(),
            data=loaded.describe(),
            hardware=hardware.detect().as_dict(),
            versions={"workbench": metadata.version("image-workbench"), **_versions()},
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        session = Session(specification, place, show, parsed, loaded)
        return _finished(session.compete(place.begin(specification, **loaded.record()), started))


def start(specification: Specification, place: Workspace, show: Silent) -> Comparison:
    """Makes the run that a specification describes, on the data that it describes.

    Args:
        specification: For example another run's with a ``train_size``; what it says of its data is brought up to date.
        place: Where to record it.
        show: Is told what happens.

    Raises:
        Interrupted: After Ctrl-C.
    """
    started = time.monotonic()
    registry = Registry.discover()
    parsed = [parse(name, registry) for name in specification.candidates]
    with place.hold(specification.run):
        loaded = load_again(specification, place, show, registry, check=False)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        specification = replace(specification, data=loaded.describe(), created=now)
        session = Session(specification, place, show, parsed, loaded)
        return _finished(session.compete(place.begin(specification, **loaded.record()), started))


def _finished(competed: tuple[Comparison, bool]) -> Comparison:
    comparison, to_its_end = competed
    if not to_its_end:
        raise Interrupted(comparison)
    return comparison


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
    budget_seconds = None if budget is None else parse_budget(budget)
    with place.hold(run):
        opened, session = reopen(run, place, show, budget_seconds)
        missing = [name for name in opened.specification.candidates if name not in opened.studies]
        if missing:  # killed while the studies were being made
            opened = replace(opened, studies={**opened.studies, **place.create(opened.specification, missing).studies})
        opened.record_specification()
        return _finished(session.compete(opened, started))


def open_run(
    run: str, *, workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE, storage: str | None = None
) -> Comparison:
    """Opens a recorded run to read its leaderboard.

    Raises:
        RunError: If there is no such run, or another version made it.
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
    return audit_images(images, seed, show, repair)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


__all__ = ["DEFAULT_CANDIDATES", "Interrupted", "audit_source", "open_run", "resume", "tune"]
