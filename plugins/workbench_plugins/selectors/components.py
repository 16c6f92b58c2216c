"""Principal components, as many as there can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted


class PrincipalComponents(TransformerMixin, BaseEstimator):
    """scikit-learn's ``PCA`` with the randomised solver (Halko et al., SIAM Review 2011), for any number of features.

    ``PCA`` refuses more components than there are features or images; how many those are is known when it is fitted.

    Args:
        components: Most components.
        random_state: Seed.

    Attributes:
        model_: The fitted ``PCA``.
    """

    def __init__(self, components: int = 128, random_state: int | None = None) -> None:
        self.components = components
        self.random_state = random_state

    def fit(self, X: npt.NDArray[Any], y: Any = None) -> PrincipalComponents:
        """Finds the components of features ``(n, d)``."""
        components = min(self.components, *X.shape)
        self.model_ = PCA(components, svd_solver="randomized", random_state=self.random_state).fit(X)
        return self

    def transform(self, X: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
        """Returns the components ``(n, components)``."""
        check_is_fitted(self)
        return np.asarray(self.model_.transform(X))
