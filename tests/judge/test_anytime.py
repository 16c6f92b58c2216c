"""Who was how good when: by a candidate's own clock, and by the run's."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.judge.anytime import Spent, anytime


def take_turns(
    *turns: tuple[str, float, float | None], pause: dict[int, float] | None = None
) -> dict[str, list[Spent]]:
    """Trials that run one after the other: of whom, how long, how good; and pauses before some of them."""
    now, trials = 1000.0, dict[str, list[Spent]]()
    for number, (name, seconds, value) in enumerate(turns):
        now += (pause or {}).get(number, 0.0) + seconds
        trials.setdefault(name, []).append(Spent(seconds, now, value))
    return trials


TRIALS = take_turns(
    ("svm", 10, 0.80),
    ("cnn", 50, 0.70),
    ("svm", 10, 0.78),  # no improvement
    ("svm", 10, None),  # failed, and it cost its time
    ("svm", 10, 0.90),
    ("cnn", 50, 1.00),
    ("svm", 40, 0.91),
)


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["candidate"]: row for row in found["candidates"]}


def test_steps_are_the_improvements_by_both_clocks() -> None:
    steps = rows(anytime(TRIALS))
    assert [tuple(step.values()) for step in steps["svm"]["steps"]] == [(10, 10, 0.8), (40, 90, 0.9), (80, 180, 0.91)]
    assert [tuple(step.values()) for step in steps["cnn"]["steps"]] == [(50, 60, 0.7), (100, 140, 1.0)]
    assert (steps["svm"]["seconds"], steps["cnn"]["seconds"]) == (80, 100)


def test_seconds_to_a_share_of_the_best_of_the_run() -> None:
    found = anytime(TRIALS)
    assert found["best_validation_accuracy"] == 1.0
    assert rows(found)["svm"]["seconds_to"] == {"90": 40, "95": None, "99": None}
    assert rows(found)["cnn"]["seconds_to"] == {"90": 100, "95": 100, "99": 100}


def test_who_led_when_only_at_times_that_were_reached() -> None:
    assert anytime(TRIALS)["leaders"] == [
        {"minutes": 1, "clock": "own", "candidate": "svm", "validation_accuracy": 0.9},
        {"minutes": 1, "clock": "run", "candidate": "svm", "validation_accuracy": 0.8},
    ]
    late = anytime(take_turns(("svm", 290, 0.5), ("cnn", 301, 0.4)))["leaders"]
    assert late == [
        {"minutes": 1, "clock": "own", "candidate": None, "validation_accuracy": None},
        {"minutes": 5, "clock": "own", "candidate": "svm", "validation_accuracy": 0.5},
        {"minutes": 1, "clock": "run", "candidate": None, "validation_accuracy": None},
        {"minutes": 5, "clock": "run", "candidate": "svm", "validation_accuracy": 0.5},
    ]


def test_of_two_equally_good_ones_the_first_leads() -> None:
    trials = take_turns(("slow", 30, 0.9), ("quick", 20, 0.9), ("slow", 10, 0.1))
    own, run = anytime({**trials, "quick": [*trials["quick"], Spent(60, 1120, None)]})["leaders"]
    assert (own["candidate"], run["candidate"]) == ("quick", "slow")


def test_a_pause_is_on_no_clock_and_trials_side_by_side_count_once() -> None:
    paused = take_turns(("a", 10, 0.5), ("b", 10, 0.6), ("a", 10, 0.7), pause={2: 86400})
    assert rows(anytime(paused))["a"]["steps"][-1] == {"seconds": 20, "run_seconds": 30, "validation_accuracy": 0.7}
    beside = {"a": [Spent(10, 110, 0.5)], "b": [Spent(8, 112, 0.6)]}  # from 100 to 110, and from 104 to 112
    assert rows(anytime(beside))["b"]["steps"][0]["run_seconds"] == pytest.approx(12)


def test_without_a_completed_trial_there_is_nothing_to_tell() -> None:
    nothing = {"best_validation_accuracy": None, "candidates": [], "leaders": []}
    assert anytime({}) == nothing
    assert anytime(take_turns(("a", 5, None))) == nothing
