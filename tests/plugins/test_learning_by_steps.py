"""The learners that report to a monitor: networks, deep and shallow, by epochs, boosted trees by rounds."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from conftest import Watch
from optuna import TrialPruned
from sklearn.preprocessing import StandardScaler

from workbench import hardware
from workbench.tuning.fitting import count_parameters
from workbench_plugins.classifiers.boosting import BoostedTrees
from workbench_plugins.classifiers.shallow_network import ShallowNetwork
from workbench_plugins.networks.cnn import build_cnn
from workbench_plugins.networks.keras_classifier import KerasClassifier


def network(**settings: Any) -> KerasClassifier:
    build = functools.partial(build_cnn, blocks=2, convolutions=1, width=8, dropout=0.1)
    return KerasClassifier(build, **{"epochs": 4, "learning_rate": 1e-2, "batch_size": 16, **settings})


def trees(**settings: Any) -> BoostedTrees:
    return BoostedTrees(**{"rounds": 100, "n_jobs": 2, **settings})


def shallow(**settings: Any) -> ShallowNetwork:
    return ShallowNetwork(
        **{
            "hidden_layer_sizes": (16,),
            "epochs": 40,
            "batch_size": 16,
            "scaler": StandardScaler(),
            "random_state": 0,
            **settings,
        }
    )


LEARNERS = [
    pytest.param(network, False, id="network"),
    pytest.param(trees, True, id="trees"),
    pytest.param(shallow, True, id="shallow"),
]


def features(images: np.ndarray, flat: bool) -> np.ndarray:
    if not flat:
        return images
    profiles = [images.mean(axis=1).std(axis=1), images.mean(axis=2).std(axis=1)]
    return np.concatenate([*profiles, images.reshape(len(images), -1)[:, :20]], axis=1)


@pytest.mark.parametrize(("make", "flat"), LEARNERS)
def test_it_learns_reports_steps_in_order_and_keeps_its_best(make: Any, flat: bool, bars: Any) -> None:
    X, y = features(bars[0], flat), bars[1]
    watch = Watch()
    learner = make().fit(X[:160], y[:160], validation_data=(X[160:], y[160:]), monitor=watch)
    assert watch.steps == list(range(len(watch.steps)))
    assert len(watch.steps) >= 1
    probabilities = learner.predict_proba(X[160:])
    assert probabilities.shape == (80, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    predicted = learner.predict(X[160:])
    assert (predicted == learner.classes_[probabilities.argmax(axis=1)]).all()
    accuracy = np.mean(predicted == y[160:])
    assert accuracy > 0.9
    if make is not trees:  # these keep the round with the least loss
        assert accuracy == max(watch.values)
        assert learner.best_step_ == watch.values.index(max(watch.values))


@pytest.mark.parametrize(("make", "flat"), LEARNERS)
def test_a_pruned_trial_ends_where_it_was_pruned(make: Any, flat: bool, bars: Any) -> None:
    X, y = features(bars[0], flat), bars[1]
    watch = Watch(prune_at=0)
    with pytest.raises(TrialPruned):
        make().fit(X[:160], y[:160], validation_data=(X[160:], y[160:]), monitor=watch)
    assert watch.steps == [0]


@pytest.mark.parametrize(("make", "flat"), LEARNERS)
def test_a_refit_without_validation_data_takes_as_many_steps_as_were_best(make: Any, flat: bool, bars: Any) -> None:
    X, y = features(bars[0], flat), bars[1]
    learner = make().fit(X, y, monitor=Watch(best_step=1))
    if make is trees:
        assert learner.model_.get_booster().num_boosted_rounds() == 2
    else:
        assert learner.best_step_ is None
    if make is shallow:
        assert learner.model_.t_ == 2 * len(X)  # two epochs
    assert learner.predict(X[:5]).shape == (5,)


def test_boosting_and_shallow_networks_stop_in_time_with_a_model(bars: Any) -> None:
    X, y = features(bars[0], True), bars[1]
    for make in (trees(rounds=10**6, patience=10**6), shallow(epochs=10**6, patience=10**6)):
        for seconds in (0, 1):
            watch = Watch(seconds=seconds)
            learner = make.fit(X[:160], y[:160], validation_data=(X[160:], y[160:]), monitor=watch)
            assert -1 < watch.seconds_left < 1
            assert learner.predict(X[160:]).shape == (80,)


def test_a_network_with_two_inputs_two_hidden_neurons_and_one_output_has_nine_parameters(bars: Any) -> None:
    X, y = features(bars[0], True)[:, :2], bars[1]
    learner = shallow(hidden_layer_sizes=(2,), epochs=1).fit(X, y)
    assert learner.n_parameters_ == count_parameters(learner) == 9


def test_rare_classes_weigh_more_when_boosting_is_told_so(bars: Any) -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype(int)
    X = (y[:, None] + rng.normal(0, 1.5, (600, 4))).astype(np.float32)
    plain, balanced = (trees(rounds=10, class_weight=w).fit(X, y).predict(X).mean() for w in (None, "balanced"))
    assert balanced > plain + 0.05


@pytest.mark.skipif(bool(hardware.detect().gpus), reason="there is a GPU to go to")
def test_boosting_that_silently_left_the_gpu_is_an_error(bars: Any) -> None:
    X, y = features(bars[0], True), bars[1]
    with pytest.raises(RuntimeError, match="XGBoost was asked to use cuda and used cpu: its times would say nothing"):
        trees(device="cuda", rounds=2).fit(X, y)
