"""How features are scaled before a classifier that minds their scale, and how rare classes are weighed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from workbench.plugin import Trial


def scaler(trial: Trial) -> Any:
    """Lets a trial choose between standardising every feature and scaling all alike.

    Histograms such as HOG's often do better when all are scaled alike: what hardly varies then stays small.
    """
    each = trial.suggest_categorical("scale", ["each", "alike"]) == "each"
    return StandardScaler() if each else UnitVariance()


class UnitVariance(TransformerMixin, BaseEstimator):
    """Centres every feature and divides all by one number, such that their mean variance is one.

    Attributes:
        mean_: ``(d,)``.
        scale_: The number.
    """

    def fit(self, X: npt.NDArray[Any], y: Any = None) -> UnitVariance:
        """Finds mean and variance of features ``(n, d)``."""
        X = validate_data(self, X, dtype=[np.float32, np.float64])
        self.mean_ = X.mean(axis=0)
        self.scale_ = float(np.sqrt(X.var(axis=0).mean())) or 1.0
        return self

    def transform(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the scaled features, of the same type."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        return np.asarray((X - self.mean_) / X.dtype.type(self.scale_))
