"""Every check of the contract catches the plugin that breaks its rule, and no other check does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import WorkbenchError
from workbench.registry import Plugin
from workbench.testing import CHECKS, CheckFailed, NotApplicable, check_plugin, parametrize_with_checks

#: Broken plugin, its kind, the one check that must catch it, and what that must say.
BROKEN = [
    ("heavy:extractor", "extractor", "check_import_is_light", "loads xgboost, which makes every listing slow"),
    ("without_description", "extractor", "check_description", "the function has no docstring"),
    ("raises_for_grey", "extractor", "check_task_is_served_or_skipped", "raises ValueError: needs 3 channels; if it"),
    ("skips_without_reason", "extractor", "check_task_is_served_or_skipped", "skips grey images without a reason"),
    (
        "space_too_wide",
        "extractor",
        "check_every_sample_builds",
        "power must not be above 1.75; narrow the search space",
    ),
    ("decides_by_itself", "extractor", "check_parameters_rebuild_the_same", "the refit would not be what was tuned"),
    ("suggests_tuples", "extractor", "check_parameters_rebuild_the_same", "suggest None, bool, int, float or str"),
    ("starts_outside", "extractor", "check_start_lies_in_the_space", "name all parameters, with values that"),
    ("cannot_be_cloned", "extractor", "check_clone_keeps_parameters", "let __init__ store its arguments as they are"),
    ("returns_nothing", "extractor", "check_fit_returns_itself_and_leaves_its_input", "end it with `return self`"),
    ("changes_its_input", "extractor", "check_fit_returns_itself_and_leaves_its_input", "fit changes the data"),
    ("without_seed", "extractor", "check_equal_seeds_learn_the_same", "seed everything random with task.seed"),
    ("returns_doubles", "extractor", "check_transform_gives_rows", "returns float64; return float32"),
    ("divides_by_nothing", "extractor", "check_transform_gives_rows", "guard divisions and logarithms"),
    ("centres_the_batch", "extractor", "check_rows_do_not_depend_on_each_other", "learn such statistics in fit"),
    ("writes_in_place", "extractor", "check_memory_maps_are_read", "do not write into X"),
    ("numbers_only", "network", "check_labels_of_any_kind", "encode them in fit: self.classes_, y = np.unique"),
    ("takes_positions_for_labels", "network", "check_a_missing_class", "on the classes 0 and 2 it predicts"),
    ("probabilities_of_two", "network", "check_probabilities", "probabilities sum to 2; they must sum to 1"),
    ("predicts_the_least_likely", "network", "check_probabilities", "predict differs from the most probable class"),
    (
        "looks_at_the_whole_test_set",
        "network",
        "check_predictions_do_not_depend_on_each_other",
        "test images must not learn from each other",
    ),
    (
        "learns_while_it_predicts",
        "network",
        "check_predictions_do_not_depend_on_each_other",
        "or it would learn from the test set",
    ),
    ("counts_from_one", "network", "check_steps_are_reported_and_pruning_is_obeyed", "was told the steps [1, 2, 3]"),
    ("swallows_pruning", "network", "check_steps_are_reported_and_pruning_is_obeyed", "let TrialPruned through"),
    ("ignores_the_clock", "network", "check_the_deadline_is_obeyed", "look at monitor.seconds_left after each step"),
    ("predicts_unfitted", "classifier", "check_scikit_learns_own_checks", "check_estimators_unfitted of scikit-learn"),
    ("excuses_too_much", "classifier", "check_scikit_learns_own_checks", "which pass; take them off the list"),
    (
        "more_labels_than_names",
        "dataset",
        "check_dataset_is_whole",
        "labels run from 0 to 2, but there are 2 class names",
    ),
    ("another_word_for_a_part", "dataset", "check_dataset_is_whole", "write train, val or test"),
]


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])))


def plugin(target: str, kind: str) -> Plugin:
    target = target if ":" in target else f"broken:{target}"
    return Plugin(kind, target.partition(":")[2].replace("_", "-"), target, "broken", "1.0")


@pytest.mark.parametrize(("target", "kind", "check", "said"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_plugin_is_caught_by_its_check_alone(target: str, kind: str, check: str, said: str) -> None:
    failed = {result.check: result.message for result in check_plugin(plugin(target, kind)) if result.state == "failed"}
    assert set(failed) == {check}, failed
    assert said in failed[check]


def test_every_check_has_a_plugin_that_breaks_its_rule() -> None:
    assert {check.__name__ for check in CHECKS} == {check for _, _, check, _ in BROKEN}


@pytest.mark.parametrize("target", ["sound_extractor", "sound_network", "sound_dataset"])
def test_a_sound_plugin_passes(target: str) -> None:
    results = check_plugin(plugin(target, target.removeprefix("sound_")))
    assert not [result for result in results if result.state == "failed"]
    assert len([result for result in results if result.state == "passed"]) >= 3


def test_a_list_that_ran_nothing_or_skipped_everything_fails() -> None:
    def skips(subject: Any) -> None:
        raise NotApplicable("there is nothing here")

    sound = plugin("sound_extractor", "extractor")
    for checks, said in (([], "no check looked at anything"), ([skips, skips], "anything: there is nothing here")):
        last = check_plugin(sound, checks)[-1]
        assert (last.check, last.state) == ("all checks", "failed")
        assert said in last.message
    with pytest.raises(WorkbenchError, match="got no plugin; name at least one"):
        parametrize_with_checks([])


def test_pytest_gets_a_test_for_every_check_and_one_for_all_of_them() -> None:
    mark = parametrize_with_checks([plugin("returns_nothing", "extractor")])
    tests = {param.id: param.values[0] for param in mark.args[1]}
    wanted = {check.__name__ for check, kinds in CHECKS.items() if "extractor" in kinds}
    assert set(tests) == {f"returns-nothing-{name}" for name in (*wanted, "anything_was_checked")}
    tests["returns-nothing-check_description"]()
    with pytest.raises(CheckFailed, match="of broken 1\\.0: fit returns NoneType"):
        tests["returns-nothing-check_fit_returns_itself_and_leaves_its_input"]()
    with pytest.raises(pytest.skip.Exception, match="names no parameters"):
        tests["returns-nothing-check_start_lies_in_the_space"]()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hogg", "there is no plugin 'hogg'; did you mean 'hog'?"),
        ("classifier/hog", "there is no plugin 'hog'; there are: bayes, "),
        ("classifer/svm", "there is no kind of plugin 'classifer'; did you mean 'classifier'?"),
    ],
)
def test_an_unknown_plugin_is_answered_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(WorkbenchError, match="there is no") as caught:
        check_plugin(name)
    assert said in str(caught.value)
