from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

from workbench_plugins.classifiers import kernel_machine
from workbench_plugins.classifiers.kernel_machine import RBFMachine


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
    for C, gamma in ((0.1, 1e-3), (10, 1e-2), (1000, 0.3)):
        ours = RBFMachine(C=C, gamma=gamma).fit(X[:half], y[:half])
        theirs = SVC(C=C, gamma=gamma).fit(X[:half], y[:half])
        np.testing.assert_array_equal(ours.predict(X[half:]), theirs.predict(X[half:]))


def test_it_is_a_scikit_learn_classifier() -> None:
    check_estimator(RBFMachine())
