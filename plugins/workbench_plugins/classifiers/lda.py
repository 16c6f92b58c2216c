"""The classifier ``lda``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def lda(trial: Trial, task: Task) -> Any:
    """Linear discriminant analysis, with a shrunken covariance."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    shrinkage = trial.suggest_float("shrinkage", 1e-4, 1.0, log=True)
    return make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage))


def _start(task: Task) -> dict[str, Any]:
    return {"shrinkage": 0.1}


lda.expected_failed_checks = {  # type: ignore[attr-defined]
    "check_classifiers_one_label": "scikit-learn's eigen solver wants two classes at least",
}
lda.start = _start  # type: ignore[attr-defined]
lda.preload = ("sklearn.discriminant_analysis", "sklearn.preprocessing", "sklearn.pipeline")  # type: ignore[attr-defined]
