"""The list of checks, and what runs it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import PluginError, WorkbenchError, did_you_mean
from workbench.registry import KINDS, Plugin, Registry
from workbench.testing import data_sets, declaration, learning, predicting, transforming
from workbench.testing.subject import CheckFailed, NotApplicable, Subject

if TYPE_CHECKING:
    import pytest

Check = Callable[[Subject], None]

_TRANSFORMERS, _LEARNERS = ("extractor", "selector"), ("classifier", "network")
_ESTIMATORS = (*_TRANSFORMERS, *_LEARNERS)

#: Every check, with the kinds of plugins that it is for.
CHECKS: dict[Check, tuple[str, ...]] = {
    declaration.check_import_is_light: tuple(KINDS),
    declaration.check_description: tuple(KINDS),
    declaration.check_task_is_served_or_skipped: _ESTIMATORS,
    declaration.check_every_sample_builds: _ESTIMATORS,
    declaration.check_parameters_rebuild_the_same: _ESTIMATORS,
    declaration.check_start_lies_in_the_space: _ESTIMATORS,
    learning.check_clone_keeps_parameters: _ESTIMATORS,
    learning.check_fit_returns_itself_and_leaves_its_input: _ESTIMATORS,
    learning.check_equal_seeds_learn_the_same: _ESTIMATORS,
    transforming.check_transform_gives_rows: _TRANSFORMERS,
    transforming.check_rows_do_not_depend_on_each_other: _TRANSFORMERS,
    transforming.check_memory_maps_are_read: _TRANSFORMERS,
    predicting.check_labels_of_any_kind: _LEARNERS,
    predicting.check_a_missing_class: _LEARNERS,
    predicting.check_probabilities: _LEARNERS,
    predicting.check_predictions_do_not_depend_on_each_other: _LEARNERS,
    learning.check_steps_are_reported_and_pruning_is_obeyed: _LEARNERS,
    learning.check_the_deadline_is_obeyed: _LEARNERS,
    predicting.check_scikit_learns_own_checks: ("classifier",),
    data_sets.check_dataset_is_whole: ("dataset",),
}


@dataclass(frozen=True)
class Result:
    """How a check ended.

    Attributes:
        check: The check's name.
        state: ``"passed"``, ``"failed"`` or ``"skipped"``.
        message: What was found and how to mend it, or why the check had nothing to look at.
    """

    check: str
    state: str
    message: str = ""


def checks_for(plugin: Plugin) -> list[Check]:
    """Returns the checks that a plugin of its kind must pass."""
    return [check for check, kinds in CHECKS.items() if plugin.kind in kinds]


def run_check(check: Check, subject: Subject) -> Result:
    """Runs a check; whatever a plugin raises is a result."""
    try:
        check(subject)
    except NotApplicable as reason:
        return Result(check.__name__, "skipped", str(reason))
    except (CheckFailed, PluginError) as failure:
        return Result(check.__name__, "failed", str(failure))
    except Exception as error:
        where = traceback.format_exc().rstrip()
        return Result(check.__name__, "failed", f"it raised {type(error).__name__}: {error}\n{where}")
    return Result(check.__name__, "passed")


def verdict(results: Sequence[Result]) -> Result | None:
    """Returns a failure if checks looked at nothing: a list that ran nothing, or skipped everything, proves nothing."""
    if any(result.state != "skipped" for result in results):
        return None
    reasons = "; ".join(dict.fromkeys(result.message for result in results))
    return Result("all checks", "failed", f"no check looked at anything{': ' + reasons if reasons else ''}")


def check_plugin(plugin: str | Plugin, checks: Iterable[Check] | None = None) -> list[Result]:
    """Runs the contract's checks on a plugin.

    Args:
        plugin: Its name (``"lbp"``, or ``"extractor/lbp"`` where several kinds share a name), or its record.
        checks: Some of :data:`CHECKS`; default: all that are for its kind.

    Returns:
        A result for each check, and a failed one more if all were skipped.

    Raises:
        WorkbenchError: If there is no such plugin, with the nearest name.
    """
    found = find(plugin) if isinstance(plugin, str) else plugin
    subject = Subject(found)
    results = [run_check(check, subject) for check in (checks_for(found) if checks is None else checks)]
    nothing = verdict(results)
    return [*results, nothing] if nothing else results


def parametrize_with_checks(plugins: Iterable[str | Plugin]) -> pytest.MarkDecorator:
    """Makes a test of every check on every plugin, for pytest.

    >>> @parametrize_with_checks(["my-lbp"])
    ... def test_contract(check):
    ...     check()

    Args:
        plugins: Names or records; see :func:`check_plugin`.
    """
    import pytest

    found: list[Any] = []
    for plugin in plugins:
        record = find(plugin) if isinstance(plugin, str) else plugin
        subject, checks = Subject(record), checks_for(record)
        results: list[Result] = []
        found += [pytest.param(_test(c, subject, results), id=f"{record.name}-{c.__name__}") for c in checks]
        found.append(pytest.param(_anything(results, len(checks)), id=f"{record.name}-anything_was_checked"))
    if not found:
        raise WorkbenchError("parametrize_with_checks got no plugin; name at least one")
    return pytest.mark.parametrize("check", found)


def _test(check: Check, subject: Subject, results: list[Result]) -> Callable[[], None]:
    def run() -> None:
        import pytest

        result = run_check(check, subject)
        results.append(result)
        if result.state == "skipped":
            pytest.skip(result.message)
        if result.state == "failed":
            raise CheckFailed(f"{subject.plugin}: {result.message}")

    return run


def _anything(results: list[Result], wanted: int) -> Callable[[], None]:
    def run() -> None:
        import pytest

        if 0 < len(results) < wanted or (wanted and not results):
            pytest.skip("only some of the checks were selected")
        nothing = verdict(results)
        if nothing:
            raise CheckFailed(nothing.message)

    return run


def find(name: str) -> Plugin:
    """Returns an installed plugin by ``name`` or ``kind/name``.

    Raises:
        WorkbenchError: If there is none, with the nearest name, or if several kinds share the name.
    """
    registry = Registry.discover()
    kind, _, bare = name.rpartition("/")
    if kind and kind not in KINDS:
        raise WorkbenchError(f"there is no kind of plugin {kind!r}; {did_you_mean(kind, KINDS)}")
    same = [p for k in ([kind] if kind else KINDS) if (p := registry.find(k, bare)) is not None]
    if not same:
        known = {n for k in ([kind] if kind else KINDS) for n in registry.names(k)}
        raise PluginError(f"there is no plugin {bare!r}; {did_you_mean(bare, known)}")
    if len(same) > 1:
        kinds = " or ".join(f"{plugin.kind}/{bare}" for plugin in same)
        raise PluginError(f"{bare!r} is the name of several plugins; write {kinds}")
    return same[0]
