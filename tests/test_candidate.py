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
        parse("hog/svm", registry).build(ask(), Task(image_shape=(7, 7, 1), class_names=("a", "b"), n_train=9))


def test_auto_lets_each_trial_choose_among_all_extractors(registry: Registry) -> None:
    candidate = parse("auto/pca/svm", registry)
    names = {plugin.name for plugin in candidate.extractors}
    assert names == set(registry.names("extractor"))
    start = candidate.start(TASK)
    assert {name for name, value in start.items() if name.startswith("auto.") and value} == {"auto.hog", "auto.color"}
    study = optuna.create_study()
    study.enqueue_trial(start)
    trial = study.ask()
    extract = candidate.build(trial, TASK).named_steps["extract"]
    assert [name for name, _ in extract.transformer_list] == ["color", "hog"]
    assert trial.params == start
    seen = set()
    for seed in range(10):
        trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
        extract = candidate.build(trial, TASK).named_steps["extract"]
        chosen = [name for name, _ in extract.transformer_list]
        assert chosen == [name for name in sorted(names) if trial.params[f"auto.{name}"]]
        seen |= set(chosen)
    assert seen == names


def test_auto_that_chose_nothing_takes_one_that_serves(registry: Registry) -> None:
    candidate = parse("auto/svm", registry)
    tiny = Task(image_shape=(7, 7, 1), class_names=("a", "b"), n_train=100)  # too small for bovw and hog
    chosen = {f"auto.{name}": name in ("bovw", "hog") for name in registry.names("extractor")}
    svm = {"svm.C": 1.0, "svm.gamma": 1.0, "svm.scale": "each"}
    trial = FixedTrial({**chosen, "color.bins": 8, "color.grid": 1, **svm})
    extract = candidate.build(trial, tiny).named_steps["extract"]
    assert [name for name, _ in extract.transformer_list] == ["color"]


def test_auto_leaves_broken_extractors_out_and_says_when_none_serves() -> None:
    working = [p for p in Registry.discover() if (p.kind, p.name) in (("extractor", "bovw"), ("classifier", "svm"))]
    broken = Plugin("extractor", "broken", "no_such_module:f", "x", "1")
    candidate = parse("auto/svm", Registry([*working, broken]))
    assert [plugin.name for plugin in candidate.extractors] == ["bovw"]
    with pytest.raises(Skip, match="no extractor can serve this task; bovw: images of 7 pixels are too small"):
        candidate.build(ask(), Task(image_shape=(7, 7, 1), class_names=("a", "b"), n_train=100))
    with pytest.raises(PluginError, match="'auto' has nothing to choose from"):
        parse("auto/svm", Registry([p for p in working if p.kind == "classifier"]))
    with pytest.raises(WorkbenchError, match="'auto' chooses among all extractors; write it alone: auto/svm"):
        parse("auto+bovw/svm", Registry(working))


@pytest.mark.parametrize("learner", ["logistic", "linear-svm", "svm", "forest", "extra-trees", "xgboost"])
def test_classes_are_weighed_only_where_some_are_rare(registry: Registry, learner: str) -> None:
    candidate = parse(f"hog/{learner}", registry)
    for counts, asked in (((50, 50), False), ((80, 20), True), ((), False)):
        trial = ask()
        candidate.build(trial, Task((32, 32, 3), ("a", "b"), n_train=100, class_counts=counts))
        assert (f"{learner}.class_weight" in trial.params) == asked


def test_a_large_task_lets_the_svm_approximate_its_kernel(registry: Registry) -> None:
    candidate = parse("hog/svm", registry)
    large = Task((32, 32, 3), ("a", "b"), n_train=20_000)
    machines = set()
    for seed in range(10):
        trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
        machine = candidate.build(trial, large).named_steps["classify"][-1]
        machines.add((trial.params["svm.kernel"], type(machine).__name__))
    approximate = {(kernel, "ApproximateRBFMachine") for kernel in ("nystroem", "fourier")}
    assert machines == {("exact", "RBFMachine"), *approximate}
    trial = ask()
    candidate.build(trial, TASK)
    assert "svm.kernel" not in trial.params
