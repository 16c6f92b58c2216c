"""Boosted trees that learn round by round: stopped early, pruned, and in time."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from workbench.plugin import Monitor

#: Rounds between two reports to the monitor: a single one says little.
_ROUNDS_A_STEP = 20


class BoostedTrees(ClassifierMixin, BaseEstimator):
    """XGBoost (Chen and Guestrin, KDD 2016) whose number of rounds is found on the validation data.

    The arguments are those of ``xgboost.XGBClassifier``, but for:

    Args:
        rounds: Most rounds.
        patience: Rounds without a better validation loss after which boosting stops.
        class_weight: ``"balanced"`` weighs images of rare classes more; None.

    Attributes:
        model_: The fitted ``xgboost.XGBClassifier``.
        classes_: The labels.
        best_step_: Round with the best validation loss; None without validation data.
    """

    def __init__(
        self,
        rounds: int = 500,
        patience: int = 20,
        learning_rate: float = 0.3,
        max_depth: int = 6,
        min_child_weight: float = 1.0,
        subsample: float = 1.0,
        colsample_bytree: float = 1.0,
        reg_lambda: float = 1.0,
        class_weight: str | None = None,
        device: str = "cpu",
        n_jobs: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.rounds = rounds
        self.patience = patience
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_child_weight = min_child_weight
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.reg_lambda = reg_lambda
        self.class_weight = class_weight
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: npt.NDArray[Any],
        y: npt.NDArray[Any],
        *,
        validation_data: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None,
        monitor: Monitor | None = None,
    ) -> BoostedTrees:
        """Boosts until the validation loss no longer falls, the rounds are done or the time is up.

        Args:
            X: Features ``(n, d)``.
            y: ``n`` labels.
            validation_data: Features and labels that decide when to stop. Without them (in a refit) boosting goes on
                for the monitor's ``best_step`` + 1 rounds.
            monitor: Told the validation accuracy every 20 rounds; its time is obeyed.
        """
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_, targets = np.unique(y, return_inverse=True)
        self.model_: Any = None
        if len(self.classes_) == 1:
            self.best_step_ = None
            return self
        rounds = self.rounds if monitor is None or monitor.best_step is None else monitor.best_step + 1
        ours = ("rounds", "patience", "class_weight")
        settings = {name: value for name, value in self.get_params().items() if name not in ours}
        weights = None if self.class_weight is None else compute_sample_weight(self.class_weight, y)
        error, loss = ("error", "logloss") if len(self.classes_) == 2 else ("merror", "mlogloss")
        model = xgboost.XGBClassifier(
            **settings,
            n_estimators=rounds,
            eval_metric=[error, loss],  # the last decides when to stop
            early_stopping_rounds=None if validation_data is None else self.patience,
            callbacks=[_Watch(monitor, error)],
        )
        evaluate = None
        if validation_data is not None:
            evaluate = [(validation_data[0], np.searchsorted(self.classes_, validation_data[1]))]
        self.model_ = model.fit(X, targets, sample_weight=weights, eval_set=evaluate, verbose=False)
        self._check_device()
        self.model_.callbacks = None  # the watch belongs to this fit, and cannot be pickled
        # early stopping has not looked yet when the time is up after a single round
        best = self.model_.get_booster().attr("best_iteration")
        last = self.model_.get_booster().num_boosted_rounds() - 1
        self.best_step_ = None if validation_data is None else int(last if best is None else best)
        return self

    def _check_device(self) -> None:
        """Raises RuntimeError if XGBoost went to another device than it was asked to: it does so without a word."""
        used = json.loads(self.model_.get_booster().save_config())["learner"]["generic_param"]["device"]
        if used.partition(":")[0] != self.device.partition(":")[0]:
            raise RuntimeError(
                f"XGBoost was asked to use {self.device} and used {used}: its times would say nothing about the GPU; "
                "install a build of xgboost with CUDA, or hide the GPU: CUDA_VISIBLE_DEVICES="
            )

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Returns class probabilities ``(n, n_classes)``."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        if self.model_ is None:  # a single class: nothing to boost
            return np.ones((len(X), 1), np.float32)
        return np.asarray(self.model_.predict_proba(X), dtype=np.float32)

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the ``n`` most probable labels."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])


class _Watch(xgboost.callback.TrainingCallback):
    """Reports the validation accuracy now and then, and stops in time."""

    def __init__(self, monitor: Monitor | None, error: str) -> None:
        super().__init__()
        self.monitor = monitor
        self.error = error
        self.slowest = 0.0
        self.last = time.monotonic()

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        now = time.monotonic()
        self.slowest, self.last = max(self.slowest, now - self.last), now
        if self.monitor is None:
            return False
        if epoch % _ROUNDS_A_STEP == _ROUNDS_A_STEP - 1:
            for metrics in evals_log.values():
                self.monitor.report(1.0 - float(metrics[self.error][-1]), epoch // _ROUNDS_A_STEP)
        return self.monitor.seconds_left < 2 * self.slowest
