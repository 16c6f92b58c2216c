"""How the budget is shared out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.candidate import Candidate
from workbench.plugin import Task
from workbench.tuning.features import FeatureCache
from workbench.tuning.job import Fold, Job
from workbench.tuning.supervisor import Ended
from workbench.tuning.tuner import Contender, refit_estimate


@pytest.fixture
def contender(tmp_path: Any) -> Contender:
    job = Job(
        candidate=Candidate("x"),
        task=Task((8, 8, 1), ("a", "b"), 9),
        images=tmp_path,
        labels=np.zeros(9, int),
        n_train=6,
        seconds=1,
        log=tmp_path,
        cache=FeatureCache(tmp_path, 0),
    )
    return Contender(job.candidate, study=None, job=job, share=100, growth=4 / 3)  # type: ignore[arg-type]


def record(fit: float) -> dict[str, Any]:
    return {"seconds": {"extract": 0.0, "rungs": 5.0, "select": 0.0, "fit": fit, "predict": 0.0}}


def test_a_trial_and_the_refit_of_it_fit_into_what_is_left(contender: Contender) -> None:
    limit = contender.limit
    assert 0 < limit < 50
    assert limit + refit_estimate(record(limit)["seconds"], contender.growth) <= 100 + 1e-9


def test_time_for_the_refit_of_the_best_is_kept_back(contender: Contender) -> None:
    contender.take(Ended("complete", 30.0), 0.9, record(30.0))
    kept = refit_estimate(record(30.0)["seconds"], contender.growth)
    assert kept > 40  # rungs are not part of a refit, more images are
    assert contender.limit <= 100 - 30 - kept


def test_a_better_trial_counts_and_a_worse_one_does_not(contender: Contender) -> None:
    for value in (0.8, 0.9, 0.7):
        contender.take(Ended("complete", 1.0), value, record(1.0))
    assert contender.best == 0.9
    assert contender.trials == 3


def test_three_failures_in_a_row_end_a_candidate_and_others_in_between_do_not(contender: Contender) -> None:
    failed = Ended("failed", 1.0, reason="singular matrix")
    for ended in (failed, failed, Ended("pruned", 1.0), failed, failed):
        contender.take(ended, None, record(1.0))
        assert not contender.closed
    contender.take(failed, None, record(1.0))
    assert contender.closed == "3 trials failed in a row; the last: singular matrix"


def test_an_interrupted_trial_costs_time_and_counts_as_none(contender: Contender) -> None:
    contender.take(Ended("interrupted", 7.0), None, {})
    assert (contender.used, contender.trials) == (7.0, 0)


def test_time_is_kept_for_every_refit_and_folds_share_a_trial(contender: Contender) -> None:
    once = contender.limit
    contender.refits = 3
    assert contender.limit < once
    contender.take(Ended("complete", 5.0), 0.9, record(5.0))
    assert contender.limit <= 100 - 5 - 3 * refit_estimate(record(5.0)["seconds"], contender.growth)
    fold = Fold(contender.job.images, np.arange(9), 6)
    contender.job = replace(contender.job, folds=(fold, fold, fold))
    contender.refits = 1
    limit = contender.limit  # of a trial of three fits, one of which a refit takes after it
    assert limit > once
    assert limit + refit_estimate(record(limit / 3)["seconds"], contender.growth) <= 95 + 1e-9
