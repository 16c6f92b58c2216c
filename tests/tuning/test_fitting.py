"""How a trial fits: phases, and rungs for learners that do not learn step by step."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna import TrialPruned
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from workbench.candidate import Candidate
from workbench.plugin import Task
from workbench.registry import Plugin
from workbench.tuning import fitting
from workbench.tuning.features import FeatureCache
from workbench.tuning.job import Job, Outcome


class Watch:
    """A monitor with so much time, that prunes at a rung if told to."""

    best_step = None

    def __init__(self, seconds_left: float = 600.0, prune_at: int | None = None) -> None:
        self.seconds_left = seconds_left
        self.prune_at = prune_at
        self.rungs: list[tuple[float, int]] = []
        self.kept: list[Outcome] = []

    def report(self, value: float, step: int) -> None:
        raise AssertionError("nothing here learns by steps")

    def so_far(self, outcome: Outcome) -> None:
        self.kept.append(outcome)

    def report_rung(self, value: float, step: int) -> None:
        self.rungs.append((value, step))
        if step == self.prune_at:
            raise TrialPruned


class Remembering(DummyClassifier):
    """Remembers how many images it was fitted on, and takes its time in proportion."""

    fits: list[int] = []

    def fit(self, X: Any, y: Any) -> Remembering:
        Remembering.fits.append(len(X))
        time.sleep(len(X) / 100_000)
        super().fit(X, y)
        return self


@pytest.fixture
def job(tmp_path: Path) -> Job:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "seen.npy", rng.integers(0, 256, (20_000, 2, 2, 1), dtype=np.uint8))
    np.save(tmp_path / "test.npy", rng.integers(0, 256, (300, 2, 2, 1), dtype=np.uint8))
    Remembering.fits = []
    return Job(
        candidate=Candidate("x"),
        task=Task((2, 2, 1), ("a", "b"), n_train=16_000),
        images=tmp_path / "seen.npy",
        labels=rng.integers(0, 2, 20_000),
        n_train=16_000,
        seconds=600,
        log=tmp_path / "log",
        cache=FeatureCache(tmp_path / "features", 10**9),
    )


def test_a_learner_without_steps_climbs_by_rungs_and_ends_on_all_images(job: Job) -> None:
    watch = Watch()
    outcome = fitting.fit(Pipeline([("classify", Remembering())]), job, watch, {})
    assert Remembering.fits == [1_000, 4_000, 16_000]
    assert [step for _, step in watch.rungs] == [1, 4]  # in sixteenths of the images
    assert outcome.fraction == 1.0
    assert outcome.seconds["fit"] >= 0.16  # the last fit alone
    assert outcome.seconds["rungs"] >= 0.05
    assert len(outcome.predictions) == 4_000


def test_a_rung_that_would_not_end_in_time_is_not_started_and_the_fraction_counts(job: Job) -> None:
    watch = Watch(seconds_left=0.1)  # the next takes 0.04 s if it is linear, 0.16 s if quadratic: nobody knows yet
    outcome = fitting.fit(Pipeline([("classify", Remembering())]), job, watch, {})
    assert Remembering.fits == [1_000]
    assert outcome.fraction == 1 / 16
    assert watch.kept[-1].fraction == 1 / 16
    assert len(outcome.predictions) == 4_000


def test_a_pruned_rung_ends_the_trial(job: Job) -> None:
    with pytest.raises(TrialPruned):
        fitting.fit(Pipeline([("classify", Remembering())]), job, Watch(prune_at=1), {})
    assert Remembering.fits == [1_000]


def test_a_refit_takes_the_fraction_that_the_trial_reached_and_times_every_phase(job: Job, tmp_path: Path) -> None:
    flat = FunctionTransformer(lambda images: images.reshape(len(images), -1).astype(np.float32))
    pipeline = Pipeline(
        [("extract", FeatureUnion([("flat", flat)])), ("select", SelectKBest(k=2)), ("classify", Remembering())]
    )
    watch = Watch()
    outcome = fitting.refit(pipeline, replace(job, test_images=tmp_path / "test.npy", fraction=0.25), watch)
    assert Remembering.fits == [1_250, 5_000]  # a quarter of training and validation images, and first a part of those
    assert [(kept.fraction, len(kept.predictions)) for kept in watch.kept] == [(1 / 16, 300), (0.25, 300)]
    assert outcome.fraction == 0.25
    assert watch.kept[0].seconds["fit"] < outcome.seconds["fit"]  # each for itself
    assert len(outcome.predictions) == 300
    assert outcome.features == 4  # as extracted, before two are selected
    assert all(outcome.seconds[phase] > 0 for phase in ("extract", "select", "fit", "predict"))
    assert all(outcome.cpu_seconds[phase] > 0 for phase in ("extract", "select", "fit", "predict"))
    assert outcome.latency_ms is not None
    assert outcome.latency_p95_ms is not None
    assert 0 < outcome.latency_ms <= outcome.latency_p95_ms
    assert outcome.throughput is not None
    assert list(outcome.throughput) == [1, 32, 256]
    assert outcome.throughput[256] > outcome.throughput[1]


def flat(images: Any, factor: float = 1.0) -> Any:
    return images.reshape(len(images), -1) * np.float32(factor)


class Centred(TransformerMixin, BaseEstimator):
    """An extractor with something to learn: the mean image."""

    fitted_on: list[int] = []

    def fit(self, X: Any, y: Any = None) -> Centred:
        Centred.fitted_on.append(len(X))
        self.mean_ = np.mean(X, axis=0)
        return self

    def transform(self, X: Any) -> Any:
        return (X - self.mean_).reshape(len(X), -1).astype(np.float32)


def test_joined_extractors_weigh_the_same_in_trial_and_refit(job: Job, tmp_path: Path) -> None:
    class Variances(DummyClassifier):
        seen: list[Any] = []

        def fit(self, X: Any, y: Any) -> Variances:
            Variances.seen.append(X.reshape(len(X), 2, -1).var(axis=0).sum(axis=1))
            super().fit(X, y)
            return self

    quiet = FunctionTransformer(flat, kw_args={"factor": 1e-3})
    union = FeatureUnion([("quiet", quiet), ("centred", Centred())])
    plugins = tuple(Plugin("extractor", name, f"toy:{name}", "toy", "1") for name in ("quiet", "centred"))
    job = replace(job, candidate=Candidate("quiet+centred/x", extractors=plugins))
    pipeline = Pipeline([("extract", union), ("classify", Variances())])
    fitting.fit(pipeline, job, Watch(), {})
    fitting.refit(pipeline, replace(job, test_images=tmp_path / "test.npy"), Watch())
    for variances in Variances.seen:
        np.testing.assert_allclose(variances, 1, rtol=0.1)
    assert Centred.fitted_on == [16_000, 20_000]  # never on validation images in a trial
    kept = sorted(entry.about["plugin"] for entry in job.cache.entries())
    assert kept == ["extractor 'centred' of toy 1", "extractor 'quiet' of toy 1"]  # of the trial alone


def test_cached_features_are_billed_and_what_they_save_is_known(job: Job) -> None:
    def slow(images: Any) -> Any:
        time.sleep(0.3)
        return flat(images)

    plugin = Plugin("extractor", "slow", "toy:slow", "toy", "1")
    job = replace(job, candidate=Candidate("slow/x", extractors=(plugin,)))
    steps = [("extract", FeatureUnion([("slow", FunctionTransformer(slow))])), ("classify", Remembering())]
    first, second = (fitting.fit(Pipeline(steps), job, Watch(), {"slow.size": 1}) for _ in range(2))
    assert first.seconds["extract"] == second.seconds["extract"] >= 0.3
    assert abs(first.saved_seconds) < 0.1 < 0.2 < second.saved_seconds
    third = fitting.fit(Pipeline(steps), job, Watch(), {"slow.size": 2})
    assert third.saved_seconds < 0.1


def test_learnable_parameters_are_those_that_a_textbook_counts() -> None:
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    perceptron = MLPClassifier(hidden_layer_sizes=(2,), max_iter=5)
    # 2-2-1: two neurons with two weights and a bias, one with two weights and a bias
    with pytest.warns(ConvergenceWarning):
        assert fitting.count_parameters(perceptron.fit(X, y)) == 9
    assert fitting.count_parameters(make_pipeline(LogisticRegression()).fit(X, y)) == 3
    assert fitting.count_parameters(SVC().fit(X, y)) is None
