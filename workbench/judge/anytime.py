"""Anytime view: how good a candidate was after how much time, and who would have won had the run been shorter.

The trials of a run's candidates take turns, so two clocks are kept. A candidate's own clock counts the seconds of its
own trials, pruned and failed ones included: by it candidates are compared fairly. The run's clock counts the seconds in
which a trial of any candidate ran: by it a person waits. A pause before a run was resumed is on neither.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.tuning.trials import record_of

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from workbench.tuning.trials import TrialSummary

#: Shares of the run's best validation accuracy that are waited for, and minutes after which somebody leads.
SHARES = (0.9, 0.95, 0.99)
MINUTES = (1, 5, 20)


@dataclass(frozen=True)
class Spent:
    """A trial, as seen from here.

    Attributes:
        seconds: Wall-clock seconds it took.
        ended: When it ended, in seconds since any moment that all trials share.
        value: Its validation accuracy; None unless it was completed.
    """

    seconds: float
    ended: float
    value: float | None


def spent(trials: Iterable[FrozenTrial | TrialSummary]) -> list[Spent]:
    """Reads what was recorded of trials. One that runs, or was killed, has no seconds and is left out."""
    found = []
    for trial in trials:
        record = record_of(trial)
        if trial.datetime_complete is not None and record["trial_seconds"] > 0:
            ended = _seconds(trial.datetime_complete)
            value = record.get("validation_accuracy", trial.value) if record["state"] == "complete" else None
            found.append(Spent(record["trial_seconds"], ended, value))
    return found


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def anytime(trials: Mapping[str, Sequence[Spent]]) -> dict[str, Any]:
    """Tells who was how good when.

    Args:
        trials: Of each candidate, in the order in which they ended.

    Returns:
        JSON-able: ``best_validation_accuracy`` of the run, or None; for each of the ``candidates`` that has a completed
        trial its ``candidate``, best ``validation_accuracy``, the ``seconds`` that all its trials took, ``seconds_to``
        reach 90, 95 and 99 % of the run's best (None: never did), and its ``steps``: ``seconds`` by its own clock,
        ``run_seconds`` by the run's, and the best ``validation_accuracy`` so far; and the ``leaders``: after how many
        ``minutes``, the ``clock`` ("own" or "run"), the ``candidate`` and its ``validation_accuracy``, None where no
        trial had been completed. Of two that are equally good the one leads that was so first. Times that the
        clock did not reach are left out.
    """
    clock = _run_clock(trials.values())
    steps = {name: _steps(of, clock) for name, of in trials.items()}
    used = {name: sum(trial.seconds for trial in of) for name, of in trials.items()}
    best = max((of[-1]["validation_accuracy"] for of in steps.values() if of), default=None)
    candidates = [
        {
            "candidate": name,
            "validation_accuracy": of[-1]["validation_accuracy"],
            "seconds": used[name],
            "seconds_to": {f"{share:.0%}".rstrip("%"): _reached(of, share, best) for share in SHARES},
            "steps": of,
        }
        for name, of in steps.items()
        if of
    ]
    leaders = [
        {"minutes": minutes, "clock": which, **_leader(steps, key, 60 * minutes)}
        for which, key, reached in (("own", "seconds", max(used.values(), default=0)),
                                    ("run", "run_seconds", max(clock.values(), default=0)))
        for minutes in MINUTES
        if reached >= 60 * minutes
    ]  # fmt: skip
    return {"best_validation_accuracy": best, "candidates": candidates, "leaders": leaders}


def _run_clock(candidates: Iterable[Sequence[Spent]]) -> dict[float, float]:
    """Returns what the run's clock showed at the end of each trial: the seconds in which any trial had run by then."""
    spans = heapq.merge(*(sorted((trial.ended - trial.seconds, trial.ended) for trial in of) for of in candidates))
    shown, until = 0.0, float("-inf")
    clock = {}
    for start, end in spans:
        shown += max(0.0, end - max(start, until))
        until = max(until, end)
        clock[end] = shown
    return clock


def _steps(trials: Sequence[Spent], clock: Mapping[float, float]) -> list[dict[str, float]]:
    """Returns every improvement of a candidate."""
    seconds, steps = 0.0, list[dict[str, float]]()
    for trial in trials:
        seconds += trial.seconds
        if trial.value is not None and (not steps or trial.value > steps[-1]["validation_accuracy"]):
            at = {"seconds": seconds, "run_seconds": clock[trial.ended]}
            steps.append({**at, "validation_accuracy": trial.value})
    return steps


def _reached(steps: Sequence[Mapping[str, float]], share: float, best: float | None) -> float | None:
    assert best is not None
    target = best - (1 - share) * abs(best)
    return next((step["seconds"] for step in steps if step["validation_accuracy"] >= target), None)


def _leader(steps: Mapping[str, Sequence[Mapping[str, float]]], key: str, seconds: float) -> dict[str, Any]:
    so_far = {name: [step for step in of if step[key] <= seconds] for name, of in steps.items()}
    latest = {name: of[-1] for name, of in so_far.items() if of}
    name = max(latest, key=lambda name: (latest[name]["validation_accuracy"], -latest[name][key]), default=None)
    return {"candidate": name, "validation_accuracy": None if name is None else latest[name]["validation_accuracy"]}
