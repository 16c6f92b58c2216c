"""A shallow neural network that learns epoch by epoch: stopped early, pruned, and in time."""

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.neural_network import MLPClassifier
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from workbench.plugin import Monitor


class ShallowNetwork(ClassifierMixin, BaseEstimator):
    """scikit-learn's ``MLPClassifier``, trained by Adam, that keeps the epoch with the best validation accuracy.

    Args:
        hidden_layer_sizes: Neurons of each hidden layer.
        alpha: Strength of the L2 penalty.
        learning_rate: Of Adam.
        batch_size: Images in a batch.
        epochs: Most passes over the data.
        patience: Epochs without a better validation accuracy after which training stops.
        scaler: Transformer that scales the features; None leaves them.
        random_state: Seed.

    Attributes:
        model_: The fitted ``MLPClassifier``.
        scaler_: The fitted scaler, or None.
        classes_: The labels.
        n_parameters_: Learnable parameters: weights and biases.
        best_step_: Epoch that was kept, from 0; None without validation data.
    """

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (100,),
        alpha: float = 1e-4,
        learning_rate: float = 1e-3,
        batch_size: int = 128,
        epochs: int = 100,
        patience: int = 10,
        scaler: Any = None,
        random_state: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.scaler = scaler
        self.random_state = random_state

    def fit(
        self,
        X: npt.NDArray[Any],
        y: npt.NDArray[Any],
        *,
        validation_data: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None,
        monitor: Monitor | None = None,
    ) -> ShallowNetwork:
        """Trains until the validation accuracy no longer rises, the epochs are done or the time is up.

        Args:
            X: Features ``(n, d)``.
            y: ``n`` labels.
            validation_data: Features and labels that decide which epoch is kept. Without them (in a refit) training
                goes on for the monitor's ``best_step`` + 1 epochs.
            monitor: Told the validation accuracy after every epoch; its time is obeyed.
        """
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        self.scaler_ = None if self.scaler is None else clone(self.scaler).fit(X)
        X = self._scaled(X)
        if validation_data is not None:
            validation_data = self._scaled(validation_data[0]), np.asarray(validation_data[1])
        model = MLPClassifier(
            hidden_layer_sizes=self.hidden_layer_sizes,
            alpha=self.alpha,
            learning_rate_init=self.learning_rate,
            batch_size=min(self.batch_size, len(X)),
            random_state=self.random_state,
        )
        epochs = self.epochs if monitor is None or monitor.best_step is None else monitor.best_step + 1
        best, best_epoch, kept, slowest = -1.0, epochs - 1, None, 0.0
        for epoch in range(epochs):
            started = time.monotonic()
            model.partial_fit(X, y, classes=self.classes_)  # one epoch, in an order of its own
            if validation_data is not None:
                accuracy = float(np.mean(model.predict(validation_data[0]) == validation_data[1]))
                if accuracy > best:
                    best, best_epoch = accuracy, epoch
                    kept = copy.deepcopy((model.coefs_, model.intercepts_))
                if monitor is not None:
                    monitor.report(accuracy, epoch)
                if epoch - best_epoch >= self.patience:
                    break
            slowest = max(slowest, time.monotonic() - started)
            if monitor is not None and monitor.seconds_left < 2 * slowest:
                break
        if kept is not None:
            model.coefs_, model.intercepts_ = kept
        self.model_ = model
        self.n_parameters_ = int(sum(np.size(part) for part in (*model.coefs_, *model.intercepts_)))
        self.best_step_ = None if validation_data is None else best_epoch
        return self

    def _scaled(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(X if self.scaler_ is None else self.scaler_.transform(X))

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns class probabilities ``(n, n_classes)``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        return np.asarray(self.model_.predict_proba(self._scaled(X)))

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the ``n`` most probable labels."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])
