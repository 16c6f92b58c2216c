from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

from workbench_plugins.classifiers import kernel_machine
from workbench_plugins.classifiers.kernel_machine import ApproximateRBFMachine, RBFMachine
from workbench_plugins.classifiers.scaling import UnitVariance


@pytest.mark.parametrize("by_rows", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_predictions_are_those_of_scikit_learns_svc(
    classes: int, by_rows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_rows:  # what happens where the whole kernel does not fit
        monkeypatch.setattr(kernel_machine, "_LARGEST_KERNEL", 10)
    X, y = load_digits(return_X_y=True)
    X, y = StandardScaler().fit_transform(X[y < classes]).astype(np.float32), y[y < classes]
    half = len(X) // 2
    scale = 1 / (X.shape[1] * X[:half].var())
    for C, gamma, weight in ((0.1, 0.1, None), (10, 1, "balanced"), (1000, 20, None)):
        ours = RBFMachine(C=C, gamma=gamma, class_weight=weight).fit(X[:half], y[:half])
        theirs = SVC(C=C, gamma=gamma * scale, class_weight=weight).fit(X[:half], y[:half])
        np.testing.assert_array_equal(ours.predict(X[half:]), theirs.predict(X[half:]))
        if classes == 2:
            np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=0.02 * C)


@pytest.mark.parametrize("method", ["nystroem", "fourier"])
def test_an_approximate_kernel_comes_close_to_the_exact_one(method: str) -> None:
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype(np.float32)
    exact = RBFMachine(C=10).fit(X[:900], y[:900]).score(X[900:], y[900:])
    close = ApproximateRBFMachine(C=10, method=method, components=800, random_state=0).fit(X[:900], y[:900])
    assert close.score(X[900:], y[900:]) > exact - 0.04
    assert close.predict_proba(X).shape == (len(X), 10)


def test_all_features_are_scaled_alike() -> None:
    X = np.random.default_rng(0).normal(5, [1, 10], (1000, 2)).astype(np.float32)
    scaled = UnitVariance().fit_transform(X)
    assert scaled.var(axis=0).mean() == pytest.approx(1, rel=1e-3)
    assert scaled[:, 1].std() / scaled[:, 0].std() == pytest.approx(10, rel=0.1)
    np.testing.assert_array_equal(UnitVariance().fit_transform(np.full((5, 2), 7.0)), 0)


@pytest.mark.parametrize("estimator", [RBFMachine(), ApproximateRBFMachine(components=20), UnitVariance()])
def test_they_are_scikit_learns(estimator: Any) -> None:
    check_estimator(estimator)
