"""A refit that would not end in time is fitted on fewer images, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.judge.refit import affordable_fraction
from workbench.tuning.tuner import refit_estimate

SECONDS = {"extract": 10.0, "rungs": 50.0, "select": 0.0, "fit": 60.0, "predict": 10.0}


def record(fraction: float = 1.0, best_step: int | None = None) -> dict[str, Any]:
    return {"fraction": fraction, "seconds": SECONDS, "best_step": best_step}


def test_what_tuning_kept_time_for_is_fitted_whole() -> None:
    enough = refit_estimate(SECONDS, 1.25)
    assert affordable_fraction(record(), enough, 1.25) == 1
    assert affordable_fraction(record(), 0.9 * enough, 1.25) == 1  # the estimate is a cautious one
    assert affordable_fraction(record(0.25), enough, 1.25) == 0.25


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_with_less_time_there_are_fewer_images_and_they_fit(share: float) -> None:
    seconds = share * refit_estimate(SECONDS, 1.25)
    fraction = affordable_fraction(record(0.25), seconds, 1.25)
    assert 0 < fraction < 0.25
    scaled = {phase: spent * fraction / 0.25 for phase, spent in SECONDS.items()}
    assert refit_estimate(scaled, 1.25) == pytest.approx(seconds)


def test_a_learner_by_steps_watches_the_clock_itself() -> None:
    assert affordable_fraction(record(best_step=7), 1.0, 1.25) == 1
