"""How the tuned candidates of a run do with fewer training images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench import api, data
from workbench.candidate import BASELINE
from workbench.errors import RunError, WorkbenchError
from workbench.experiments.winners import generous, refit_with, winners
from workbench.judge.curve import CURVE, DEFAULT_SIZES, crossovers, parse_sizes, passes, points, resample
from workbench.judge.leaderboard import Comparison
from workbench.judge.refit import best_trial
from workbench.judge.rows import family_of
from workbench.session import Session, reopen
from workbench.tuning.progress import Display, Silent
from workbench.tuning.specification import format_seconds, parse_budget
from workbench.tuning.supervisor import Stop
from workbench.tuning.trials import record_of
from workbench.tuning.workspace import DEFAULT_WORKSPACE, Run, Workspace

_FITS = "curve-fits"


def curve(
    run: str,
    sizes: str = DEFAULT_SIZES,
    *,
    repeats: int = 3,
    retune: bool = False,
    budget: str | float | None = None,
    workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE,
    storage: str | None = None,
    progress: Silent | bool = True,
) -> dict[str, Any]:
    """Measures test accuracy and seconds against the number of training images, and where one overtakes another.

    The tuned candidates of a run are refitted on nested stratified subsets of its training and validation images and
    tested on its test images. What is measured is kept: who calls again goes on, with other sizes or repeats too.

    Args:
        run: The run's name.
        sizes: Percentages or numbers of images, with commas between.
        repeats: Subsets of each size, each with a seed of its own.
        retune: Tunes anew at every size, in a run of its own, once: what one would have got with so many images.
        budget: With ``retune``: of each size; default: the run's.
        workspace: Folder where the run is recorded.
        storage: URL of an Optuna storage; default: SQLite in the workspace.
        progress: Whether to show on stderr what is happening.

    Returns:
        JSON-able: ``run``, ``retuned``, ``points`` (see :func:`workbench.judge.curve.points`), ``crossover`` (see
        :func:`workbench.judge.curve.crossovers`), ``left_out`` (sizes that are too small) and ``failed``.

    Raises:
        WorkbenchError: If there is no such run, nothing of it was tested, its data have changed, or no size is one.
        Interrupted: After Ctrl-C; what was measured is kept.
    """
    show = progress if isinstance(progress, Silent) else Display() if progress else Silent()
    if repeats < 1:
        raise WorkbenchError(f"repeats must be at least 1, not {repeats}")
    if budget is not None and not retune:
        raise WorkbenchError("a budget is for tuning anew at every size: add --retune, or leave out --budget")
    place = Workspace(workspace, storage)
    with place.hold(run):
        opened = place.open(run)
        specification = opened.specification
        if not winners(opened):
            raise RunError(f"no candidate of the run {run!r} has been tested, so there is nothing to refit")
        counts = specification.data["counts"]
        chosen, left_out = parse_sizes(sizes, counts["train"] + counts["val"], len(specification.data["classes"]))
        for word in left_out:
            show.say(f"left out: {word} are fewer than two images of each class")
        if retune:
            seconds = None if budget is None else parse_budget(budget)
            fits = _retuned(opened, chosen, place, show, seconds)
        else:
            fits = _refitted(opened, chosen, repeats, place, show)
        found = {"run": run, "retuned": retune, **_judged(fits, place), "left_out": left_out}
        opened.record_note(CURVE, found)
    return found


@dataclass(frozen=True)
class _Fit:
    """One refit of a learning curve."""

    candidate: str
    images: int
    repeat: int

    def matches(self, fit: dict[str, Any], run: Run) -> bool:
        """Whether this is what was recorded, of the same trial."""
        same = (fit["candidate"], fit["images"], fit["repeat"]) == (self.candidate, self.images, self.repeat)
        return bool(same and fit["trial"] == best_trial(run, self.candidate).number)


def _refitted(run: Run, sizes: list[int], repeats: int, place: Workspace, show: Silent) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = run.note(_FITS) or []
    session: Session | None = None
    names = winners(run)
    chosen: list[dict[str, Any]] = []
    stop = Stop()
    with stop.on_signals():
        for wanted in _wanted(names, sizes, repeats):
            fit = next((f for f in recorded if wanted.matches(f, run)), None) or _known(run, wanted)
            if fit is None:
                if session is None:
                    _, session = reopen(run.name, place, show)
                fit = _measure(run, session, wanted, place, stop)
                if stop.requested:
                    show.say("Interrupted. What was measured is kept: the same command goes on.")
                    raise api.Interrupted(Comparison(run, place))
                recorded.append(fit)
                run.record_note(_FITS, recorded)
                show.say(f"  {wanted.candidate}  {wanted.images:,} images, subset {wanted.repeat + 1}: {_said(fit)}")
            chosen.append(fit)
    return chosen


def _said(fit: dict[str, Any]) -> str:
    if fit["status"] != "ok":
        return str(fit["status"])
    return f"test accuracy {fit['test_accuracy']:.4f} in {format_seconds(fit['refit_seconds'])}"


def _wanted(names: list[str], sizes: list[int], repeats: int) -> Iterator[_Fit]:
    for repeat in range(repeats):
        for images in sizes:
            for name in names:
                yield _Fit(name, images, repeat)


def _known(run: Run, wanted: _Fit) -> dict[str, Any] | None:
    """Returns the refit of the run itself, if it was of as many images and with the same seed."""
    counts = run.specification.data["counts"]
    result = run.result(wanted.candidate) or {}
    if wanted.images < counts["train"] + counts["val"] or wanted.repeat >= len(result["repeats"]):
        return None
    if result["train_fraction"] < 1 or result["trial"] != best_trial(run, wanted.candidate).number:
        return None
    return _record(wanted, result["trial"], result["repeats"][wanted.repeat])


def _record(wanted: _Fit, trial: int, tested: dict[str, Any]) -> dict[str, Any]:
    kept = ("test_accuracy", "refit_seconds", "test_predictions")
    about = {"candidate": wanted.candidate, "images": wanted.images, "repeat": wanted.repeat, "trial": trial}
    return about | {"status": "ok"} | {key: tested[key] for key in kept}


def _measure(run: Run, session: Session, wanted: _Fit, place: Workspace, stop: Stop) -> dict[str, Any]:
    name, seed = wanted.candidate, run.specification.seed + wanted.repeat
    (candidate,) = (c for c in session.candidates if c.name == name)
    order = data.stratified_order(session.loaded.images.labels, session.seen, seed)
    best = best_trial(run, name)
    most = len(order)
    job = replace(
        session.job(candidate),
        images=session.arrange(order, f"subsets-{seed}"),
        labels=session.loaded.images.labels[order],
        task=replace(session.task, seed=seed),
        fraction=wanted.images / most,
        best_step=passes(record_of(best)["best_step"], wanted.images, most, family_of(name)),
    )
    tested, outcome = refit_with(session, job, dict(best.params), generous(run.result(name) or {}), stop)
    if outcome is None:
        failed = {"test_accuracy": None, "refit_seconds": None, "test_predictions": None}
        return _record(wanted, best.number, failed) | {"status": tested["status"]}
    arrays = {"labels": session.exam.labels, "predictions": outcome.predictions}
    tested["test_predictions"] = place.save_arrays(run.studies[name], "subset", **arrays)
    return _record(wanted, best.number, tested)


def _retuned(
    run: Run, sizes: list[int], place: Workspace, show: Silent, budget_seconds: float | None
) -> list[dict[str, Any]]:
    """Tunes at every size, in runs of their own that are resumed where they stopped."""
    counts = run.specification.data["counts"]
    fits = []
    for images in sizes:
        name = run.name
        if images < counts["train"] + counts["val"]:
            name = f"{run.name}-n{images}"
            _tune_subset(run, name, images, place, show, budget_seconds)
        tuned = place.open(name)
        for candidate in run.specification.candidates:
            result = tuned.result(candidate) if candidate in tuned.studies else None
            if candidate != BASELINE and result and result["status"] == "ok":
                fits.append(_record(_Fit(candidate, images, 0), result["trial"], result))
    return fits


def _tune_subset(
    run: Run, name: str, images: int, place: Workspace, show: Silent, budget_seconds: float | None
) -> None:
    if name in place.runs():
        if not place.open(name).finished:
            api.resume(name, workspace=place.path, storage=place.url, progress=show)
        return
    show.say(f"tuning with {images:,} images, as the run {name}")
    whole = run.specification
    specification = replace(
        whole,
        run=name,
        train_size=images,
        budget_seconds=whole.budget_seconds if budget_seconds is None else budget_seconds,
    )
    api.start(specification, place, show)


def _judged(fits: list[dict[str, Any]], place: Workspace) -> dict[str, Any]:
    done = [fit for fit in fits if fit["status"] == "ok"]
    correct: dict[str, dict[int, Any]] = {}
    for fit in done:
        arrays = place.load_arrays(fit["test_predictions"])
        right = arrays["predictions"] == arrays["labels"]
        correct.setdefault(fit["candidate"], {}).setdefault(fit["images"], []).append(right)
    stacked = {name: {n: np.stack(rows) for n, rows in by_size.items()} for name, by_size in correct.items()}
    failed = [
        {"candidate": fit["candidate"], "images": fit["images"], "reason": fit["status"]}
        for fit in fits
        if fit["status"] != "ok"
    ]
    if not stacked:
        return {"points": [], "crossover": [], "failed": failed}
    lines = resample(stacked)
    return {"points": points(lines, done), "crossover": crossovers(lines, family_of), "failed": failed}
