"""How the tuned candidates of a run do on other images."""

from __future__ import annotations

import os
from dataclasses import replace
from statistics import mean
from typing import Any

from workbench import api, data
from workbench.errors import RunError, WorkbenchError
from workbench.experiments.winners import generous, refit_with, winners
from workbench.judge.leaderboard import TRANSFERS
from workbench.judge.refit import best_trial
from workbench.judge.rows import family_of
from workbench.judge.statistics import compare_pairs, holm
from workbench.judge.verdict import SIGNIFICANCE, format_points
from workbench.registry import Registry
from workbench.session import Session, reopen
from workbench.tuning.progress import Display, Silent
from workbench.tuning.trials import record_of
from workbench.tuning.workspace import DEFAULT_WORKSPACE, Run, Workspace


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
    names = winners(origin)
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
        try:
            other = place.open(name)
        except RunError:  # of another version
            continue
        whole = other.specification.source == location and other.specification.train_size is None
        if whole and other.finished and {*names} <= {*winners(other)}:
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
    tested, outcome = refit_with(session, job, params, generous(tuned))
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
            said.append(f"No evidence of a loss: {what} loses {lost}")
        elif row["loss"] > 0:
            said.append(f"{what} loses {lost}")
        else:
            said.append(f"{what} loses nothing: {lost}")
    if len(found["families"]) > 1:
        each = [f"{family} {format_points(loss)}" for family, loss in found["families"].items()]
        said.append(f"Mean loss in points: {', '.join(each)}")
    return said
