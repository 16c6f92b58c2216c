"""Checks of ``fit``: what it may touch, what it must repeat, and whom it must obey."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from workbench.testing.subject import CheckFailed, NotApplicable, Subject, Watch, close, require

_LATE = 5.0  # seconds beyond its time that a fit may take to wind up


def check_clone_keeps_parameters(subject: Subject) -> None:
    """``sklearn.base.clone`` copies the estimator with its parameters, for every sample."""
    from sklearn.base import clone

    for task in subject.tasks:
        for _, estimator in subject.samples(task, 5):
            try:
                copy = clone(estimator)
            except Exception as error:
                raise CheckFailed(
                    f"sklearn.base.clone raises {type(error).__name__}: {error}; derive from BaseEstimator, and let "
                    "__init__ store its arguments as they are, each under its own name"
                ) from error
            before, after = repr(estimator.get_params()), repr(copy.get_params())
            require(
                before == after,
                f"a clone has other parameters:\n  {before}\n  {after}\n__init__ must store its arguments as they are",
            )


def check_fit_returns_itself_and_leaves_its_input(subject: Subject) -> None:
    """``fit`` returns the estimator, and changes neither the data nor its own parameters."""
    task = subject.tasks[0]
    X, y = subject.data(task)
    X_before, y_before = X.copy(), y.copy()
    estimator = subject.build(task)
    params = repr(estimator.get_params())
    returned = subject.fit(estimator, X, y)
    require(returned is estimator, f"fit returns {type(returned).__name__}, not itself; end it with `return self`")
    require(
        np.array_equal(X, X_before) and np.array_equal(y, y_before),
        "fit changes the data that it was given; other candidates train on the same: work on a copy",
    )
    after = repr(estimator.get_params())
    require(
        params == after,
        f"fit changes the estimator's parameters:\n  {params}\n  {after}\nwhat is learned goes into attributes that "
        "end in an underscore",
    )


def check_equal_seeds_learn_the_same(subject: Subject) -> None:
    """Fitted twice with the same seed it gives the same answers."""
    from dataclasses import replace

    task = replace(subject.tasks[0], deterministic=True)
    X, y = subject.data(task)
    answers = []
    for _ in range(2):
        estimator = subject.build(task)
        if hasattr(estimator, "get_params") and "epochs" in estimator.get_params(deep=False):
            estimator.set_params(epochs=3)  # differences show at once
        np.random.seed(None)  # what is not seeded by task.seed shows
        subject.fit(estimator, X, y, Watch(seconds=60))
        answers.append(np.asarray(_answer(estimator)(X)))
    require(
        answers[0].shape == answers[1].shape and close(*answers),
        "fitted twice with the same seed it gives different answers; seed everything random with task.seed "
        "(random_state=task.seed)",
    )


def check_steps_are_reported_and_pruning_is_obeyed(subject: Subject) -> None:
    """A learner by steps reports accuracies at 0, 1, 2, ... and lets ``TrialPruned`` through."""
    from optuna import TrialPruned

    task = subject.tasks[0]
    X, y = subject.data(task)
    watch = Watch()
    _stepwise(subject, task).fit(X, y, **_arguments(subject, task, X, y, watch))
    require(
        watch.steps == list(range(len(watch.steps))) and watch.steps,
        f"the monitor was told the steps {watch.steps[:5]}; call monitor.report(accuracy, step) for 0, 1, 2, ...",
    )
    require(
        all(0 <= value <= 1 for value in watch.values),
        f"the monitor was told the accuracies {watch.values[:3]}; report validation accuracies, 0 to 1",
    )
    watch = Watch(prune_at=0)
    try:
        _stepwise(subject, task).fit(X, y, **_arguments(subject, task, X, y, watch))
    except TrialPruned:
        require(watch.steps == [0], f"pruned at step 0 it went on to step {watch.steps[-1]}; let TrialPruned through")
        return
    raise CheckFailed("pruned at step 0 it went on as if nothing had happened; let TrialPruned through")


def check_the_deadline_is_obeyed(subject: Subject) -> None:
    """A learner by steps whose time is up returns soon, with a model that predicts."""
    task = subject.tasks[0]
    X, y = subject.data(task)
    estimator = _stepwise(subject, task)
    estimator.fit(X, y, **_arguments(subject, task, X, y, Watch(seconds=0)))  # compiles what there is to compile
    watch, started = Watch(seconds=0), time.monotonic()
    estimator = subject.build(task)
    estimator.fit(X, y, **_arguments(subject, task, X, y, watch))
    compiling = float(getattr(estimator, "warmup_seconds_", 0.0))  # cannot be cut short
    took = time.monotonic() - started - compiling
    require(
        took < _LATE and len(watch.steps) <= 3,
        f"without any time left it took {took:.1f} s and {len(watch.steps)} steps; look at monitor.seconds_left after "
        "each step and return the best so far",
    )
    try:
        estimator.predict(X[:2])
    except Exception as error:
        raise CheckFailed(
            f"ended by its deadline it cannot predict: {type(error).__name__}: {error}; keep the best state so far"
        ) from error


def _stepwise(subject: Subject, task: Any) -> Any:
    from sklearn.utils.validation import has_fit_parameter

    estimator = subject.build(task)
    if not has_fit_parameter(estimator, "monitor"):
        raise NotApplicable("its fit takes no monitor: it does not learn step by step")
    return estimator


def _arguments(subject: Subject, task: Any, X: Any, y: Any, watch: Watch) -> dict[str, Any]:
    from sklearn.utils.validation import has_fit_parameter

    given: dict[str, Any] = {"monitor": watch}
    if has_fit_parameter(subject.build(task), "validation_data"):
        given["validation_data"] = (X, y)
    return given


def _answer(estimator: Any) -> Any:
    for name in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)
    raise CheckFailed(f"{type(estimator).__name__} has neither predict nor transform")
