from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.trial import FixedTrial

from workbench.candidate import parse
from workbench.errors import PluginError, WorkbenchError
from workbench.plugin import Skip, Task
from workbench.registry import Plugin, Registry

TASK = Task(image_shape=(32, 32, 3), class_names=("a", "b"), n_train=100)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


def ask() -> Any:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1)).ask()


@pytest.mark.parametrize(
    ("path", "family", "steps"),
    [
        ("hog/svm", "hand-crafted", ["extract", "classify"]),
        ("hog+color+edges/kbest/xgboost", "hand-crafted", ["extract", "select", "classify"]),
        ("cnn", "deep", ["classify"]),
        ("baseline", "baseline", ["classify"]),
    ],
)
def test_a_path_becomes_a_pipeline(registry: Registry, path: str, family: str, steps: list[str]) -> None:
    candidate = parse(path, registry)
    assert candidate.family == family
    assert [name for name, _ in candidate.build(ask(), TASK).steps] == steps


def test_parameters_are_scoped_by_the_plugin_and_rebuild_the_same_pipeline(registry: Registry) -> None:
    candidate = parse("hog+color/pca/svm", registry)
    trial = ask()
    tuned = candidate.build(trial, TASK)
    assert {name.partition(".")[0] for name in trial.params} == {"hog", "color", "pca", "svm"}
    assert "svm.C" in trial.params
    rebuilt = candidate.build(FixedTrial(trial.params), TASK)
    assert repr(rebuilt.get_params()) == repr(tuned.get_params())


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("hogg/svm", "there is no extractor 'hogg'; did you mean 'hog'?"),
        ("hog/swm", "there is no classifier 'swm'; did you mean 'svm'?"),
        ("hog/kbst/svm", "there is no selector 'kbst'; did you mean 'kbest'?"),
        ("cnnn", "there is no network 'cnnn'; did you mean 'cnn'?"),
        ("hog", "'hog' only extracts features; add a classifier: hog/svm"),
        ("hog+color", "'hog+color' only extracts features; add a classifier: hog+color/svm"),
        ("svm", "'svm' classifies features and needs an extractor before it: hog/svm"),
        ("hog+hog/svm", "has 'hog' more than once"),
        ("a/b/c/d", "is not a path"),
        ("hog//svm", "is not a path"),
        ("hog/", "is not a path"),
        ("", "a candidate's name is empty"),
    ],
)
def test_a_path_that_leads_nowhere_says_so(registry: Registry, path: str, said: str) -> None:
    with pytest.raises(WorkbenchError) as error:
        parse(path, registry)
    assert said in str(error.value)


def test_a_plugin_that_returns_no_estimator_is_told_what_it_returned(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong_return.py").write_text("def f(trial, task):\n    return 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    candidate = parse("f", Registry([Plugin("network", "f", "wrong_return:f", "toy", "1.0")]))
    with pytest.raises(PluginError, match=r"network 'f' of toy 1.0 returned int 42, which has no fit and no predict"):
        candidate.build(ask(), TASK)


def test_a_plugin_may_skip_a_task(registry: Registry) -> None:
    with pytest.raises(Skip, match="too small"):
        parse("hog/svm", registry).build(ask(), Task(image_shape=(8, 8, 1), class_names=("a", "b"), n_train=9))
