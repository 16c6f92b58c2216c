"""The deep networks. This file runs on every backend of Keras: ``make test-backends``."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Watch
from optuna import TrialPruned
from optuna.trial import FixedTrial

from workbench.plugin import Skip, Task
from workbench_plugins.networks import backend
from workbench_plugins.networks.backend import keras
from workbench_plugins.networks.cnn import build_cnn
from workbench_plugins.networks.cost import flops_per_image
from workbench_plugins.networks.keras_classifier import KerasClassifier
from workbench_plugins.networks.resnet import build_resnet
from workbench_plugins.networks.speedrun_classifier import SpeedrunClassifier, build_speedrun, whitening_filters
from workbench_plugins.networks.training import Keeper
from workbench_plugins.networks.transfer import FILES, WEIGHTS, transfer
from workbench_plugins.networks.transfer_classifier import TransferClassifier, build_transfer


def network(**settings: Any) -> KerasClassifier:
    build = functools.partial(build_cnn, blocks=2, convolutions=1, width=8, dropout=0.1)
    return KerasClassifier(build, **{"epochs": 4, "learning_rate": 1e-2, "batch_size": 16, **settings})


def residual(**settings: Any) -> KerasClassifier:
    build = functools.partial(build_resnet, blocks=1, width=8, dropout=0.1)
    return KerasClassifier(build, **{"epochs": 6, "learning_rate": 1e-2, "batch_size": 16, **settings})


def sprinter(**settings: Any) -> SpeedrunClassifier:
    build = functools.partial(build_speedrun, width=8)
    return SpeedrunClassifier(build, **{"epochs": 8, "learning_rate": 0.3, "batch_size": 16, **settings})


@pytest.fixture
def transferred(small_backbone: Path) -> Callable[..., TransferClassifier]:
    def make(fine_tune: bool = True, **settings: Any) -> TransferClassifier:
        build = functools.partial(
            build_transfer, backbone="small", weights=str(small_backbone / "small.keras"), side=32, dropout=0.1,
            fine_tune=fine_tune,
        )  # fmt: skip
        return TransferClassifier(build, **{"epochs": 3, "learning_rate": 1e-3, "batch_size": 16, **settings})

    return make


@pytest.fixture(autouse=True)
def _policy() -> Iterator[None]:
    yield
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("make", [network, residual, sprinter])
def test_a_network_learns_and_keeps_its_best_epoch(make: Any, bars: Any) -> None:
    X, y = bars
    watch = Watch()
    learner = make().fit(X[:160], y[:160], validation_data=(X[160:], y[160:]), monitor=watch)
    predicted = learner.predict(X[160:])
    assert np.mean(predicted == y[160:]) == max(watch.values) > 0.9
    assert learner.best_step_ == watch.values.index(max(watch.values))
    assert learner.images_per_second_ > 0
    assert learner.warmup_seconds_ > 0
    assert learner.remarks_ == []
    # as many images at once as there are, or one: the same probabilities
    probabilities = learner.predict_proba(X[160:])
    alone = [learner.predict_proba(image[None])[0] for image in X[160:163]]
    np.testing.assert_allclose(probabilities[:3], alone, atol=1e-5)


@pytest.mark.parametrize("fine_tune", [True, False])
def test_transfer_starts_from_a_fitted_last_layer(fine_tune: bool, transferred: Any, bars: Any) -> None:
    X, y = bars
    rate = 1e-5 if fine_tune else 1e-9  # so small that what was there before stays
    learner = transferred(fine_tune, learning_rate=rate, epochs=1).fit(X[:160], y[:160])
    assert np.mean(learner.predict(X[160:]) == y[160:]) > 0.9
    frozen = 3 * 3 * 3 * 8 + 8 + 3 * 3 * 8 * 16 + 16 + 2 * 16
    assert learner.n_parameters_ == 2 * 16 + 2 + (frozen if fine_tune else 0)


def test_transfer_keeps_the_clock_and_is_pruned(transferred: Any, bars: Any) -> None:
    X, y = bars
    with pytest.raises(TrialPruned):
        transferred().fit(X[:160], y[:160], validation_data=(X[160:], y[160:]), monitor=Watch(prune_at=0))
    assert transferred().fit(X[:160], y[:160], monitor=Watch(seconds=0)).predict(X[160:]).shape == (80,)


def test_transfer_reads_weights_as_keras_saves_them(tmp_path: Path, bars: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backend.seed(0)
    original = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(32, 32, 3))
    original.save(tmp_path / FILES["mobilenet-v3"])  # HDF5, as the published files are
    model = build_transfer((16, 16, 1), 2, "mobilenet-v3", str(tmp_path / FILES["mobilenet-v3"]), 32, 0.0, False)
    X = bars[0][:4].repeat(3, axis=3)
    features = keras.Model(model.inputs, model.get_layer("features").output).predict_on_batch(bars[0][:4])
    larger = keras.ops.convert_to_numpy(keras.layers.Resizing(32, 32)(X))
    np.testing.assert_allclose(features, original.predict_on_batch(larger).mean(axis=(1, 2)), atol=1e-4)

    monkeypatch.setenv(WEIGHTS, str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "nothing"))
    task = Task((16, 16, 1), ("a", "b"), 100)
    assert transfer.start(task)["backbone"] == "mobilenet-v3"
    assert isinstance(transfer(FixedTrial(transfer.start(task)), task), TransferClassifier)


def test_transfer_without_weights_says_where_to_put_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv(WEIGHTS, raising=False)
    monkeypatch.setattr(
        "workbench_plugins.networks.transfer._fetch", lambda: (_ for _ in ()).throw(Exception("URL fetch failure"))
    )
    with pytest.raises(
        Skip,
        match=f"the pretrained weights of mobilenet-v3 are not here and could not be fetched \\(URL fetch failure\\); "
        f"put {FILES['mobilenet-v3']} into {tmp_path}/models, or into a folder that .* {WEIGHTS} names",
    ):
        transfer(FixedTrial({}), Task((16, 16, 1), ("a", "b"), 100))
    monkeypatch.setenv(WEIGHTS, str(tmp_path / "nowhere"))
    with pytest.raises(Skip, match=f"{WEIGHTS} names {tmp_path}/nowhere, which is no folder"):
        transfer(FixedTrial({}), Task((16, 16, 1), ("a", "b"), 100))


def test_weights_that_are_none_are_named(tmp_path: Path) -> None:
    broken = tmp_path / FILES["mobilenet-v3"]
    broken.write_bytes(b"no weights")
    with pytest.raises(ValueError, match=f"{broken} cannot be read as weights of mobilenet-v3"):
        build_transfer((16, 16, 1), 2, "mobilenet-v3", str(broken), 32, 0.0, False)


def test_a_network_without_time_ends_at_once_and_predicts_all_the_same(bars: Any) -> None:
    X, y = bars
    watch = Watch(seconds=0)
    learner = network(epochs=500).fit(X[:160], y[:160], validation_data=(X[160:], y[160:]), monitor=watch)
    assert len(watch.values) == 1
    assert learner.predict_proba(X[:3]).shape == (3, 2)
    assert learner.images_per_second_ is None or learner.images_per_second_ > 0


def test_a_network_plans_its_epochs_by_the_time_it_has(bars: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []
    ended = Keeper.on_epoch_end

    def on_epoch_end(keeper: Keeper, epoch: int, logs: Any = None) -> None:
        rates.append(float(keras.ops.convert_to_numpy(keeper.model.optimizer.learning_rate)))
        ended(keeper, epoch, logs)

    monkeypatch.setattr(Keeper, "on_epoch_end", on_epoch_end)
    X, y = bars
    watch = Watch(seconds=15)
    network(epochs=100_000, patience=100_000).fit(X[:160], y[:160], validation_data=(X[160:], y[160:]), monitor=watch)
    assert 3 < len(watch.values) < 100_000
    assert watch.seconds_left > -2
    assert max(rates) > 0.5 * 1e-2
    assert rates[-1] < 0.1 * 1e-2  # the schedule came to its end


def test_equal_seeds_give_bit_equal_networks_and_other_seeds_do_not(bars: Any) -> None:
    X, y = bars
    settings = {"deterministic": True, "epochs": 2, "augmentation": "shift+flip+zoom+rotate+contrast+brightness"}
    first, second, other = (
        network(**settings, seed=seed).fit(X[:160], y[:160]).predict_proba(X[160:]) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_an_unknown_augmentation_is_named(bars: Any) -> None:
    with pytest.raises(ValueError, match=r"augmentation must be none, or of shift, flip, .* joined by \+, not 'blur'"):
        network(augmentation="shift+blur").fit(*bars)


def test_a_loss_that_is_no_number_names_the_learning_rate(bars: Any) -> None:
    with pytest.raises(FloatingPointError, match="in epoch 0 at learning rate 1e\\+20"):
        network(learning_rate=1e20, epochs=3).fit(*bars)


def test_a_moving_average_of_the_weights_is_what_is_validated_and_kept(bars: Any) -> None:
    X, y = bars
    watch = Watch()
    averaged = network(ema=0.9, epochs=6).fit(X[:160], y[:160], validation_data=(X[160:], y[160:]), monitor=watch)
    assert np.mean(averaged.predict(X[160:]) == y[160:]) == max(watch.values) > 0.9
    # the average of few steps is not the last step, and does not reach back to the start either
    settings = {"epochs": 3, "deterministic": True}
    average, last = (network(ema=ema, **settings).fit(X[:160], y[:160]) for ema in (0.99999, 0.0))
    assert not np.array_equal(average.predict_proba(X[160:]), last.predict_proba(X[160:]))
    assert np.mean(average.predict(X[160:]) == y[160:]) > 0.9


def test_rare_classes_weigh_more_if_the_network_is_told_so() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype(int)
    X = np.clip(rng.normal(100 + 12 * y[:, None, None, None], 60, (600, 8, 8, 1)), 0, 255).astype(np.uint8)
    plain, balanced = (network(class_weight=w, epochs=3).fit(X, y).predict(X).mean() for w in (None, "balanced"))
    assert balanced > plain + 0.05


class Cramped(KerasClassifier):
    """Its device holds eight images; what it raises is what the backends raise."""

    holds = 8
    error: Exception = RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate")

    def _initialise(self, X: Any, targets: Any, monitor: Any) -> None:
        if self.batch_size_ > self.holds:
            raise self.error


def test_a_batch_that_does_not_fit_the_device_is_halved_and_said(bars: Any) -> None:
    X, y = bars
    build = functools.partial(build_cnn, blocks=2, convolutions=1, width=8, dropout=0.1)
    learner = Cramped(build, epochs=2, batch_size=32, learning_rate=1e-2).fit(X[:160], y[:160])
    assert learner.batch_size_ == 8
    assert learner.remarks_ == ["the device has too little memory for 32 images a step: trained with 8"]
    assert learner.predict(X[:3]).shape == (3,)
    nothing = Cramped(build, batch_size=4)
    nothing.holds = 0
    with pytest.raises(MemoryError, match="too little memory to train this network on even one image a step"):
        nothing.fit(X, y)


def test_the_backends_own_words_for_used_up_memory_are_understood() -> None:
    errors: list[Exception] = [Cramped.error, MemoryError()]
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        errors.append(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[1024,64]"))
    if "torch" in sys.modules:
        import torch

        errors.append(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert all(backend.is_out_of_memory(error) for error in errors)
    assert not backend.is_out_of_memory(ValueError("shapes (3,) and (4,) do not match"))


def test_learnable_parameters_and_operations_are_counted(bars: Any) -> None:
    X, y = bars
    learner = network(epochs=1).fit(X[:32], y[:32])
    # two convolutions (3x3x1x8, 3x3x8x16), scale and shift of two normalisations, one dense layer (4x4x16x2 + 2)
    assert learner.n_parameters_ == 72 + 1152 + 2 * 8 + 2 * 16 + 514
    # at 16x16 and at 8x8 places, a multiplication and an addition each
    assert learner.flops_ == 2 * (16 * 16 * 72 + 8 * 8 * 1152 + 512)


def test_operations_of_a_published_network_are_the_published_ones() -> None:
    model = keras.applications.MobileNetV3Small(weights=None, input_shape=(224, 224, 3))
    # 56 million multiply-adds (Howard et al. 2019, table 4)
    assert flops_per_image(model) / 2e6 == pytest.approx(56, rel=0.05)


def test_the_network_shows_its_maps_from_low_level_to_high_level(bars: Any) -> None:
    X, y = bars
    learner = network(epochs=3).fit(X[:160], y[:160])
    maps = learner.feature_maps(X[0])
    assert [found.shape for found in maps.values()] == [(16, 16, 8), (8, 8, 16)]
    assert all(np.isfinite(found).all() and found.max() > 0 for found in maps.values())


def test_grad_cam_looks_where_the_bar_is(bars: Any) -> None:
    X, y = bars
    learner = residual(epochs=8).fit(X[:160], y[:160])
    looked = 0
    for image, label in zip(X[160:190], y[160:190], strict=True):
        heat = learner.grad_cam(image, label)
        assert heat.shape == (16, 16)
        assert heat.min() >= 0
        assert heat.max() == 1 or not heat.any()
        bar = image[..., 0] >= 150
        looked += heat[bar].mean() > heat[~bar].mean()
    assert looked >= 24
    with pytest.raises(ValueError, match="'sideways' is none of the classes across, upright"):
        learner.grad_cam(X[0], "sideways")


def test_grad_cam_of_a_network_without_convolutions_says_so(bars: Any) -> None:
    def flat(image_shape: Any, n_classes: int) -> Any:
        inputs = keras.Input(image_shape)
        return keras.Model(inputs, keras.layers.Dense(n_classes)(keras.layers.Flatten()(inputs)))

    learner = KerasClassifier(flat, epochs=1).fit(bars[0][:32], bars[1][:32])
    with pytest.raises(ValueError, match="it has no convolution"):
        learner.grad_cam(bars[0][0])


def test_the_first_layer_of_a_speedrun_whitens() -> None:
    rng = np.random.default_rng(0)
    plain = rng.normal(0, 30, (200, 12, 12, 1)) + rng.normal(0, 30, (200, 1, 1, 1)) + rng.normal(0, 8, (200, 12, 12, 3))
    images = np.clip(plain + 127, 0, 255).astype(np.uint8)
    filters = whitening_filters(images, epsilon=0.0)
    assert filters.shape == (2, 2, 3, 24)
    convolved = keras.ops.conv(images.astype(np.float32) / 127.5 - 1, filters[..., :12], strides=2)
    covariance = np.cov(keras.ops.convert_to_numpy(convolved).reshape(-1, 12), rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(12), atol=1e-2)
