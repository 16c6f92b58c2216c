"""Cross-validation: every image is predicted once, by a model that had not seen it, and bad trials end early."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Watch
from optuna import TrialPruned
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import f1_score
from sklearn.pipeline import Pipeline

from workbench.candidate import Candidate
from workbench.plugin import Task
from workbench.tuning.features import FeatureCache
from workbench.tuning.folds import cross_validate
from workbench.tuning.job import Fold, Job

N = 90


class Tells(ClassifierMixin, BaseEstimator):
    """Predicts a label that is written in the image; remembers what it was fitted on, and its time."""

    fits: list[tuple[set[int], float]] = []

    def fit(self, X: Any, y: Any, *, validation_data: Any = None, monitor: Any = None) -> Tells:
        self.classes_ = np.unique(y)
        self.seen_ = {int(x) for x in X[:, 0, 0, 0]}
        Tells.fits.append((self.seen_, monitor.seconds_left))
        monitor.report(0.0, 1)  # says nothing of the other folds: it prunes nobody
        self.best_step_ = len(Tells.fits)
        return self

    def predict(self, X: Any) -> Any:
        assert not self.seen_ & {int(x) for x in X[:, 0, 0, 0]}
        return (X[:, 0, 0, 0] % 3).astype(int)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Ninety images that are their own numbers; a third of the labels of the last fold are wrong."""
    Tells.fits = []
    numbers = np.arange(N, dtype=np.uint8)
    labels = (numbers % 3).astype(np.int64)
    labels[60:70] = (labels[60:70] + 1) % 3
    np.save(tmp_path / "seen.npy", numbers.reshape(-1, 1, 1, 1))
    folds = []
    for fold in range(3):
        val = np.arange(fold * 30, fold * 30 + 30)
        rows = np.concatenate([np.setdiff1d(np.arange(N), val), val])
        np.save(tmp_path / f"fold-{fold}.npy", numbers[rows].reshape(-1, 1, 1, 1))
        folds.append(Fold(tmp_path / f"fold-{fold}.npy", rows, 60))
    return Job(
        candidate=Candidate("x"),
        task=Task((1, 1, 1), ("a", "b", "c"), n_train=60),
        images=tmp_path / "seen.npy",
        labels=labels,
        n_train=60,
        seconds=100,
        log=tmp_path / "log",
        cache=FeatureCache(tmp_path / "cache", 0),
        folds=tuple(folds),
    )


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline([("classify", Tells())])


def test_a_trial_is_worth_the_mean_of_its_folds_and_predicts_every_image_once(job: Job, pipeline: Pipeline) -> None:
    outcome = cross_validate(pipeline, job, Watch(), {})
    assert outcome.predictions.tolist() == (np.arange(N) % 3).tolist()  # in the job's order
    assert outcome.fold_values == pytest.approx((1.0, 1.0, 2 / 3))
    assert outcome.value("accuracy", job.validation_labels) == pytest.approx(8 / 9)
    assert outcome.best_step == 2  # the median
    assert outcome.seconds["fit"] > 0


def test_a_fold_has_its_part_of_the_time(job: Job, pipeline: Pipeline) -> None:
    cross_validate(pipeline, job, Watch(seconds=90), {})
    left = [seconds for _, seconds in Tells.fits]
    assert left == pytest.approx([30, 45, 90], abs=2)


def test_the_mean_so_far_is_reported_after_each_fold_and_may_prune(job: Job, pipeline: Pipeline) -> None:
    watch = Watch()
    cross_validate(pipeline, job, watch, {})
    assert (watch.steps, watch.values) == ([1, 2], [1.0, 1.0])
    with pytest.raises(TrialPruned):
        cross_validate(pipeline, job, Watch(prune_at=1), {})
    assert len(Tells.fits) == 3 + 1


def test_folds_are_valued_by_the_metric_that_was_chosen(job: Job, pipeline: Pipeline) -> None:
    outcome = cross_validate(pipeline, replace(job, metric="macro-f1"), Watch(), {})
    last = job.labels[60:]
    assert outcome.fold_values == pytest.approx((1.0, 1.0, f1_score(last, np.arange(60, 90) % 3, average="macro")))
