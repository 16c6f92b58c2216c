"""What every built-in plugin keeps, by discovery: a new one is covered without being named."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import optuna
import pytest
from sklearn.base import clone

from workbench.candidate import Candidate, ScopedTrial
from workbench.plugin import Dataset, Task
from workbench.registry import Plugin, Registry

PLUGINS = [plugin for plugin in Registry.discover() if plugin.distribution == "image-workbench"]
COLOUR = Task(image_shape=(40, 32, 3), class_names=("a", "b", "c"), n_train=60, n_jobs=2)
GREY = Task(image_shape=(28, 28, 1), class_names=("a", "b", "c"), n_train=60, n_jobs=2)


def of(kind: str) -> list[Any]:
    return [pytest.param(plugin, id=plugin.name) for plugin in PLUGINS if plugin.kind == kind]


def build(plugin: Plugin, task: Task, seed: int) -> Any:
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
    return plugin.load()(ScopedTrial(trial, plugin.name), task)


@pytest.mark.parametrize("task", [COLOUR, GREY], ids=["colour", "grey"])
@pytest.mark.parametrize("plugin", of("extractor"))
def test_an_extractor_gives_finite_float32_rows_and_the_same_for_one_image(plugin: Plugin, task: Task) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, *task.image_shape), dtype=np.uint8)
    images[0] = 255  # a blank picture
    for seed in range(2 if plugin.name == "bovw" else 5):  # it learns its words each time
        extractor = build(plugin, task, seed)
        features = extractor.fit_transform(images)
        assert features.dtype == np.float32
        assert features.shape[0] == 30
        assert np.isfinite(features).all()
        np.testing.assert_allclose(extractor.transform(images[7:8]), features[7:8], rtol=1e-4, atol=1e-6)
        copy = pickle.loads(pickle.dumps(clone(extractor)))
        np.testing.assert_array_equal(copy.fit_transform(images), features)


@pytest.mark.parametrize("plugin", of("selector") + of("classifier"))
def test_selectors_and_classifiers_fit_features(plugin: Plugin) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = (rng.normal(size=(60, 12)) + 3 * np.eye(12)[y * 4]).astype(np.float32)
    for seed in range(3):
        estimator = build(plugin, COLOUR, seed).fit(X, y)
        if plugin.kind == "selector":
            kept = estimator.transform(X)
            assert kept.shape[0] == 60
            assert 1 <= kept.shape[1] <= 12
        else:
            assert set(estimator.predict(X)) <= {0, 1, 2}


@pytest.mark.parametrize("plugin", of("classifier"))
def test_a_classifier_learns_from_its_good_start(plugin: Plugin) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = (rng.normal(size=(300, 12)) + 3 * np.eye(12)[y * 4]).astype(np.float32)
    start = Candidate("x", learner=plugin).start(COLOUR)
    trial = optuna.trial.FixedTrial(start)
    estimator = plugin.load()(ScopedTrial(trial, plugin.name), COLOUR)
    assert np.mean(estimator.fit(X[:200], y[:200]).predict(X[200:]) == y[200:]) > 0.9


@pytest.mark.usefixtures("small_backbone")
@pytest.mark.parametrize("task", [COLOUR, GREY], ids=["colour", "grey"])
@pytest.mark.parametrize("plugin", [p for kind in ("extractor", "selector", "classifier", "network") for p in of(kind)])
def test_the_good_start_lies_in_the_search_space(plugin: Plugin, task: Task) -> None:
    start = Candidate("x", learner=plugin).start(task)
    study = optuna.create_study()
    study.enqueue_trial(start)
    trial = study.ask()
    plugin.load()(ScopedTrial(trial, plugin.name), task)
    assert trial.params == start


@pytest.mark.parametrize("name", ["digits", "faces", "textures"])
def test_the_data_sets_that_come_along_are_whole(name: str) -> None:
    plugin = next(plugin for plugin in PLUGINS if (plugin.kind, plugin.name) == ("dataset", name))
    dataset = plugin.load()()
    assert isinstance(dataset, Dataset)
    n = {"digits": 1797, "faces": 200, "textures": 1200}[name]
    assert len(dataset.images) == len(dataset.labels) == n
    images = np.asarray(dataset.images)
    assert images.dtype == np.uint8
    assert images.max() > 200
    assert images.min() < 30
    counts = np.bincount(np.asarray(dataset.labels))
    assert len(counts) == len(dataset.class_names)
    assert counts.min() > 0
    assert str(n) in plugin.describe().replace(",", "") or name == "faces"


def test_textures_share_no_region_between_the_parts_of_a_split() -> None:
    from workbench_plugins.datasets.textures import textures

    dataset = textures()
    assert dataset.groups is not None
    assert len(set(dataset.groups)) == 48


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_a_download_without_a_network_says_what_to_do(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    import keras

    def no_network(*_args: Any, **_keywords: Any) -> None:
        raise Exception("URL fetch failure on https://example.invalid: None -- name or service not known")

    module = getattr(keras.datasets, name.replace("-", "_"))
    monkeypatch.setattr(module, "load_data", no_network)
    plugin = next(plugin for plugin in PLUGINS if (plugin.kind, plugin.name) == ("dataset", name))
    with pytest.raises(ConnectionError, match=f"{name} could not be downloaded .* try digits, faces or textures"):
        plugin.load()()


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_downloaded_data_set_keeps_its_official_split(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    shape = (28, 28) if name == "mnist" else (32, 32, 3)
    labels = np.arange(20) % 10 if name == "mnist" else (np.arange(20) % 10)[:, None]
    parts = ((np.zeros((20, *shape), np.uint8), labels), (np.ones((20, *shape), np.uint8), labels))
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda: parts)
    plugin = next(plugin for plugin in PLUGINS if (plugin.kind, plugin.name) == ("dataset", name))
    dataset = plugin.load()()
    assert dataset.split is not None
    assert list(dataset.split) == ["train"] * 20 + ["test"] * 20
    assert np.asarray(dataset.images).shape == (40, *shape)
    assert np.asarray(dataset.labels).shape == (40,)
