from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import PluginError
from workbench.registry import Plugin, Registry

GOOD = '''
def good(trial, task):
    """Does what it says.

    And more.
    """
'''


def plugin(name: str, target: str, kind: str = "classifier", distribution: str = "toy") -> Plugin:
    return Plugin(kind, name, target, distribution, "1.0")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    def write(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))

    return write


def test_the_built_in_plugins_come_in_by_entry_points_and_describe_themselves() -> None:
    registry = Registry.discover()
    assert {"digits", "faces", "textures", "mnist", "fashion-mnist", "cifar10"} <= set(registry.names("dataset"))
    assert {"hog", "color", "edges", "pixels"} <= set(registry.names("extractor"))
    assert {"kbest", "pca"} <= set(registry.names("selector"))
    assert {"logistic", "svm", "knn", "forest", "xgboost", "mlp"} <= set(registry.names("classifier"))
    assert "cnn" in registry.names("network")
    for found in registry:
        assert len(found.describe()) > 10


def test_the_first_line_of_the_docstring_is_the_description(module: Callable[[str, str], None]) -> None:
    module("described", GOOD)
    assert plugin("good", "described:good").describe() == "Does what it says."


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise RuntimeError('no licence')", "raised RuntimeError: no licence"),
        ("import sys; sys.exit(3)", "raised SystemExit: 3"),
        ("import not_there_at_all", "raised ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("", "has no attribute 'f'"),
        ("def f(:", "raised SyntaxError"),
        ("f = 42", "is 42; it must be a function that is called as f(trial, task)"),
        ("def f(x): pass", "must be a function that is called as f(trial, task): too many positional arguments"),
    ],
)
def test_a_broken_plugin_says_what_is_wrong_and_whose_it_is(
    module: Callable[[str, str], None], source: str, said: str, request: pytest.FixtureRequest
) -> None:
    name = f"broken_{abs(hash(request.node.name))}"
    module(name, source)
    with pytest.raises(PluginError) as error:
        plugin("f", f"{name}:f").load()
    assert said in str(error.value)
    assert "classifier 'f' of toy 1.0" in str(error.value)


def test_an_import_error_carries_its_traceback_and_the_mend(module: Callable[[str, str], None]) -> None:
    module("raising", "def inner():\n    return 1 / 0\ninner()\n")
    with pytest.raises(PluginError, match="in inner") as error:
        plugin("f", "raising:f").load()
    assert "pip uninstall toy" in str(error.value)


def test_plugins_that_clash_by_name_are_broken_and_name_each_other() -> None:
    registry = Registry([plugin("svm", "a:f", distribution="one"), plugin("svm", "b:f", distribution="two")])
    found = list(registry)
    assert len(found) == 2
    for clashing in found:
        with pytest.raises(PluginError, match=r"more than one distribution: one \(a:f\), two \(b:f\)"):
            clashing.load()


def test_equal_names_of_different_kinds_do_not_clash() -> None:
    registry = Registry([plugin("pca", "a:f"), plugin("pca", "a:f", kind="selector")])
    assert all(not found.error for found in registry)


def test_an_unknown_name_gets_the_nearest() -> None:
    registry = Registry([plugin("forest", "a:f"), plugin("svm", "a:f")])
    with pytest.raises(PluginError, match=r"there is no classifier 'forrest'; did you mean 'forest'\?"):
        registry.get("classifier", "forrest")
    with pytest.raises(PluginError, match="there are: forest, svm"):
        registry.get("classifier", "zzz")
