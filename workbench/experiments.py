"""What to ask of a finished run: how its candidates do with fewer images, and how they do on other images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import numpy as np

from workbench import api, data
from workbench.candidate import BASELINE, Candidate
from workbench.errors import RunError, WorkbenchError
from workbench.judge.curve import CURVE, DEFAULT_SIZES, crossovers, parse_sizes, passes, points, resample
from workbench.judge.leaderboard import TRANSFERS, Comparison, family_of
from workbench.judge.refit import best_trial, examine
from workbench.judge.statistics import compare_pairs, holm
from workbench.judge.verdict import SIGNIFICANCE, format_points
from workbench.registry import Registry
from workbench.session import Session, reopen
from workbench.tuning.job import Job
from workbench.tuning.progress import Display, Silent
from workbench.tuning.specification import format_seconds, parse_budget
from workbench.tuning.supervisor import Stop
from workbench.tuning.tuner import record_of
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
        if not _winners(opened):
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


def _winners(run: Run) -> list[str]:
    """Returns the candidates that have been tested, without the baseline."""
    tested = [name for name in run.studies if (run.result(name) or {}).get("test_predictions")]
    return [name for name in tested if name != BASELINE]


@dataclass(frozen=True)
class _Fit:
    """One refit of a learning curve."""

    candidate: Candidate
    images: int
    repeat: int

    def matches(self, fit: dict[str, Any], run: Run) -> bool:
        """Whether this is what was recorded, of the same trial."""
        same = (fit["candidate"], fit["images"], fit["repeat"]) == (self.candidate.name, self.images, self.repeat)
        return bool(same and fit["trial"] == best_trial(run, self.candidate.name).number)


def _refitted(run: Run, sizes: list[int], repeats: int, place: Workspace, show: Silent) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = run.note(_FITS) or []
    session: Session | None = None
    names = _winners(run)
    chosen: list[dict[str, Any]] = []
    stop = Stop()
    with stop.on_signals():
        for wanted in _wanted(run, names, sizes, repeats):
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
                said = f"test accuracy {fit['test_accuracy']:.4f}" if fit["status"] == "ok" else fit["status"]
                took = f" in {format_seconds(fit['refit_seconds'])}" if fit["status"] == "ok" else ""
                show.say(
                    f"  {wanted.candidate.name}  {wanted.images:,} images, subset {wanted.repeat + 1}: {said}{took}"
                )
            chosen.append(fit)
    return chosen


def _said(fit: dict[str, Any]) -> str:
    if fit["status"] != "ok":
        return str(fit["status"])
    return f"test accuracy {fit['test_accuracy']:.4f} in {format_seconds(fit['refit_seconds'])}"


def _wanted(run: Run, names: list[str], sizes: list[int], repeats: int) -> Iterator[_Fit]:
    for repeat in range(repeats):
        for images in sizes:
            for name in names:
                yield _Fit(Candidate(name), images, repeat)


def _known(run: Run, wanted: _Fit) -> dict[str, Any] | None:
    """Returns the refit of the run itself, if it was of as many images and with the same seed."""
    counts = run.specification.data["counts"]
    result = run.result(wanted.candidate.name) or {}
    if wanted.images < counts["train"] + counts["val"] or wanted.repeat >= len(result["repeats"]):
        return None
    if result["train_fraction"] < 1 or result["trial"] != best_trial(run, wanted.candidate.name).number:
        return None
    return _record(wanted, result["trial"], result["repeats"][wanted.repeat])


def _record(wanted: _Fit, trial: int, tested: dict[str, Any]) -> dict[str, Any]:
    kept = ("test_accuracy", "refit_seconds", "test_predictions")
    about = {"candidate": wanted.candidate.name, "images": wanted.images, "repeat": wanted.repeat, "trial": trial}
    return about | {"status": "ok"} | {key: tested[key] for key in kept}


def _measure(run: Run, session: Session, wanted: _Fit, place: Workspace, stop: Stop) -> dict[str, Any]:
    name, seed = wanted.candidate.name, run.specification.seed + wanted.repeat
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
    usual = (run.result(name) or {})["refit_seconds"]
    tested, outcome = _refit(session, job, dict(best.params), max(120.0, 20 * usual), stop)
    if outcome is None:
        failed = {"test_accuracy": None, "refit_seconds": None, "test_predictions": None}
        return _record(wanted, best.number, failed) | {"status": tested["status"]}
    arrays = {"labels": session.exam.labels, "predictions": outcome.predictions}
    tested["test_predictions"] = place.save_arrays(run.studies[name], "subset", **arrays)
    return _record(wanted, best.number, tested)


def _refit(
    session: Session, job: Job, params: dict[str, Any], limit: float, stop: Stop | None = None
) -> tuple[dict[str, Any], Any]:
    """Refits with given parameters and tests; returns what there is to say, and the outcome, None if it failed."""
    ended = session.supervisor.run(
        replace(job, params=params, test_images=session.exam.images, measure_speed=False, seconds=0.95 * limit),
        limit,
        stop=stop,
    )
    if ended.outcome is None:
        return {"status": f"the refit failed: {ended.reason}"}, None
    return {"status": "ok", **examine(ended.outcome, job, session.exam, session.specification.metric)}, ended.outcome


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
                fits.append(_record(_Fit(Candidate(candidate), images, 0), result["trial"], result))
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


def transfer(
    run: str,
    to: str | os.PathLike[str],
    *,
    budget: str | float | None = None,
    workspace: str | os.PathLike[str] = DEFAULT_WORKSPACE,
    storage: str | None = None,
    progress: Silent | bool = True,
) -> dict[str, Any]:
    """Measures whether what was tuned on one data set carries over to another.

    The parameters of a run's winners are used on other data without tuning: fitted on its training and validation
    images, tested on its test images. They are held against the same candidates tuned there: in the newest finished
    run of these data and candidates in the workspace, or in a new one.

    Args:
        run: The run whose winners are transferred.
        to: The other data; see :func:`workbench.api.tune`.
        budget: Of the run that tunes there, if there is none yet; default: that of ``run``.
        workspace: Folder where the runs are recorded.
        storage: URL of an Optuna storage; default: SQLite in the workspace.
        progress: Whether to show on stderr what is happening.

    Returns:
        JSON-able: ``run`` and ``tuned_there``, the runs; ``candidates``, each with its ``test_accuracy`` transferred,
        its ``tuned_test_accuracy``, its ``loss`` in between with a 95 % interval from ``low`` to ``high``, ``p`` and
        ``p_holm``; ``families``, mean loss of each; and ``sentences``.

    Raises:
        WorkbenchError: If there is no such run, nothing of it was tested, or the other data cannot be used.
        Interrupted: After Ctrl-C while tuning there.
    """
    show = progress if isinstance(progress, Silent) else Display() if progress else Silent()
    place = Workspace(workspace, storage)
    origin = place.open(run)
    names = _winners(origin)
    if not names:
        raise RunError(f"no candidate of the run {run!r} has been tested, so there is nothing to transfer")
    target = _tuned_there(origin, names, str(to), budget, place, show)
    with place.hold(target):
        there, session = reopen(target, place, show)
        losses = [_transferred(origin, there, session, name, place, show) for name in names]
        done = [loss for loss in losses if loss["status"] == "ok"]
        for loss, p in zip(done, holm([loss["p"] for loss in done]), strict=True):
            loss["p_holm"] = p
        families = {
            family: mean(loss["loss"] for loss in done if loss["family"] == family)
            for family in dict.fromkeys(loss["family"] for loss in done)
        }
        found = {"run": run, "from": origin.specification.data["name"], "to": there.specification.data["name"]}
        found |= {"tuned_there": target, "candidates": losses, "families": families}
        found["sentences"] = _sentences(found)
        others = [other for other in there.note(TRANSFERS) or [] if other["run"] != run]
        there.record_note(TRANSFERS, [*others, found])
    return found


def _tuned_there(
    origin: Run, names: list[str], to: str, budget: str | float | None, place: Workspace, show: Silent
) -> str:
    """Returns a finished run of the other data with the same candidates, tuning one if there is none."""
    location = data.resolve(to, Registry.discover()).location
    if location == origin.specification.source:
        raise WorkbenchError(f"{to} is what {origin.name!r} was tuned on; give other data")
    for name in reversed(place.runs()):
        other = place.open(name)
        whole = other.specification.source == location and other.specification.train_size is None
        if whole and {*names} <= {*_winners(other)}:
            show.say(f"tuned there: the run {name}")
            return name
    return api.tune(
        to,
        names,
        budget=origin.specification.budget_seconds if budget is None else budget,
        seed=origin.specification.seed,
        metric=origin.specification.metric,
        workspace=place.path,
        storage=place.url,
        progress=show,
    ).name


def _transferred(
    origin: Run, there: Run, session: Session, name: str, place: Workspace, show: Silent
) -> dict[str, Any]:
    (candidate,) = (c for c in session.candidates if c.name == name)
    best, tuned = best_trial(origin, name), there.result(name) or {}
    row: dict[str, Any] = {"candidate": name, "family": family_of(name), "test_accuracy": None}
    if tuned.get("test_predictions") is None:
        why = tuned.get("status", "its share of the budget was too short")
        return row | {
            "tuned_test_accuracy": None,
            "status": f"there is nothing to hold it against in {there.name}: {why}",
        }
    # what this task asks and the other did not (small images have parameters of their own) is as a plugin starts
    params = {**candidate.start(session.task), **best.params}
    job = replace(session.job(candidate), best_step=record_of(best)["best_step"])
    tested, outcome = _refit(session, job, params, max(120.0, 20 * tuned["refit_seconds"]))
    row |= {"tuned_test_accuracy": tuned["test_accuracy"], "status": tested["status"]}
    if outcome is None:
        show.say(f"  {name}: {tested['status']}")
        return row
    arrays = place.load_arrays(tuned["test_predictions"])
    right = {"tuned": arrays["predictions"] == arrays["labels"], "here": outcome.predictions == session.exam.labels}
    (pair,) = compare_pairs(right)
    show.say(f"  {name}: test accuracy {tested['test_accuracy']:.4f}; tuned there {tuned['test_accuracy']:.4f}")
    kept = ("test_accuracy", "test_accuracy_low", "test_accuracy_high", "refit_seconds")
    ends = {"loss": pair["difference"], "low": pair["low"], "high": pair["high"], "p": pair["p"]}
    return row | {key: tested[key] for key in kept} | ends


def _sentences(found: dict[str, Any]) -> list[str]:
    """Says who loses how much."""
    said = []
    for row in found["candidates"]:
        what = f"{row['candidate']}, tuned on {found['from']},"
        if row["status"] != "ok":
            said.append(f"{what} cannot be used on {found['to']}: {row['status']}")
            continue
        ends = f"95 % interval {format_points(row['low'])} to {format_points(row['high'])}"
        lost = f"{format_points(row['loss'])} points of test accuracy on {found['to']} ({ends})"
        if row["p_holm"] >= SIGNIFICANCE:
            said.append(f"{what} carries over: no evidence of a loss ({lost})")
        elif row["loss"] > 0:
            said.append(f"{what} loses {lost}")
        else:
            said.append(f"{what} does better than what was tuned there: it loses {lost}")
    if len(found["families"]) > 1:
        each = [f"{family} {format_points(loss)}" for family, loss in found["families"].items()]
        said.append(f"Mean loss in points: {', '.join(each)}")
    return said
