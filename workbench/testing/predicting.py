"""Checks of classifiers and networks: labels, probabilities, and what scikit-learn asks of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from workbench.testing.subject import NotApplicable, Subject, close, require


def check_labels_of_any_kind(subject: Subject) -> None:
    """Labels may be words; predictions are words then."""
    task = subject.tasks[0]
    X, y = subject.data(task)
    words = np.array(task.class_names)[y]
    estimator = subject.build(task)
    try:
        subject.fit(estimator, X, words)
        predicted = np.asarray(estimator.predict(X[:10]))
    except Exception as error:
        require(
            False,
            f"fitted with labels that are words it raises {type(error).__name__}: {error}; encode them in fit: "
            "self.classes_, y = np.unique(y, return_inverse=True)",
        )
    require(
        set(predicted) <= set(task.class_names),
        f"fitted with labels such as {words[0]!r} it predicts {predicted[0]!r}; return self.classes_[index]",
    )


def check_a_missing_class(subject: Subject) -> None:
    """A class without any image in a fold does not upset it, and is not predicted."""
    task = subject.tasks[0]
    X, y = subject.data(task)
    some = y != 1
    estimator = subject.build(task)
    try:
        subject.fit(estimator, X[some], y[some])
        predicted = np.asarray(estimator.predict(X))
    except Exception as error:
        require(
            False,
            f"fitted without any image of class 1 of 0, 1, 2 it raises {type(error).__name__}: {error}; take the "
            "classes from y (np.unique), not from the task",
        )
    require(
        set(predicted.tolist()) <= {0, 2},
        f"fitted on the classes 0 and 2 it predicts {sorted(set(predicted.tolist()))}; take the classes from y "
        "(np.unique), and predict self.classes_[index]",
    )


def check_probabilities(subject: Subject) -> None:
    """Probabilities, where it gives any, are one for each class, sum to one, and agree with its predictions."""
    estimator = subject.fitted
    if not hasattr(estimator, "predict_proba"):
        raise NotApplicable("it gives no probabilities")
    X, _ = subject.data(subject.tasks[0], seed=1)
    probabilities = np.asarray(estimator.predict_proba(X))
    shape = (len(X), subject.tasks[0].n_classes)
    require(
        probabilities.shape == shape,
        f"predict_proba returns shape {probabilities.shape} and not {shape}: a column for each of the classes",
    )
    require(
        np.isfinite(probabilities).all() and probabilities.min() >= -1e-6,
        "predict_proba returns numbers that are negative or not finite; return a softmax",
    )
    sums = probabilities.sum(axis=1)
    require(
        np.allclose(sums, 1, atol=1e-3),
        f"probabilities sum to {sums[np.abs(sums - 1).argmax()]:.3g}; they must sum to 1 for each image",
    )
    predicted, likely = np.asarray(estimator.predict(X)), np.asarray(estimator.classes_)[probabilities.argmax(axis=1)]
    differ = int(np.sum(predicted != likely))
    require(
        not differ,
        f"predict differs from the most probable class for {differ} of {len(X)} images; predict "
        "self.classes_[self.predict_proba(X).argmax(axis=1)]",
    )


def check_predictions_do_not_depend_on_each_other(subject: Subject) -> None:
    """An image is predicted the same alone and in a batch, and predicting changes nothing in the model."""
    X, _ = subject.data(subject.tasks[0], seed=1)
    predict = getattr(subject.fitted, "predict_proba", subject.fitted.predict)
    before = np.asarray(predict(X))
    alone = np.concatenate([np.asarray(predict(X[i : i + 1])) for i in range(10)])
    require(
        close(before[:10], alone),
        "predicted one by one, images get other answers than in a batch: test images must not learn from each other; "
        "keep statistics of the batch out of predict",
    )
    predict(X[::-1][:40].copy())
    require(
        close(np.asarray(predict(X)), before),
        "after it predicted other images it answers differently for the same ones: predicting must not change the "
        "model, or it would learn from the test set",
    )


def check_scikit_learns_own_checks(subject: Subject) -> None:
    """A classifier over features passes ``sklearn.utils.estimator_checks``, but for what it declares with a reason.

    A function may declare checks that its classifier fails, each with the reason, in an attribute
    ``expected_failed_checks``: a dictionary. One that passes all the same must be taken off the list.
    """
    from sklearn.utils.estimator_checks import check_estimator

    estimator = subject.build(subject.tasks[0])
    if hasattr(estimator, "steps"):  # a Pipeline changes its steps when it is fitted: its classifier is what counts
        estimator = estimator.steps[-1][1]
    if "n_estimators" in estimator.get_params(deep=False):  # as scikit-learn tests its own ensembles: with few members
        estimator.set_params(n_estimators=10)
    declared: dict[str, str] = getattr(subject.plugin.load(), "expected_failed_checks", {})
    unreasoned = [name for name, reason in declared.items() if not str(reason).strip()]
    require(not unreasoned, f"expected_failed_checks names {', '.join(unreasoned)} without a reason; say why")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results: list[Any] = check_estimator(estimator, expected_failed_checks=declared, on_skip=None, on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    require(
        not failed,
        "; ".join(f"{name} of scikit-learn fails: {error}" for name, error in failed.items())
        + "; mend it, or declare it with the reason in the function's attribute expected_failed_checks",
    )
    # One name is run with several inputs: it counts as failing while it fails for any of them.
    failing = {r["check_name"] for r in results if r["status"] == "xfail"}
    passing = sorted(set(declared) - failing)
    require(not passing, f"expected_failed_checks names {', '.join(passing)}, which pass; take them off the list")
