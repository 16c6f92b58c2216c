"""A Keras network as a scikit-learn classifier over uint8 images. Keras 3 alone, so that any backend serves."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from workbench.plugin import Monitor
from workbench_plugins.networks.quiet import keras

#: Images in a batch when predicting.
_PREDICTED_AT_ONCE = 512


class KerasClassifier(ClassifierMixin, BaseEstimator):
    """Trains a Keras model with AdamW, warm-up and a cosine schedule; keeps the weights of the best epoch.

    The schedule fits the time: after a few timed steps the number of epochs is chosen such that the cosine ends
    before the monitor's time does. With ``deterministic`` it is ``epochs`` whatever the time, so that equal seeds give
    equal results.

    Args:
        build: ``build(image_shape, n_classes)`` returns a model from float images (0 to 255) to logits.
        epochs: Most epochs to train.
        batch_size: Images in a step.
        learning_rate: Peak of the schedule.
        weight_decay: Of AdamW (Loshchilov and Hutter 2019).
        label_smoothing: Probability that is spread over the other classes.
        augmentation: ``"none"``, ``"shift"`` (up to a tenth of the side) or ``"shift+flip"`` (left to right).
        patience: Epochs without a better validation accuracy after which training ends.
        seed: Seed of weights, order and augmentation.
        deterministic: Whether the number of epochs may not depend on the clock.

    Attributes:
        model_: The trained model, without augmentation.
        classes_: The labels.
        n_parameters_: Number of learnable parameters.
        best_step_: Epoch whose weights were kept; None without validation data.
        warmup_seconds_: Seconds spent on compiling and on the timed first steps, which are undone.
    """

    def __init__(
        self,
        build: Callable[[tuple[int, int, int], int], Any],
        epochs: int = 30,
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        label_smoothing: float = 0.05,
        augmentation: str = "none",
        patience: int = 8,
        seed: int = 0,
        deterministic: bool = False,
    ) -> None:
        self.build = build
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.augmentation = augmentation
        self.patience = patience
        self.seed = seed
        self.deterministic = deterministic

    def fit(
        self,
        X: npt.NDArray[np.uint8],
        y: npt.NDArray[Any],
        *,
        validation_data: tuple[npt.NDArray[np.uint8], npt.NDArray[Any]] | None = None,
        monitor: Monitor | None = None,
    ) -> KerasClassifier:
        """Trains the network.

        Args:
            X: Images ``(n, height, width, channels)``, uint8.
            y: ``n`` labels.
            validation_data: Images and labels by which the best epoch is chosen. Without them the network trains for
                the monitor's ``best_step`` + 1 epochs (all ``epochs`` without a monitor) and keeps the last weights.
            monitor: Told the validation accuracy after each epoch; its time is obeyed within an epoch.

        Raises:
            FloatingPointError: If the loss is no longer a number.
        """
        if self.deterministic:
            os.environ["TF_DETERMINISTIC_OPS"] = "1"
        keras.utils.set_random_seed(self.seed)
        self.classes_, targets = np.unique(y, return_inverse=True)
        one_hot = np.eye(len(self.classes_), dtype=np.float32)[targets]
        shape = X.shape[1:]
        self.model_ = self.build(shape, len(self.classes_))
        inputs = keras.Input(shape)
        trainer = keras.Model(inputs, self.model_(self._augmenter(shape)(inputs)))
        self.n_parameters_ = int(sum(np.prod(w.shape) for w in self.model_.trainable_weights))

        trainer.compile(
            optimizer=keras.optimizers.AdamW(self.learning_rate, weight_decay=self.weight_decay),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=self.label_smoothing),
        )

        started = time.perf_counter()
        epoch_seconds = self._warm_up(trainer, X, one_hot, validation_data)
        self.warmup_seconds_ = time.perf_counter() - started
        epochs = self.epochs if monitor is None or monitor.best_step is None else monitor.best_step + 1
        if monitor is not None and not self.deterministic:
            epochs = max(1, min(epochs, int(0.9 * monitor.seconds_left / epoch_seconds)))

        keeper = _Keeper(self, monitor, validation_data)
        schedule = _Schedule(self.learning_rate, epochs * math.ceil(len(X) / self.batch_size))
        trainer.fit(X, one_hot, batch_size=self.batch_size, epochs=epochs, verbose=0, callbacks=[schedule, keeper])
        self.best_step_ = keeper.best_step
        if keeper.best_weights is not None:
            self.model_.set_weights(keeper.best_weights)
        return self

    def predict_proba(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Returns class probabilities ``(n, n_classes)`` of uint8 images ``(n, height, width, channels)``."""
        check_is_fitted(self, "model_")
        step = _PREDICTED_AT_ONCE
        batches = [self.model_.predict_on_batch(X[i : i + step]) for i in range(0, len(X), step)]
        logits = np.concatenate([np.asarray(batch, dtype=np.float64) for batch in batches])
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float32)

    def predict(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Returns the ``n`` most probable labels."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags

    def _augmenter(self, shape: tuple[int, ...]) -> Any:
        layers = keras.layers
        if self.augmentation not in ("none", "shift", "shift+flip"):
            raise ValueError(f"augmentation must be none, shift or shift+flip, not {self.augmentation!r}")
        steps: list[Any] = [keras.Input(shape)]
        if "shift" in self.augmentation:
            steps.append(layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", seed=self.seed))
        if "flip" in self.augmentation:
            steps.append(layers.RandomFlip("horizontal", seed=self.seed))
        return keras.Sequential([*steps, layers.Identity()])

    def _warm_up(self, trainer: Any, X: Any, one_hot: npt.NDArray[np.float32], validation_data: Any) -> float:
        """Compiles, times some steps and a validation, puts every variable back; returns the seconds of an epoch."""
        trainer.optimizer.build(trainer.trainable_variables)
        variables = [*trainer.variables, *trainer.optimizer.variables]
        before = [keras.ops.convert_to_numpy(variable) for variable in variables]
        stopwatch = _Stopwatch()
        few = 6 * self.batch_size
        trainer.fit(X[:few], one_hot[:few], batch_size=self.batch_size, verbose=0, callbacks=[stopwatch])
        seconds = stopwatch.step_seconds * math.ceil(len(X) / self.batch_size)
        if validation_data is not None:
            images = validation_data[0][: 2 * _PREDICTED_AT_ONCE]
            self.predict_proba(images)
            started = time.perf_counter()
            self.predict_proba(images)
            seconds += (time.perf_counter() - started) * len(validation_data[0]) / len(images)
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        keras.utils.set_random_seed(self.seed)
        return seconds


class _Stopwatch(keras.callbacks.Callback):
    """Times the steps after the first, which compiles."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._ends.append(time.perf_counter())

    @property
    def step_seconds(self) -> float:
        """Median seconds of a step; of a single step nothing is known but that it is short."""
        steps = np.diff(self._ends)
        return float(np.median(steps)) if len(steps) else 1e-3


class _Schedule(keras.callbacks.Callback):
    """Warm-up over a tenth of the steps and then a cosine to zero (Loshchilov and Hutter 2017).

    Set from outside the compiled step, so that the number of steps can be chosen after compiling.
    """

    def __init__(self, peak: float, steps: int) -> None:
        super().__init__()
        self.peak, self.steps, self.warmup, self.step = peak, steps, min(steps // 10, 200), 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.step < self.warmup:
            share = (self.step + 1) / (self.warmup + 1)
        else:
            share = (1 + math.cos(math.pi * (self.step - self.warmup) / max(1, self.steps - self.warmup))) / 2
        self.model.optimizer.learning_rate = self.peak * share
        self.step += 1


class _Keeper(keras.callbacks.Callback):
    """Validates after each epoch, reports, keeps the best weights, and ends training when the time is up."""

    def __init__(self, classifier: KerasClassifier, monitor: Monitor | None, validation_data: Any) -> None:
        super().__init__()
        self.classifier = classifier
        self.monitor = monitor
        self.validation_data = validation_data
        self.best_accuracy = -1.0
        self.best_step: int | None = None
        self.best_weights: list[npt.NDArray[Any]] | None = None
        self.validation_seconds = 0.0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.monitor is not None and self.monitor.seconds_left < 1.5 * self.validation_seconds:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss} in epoch {epoch} at learning rate {self.classifier.learning_rate:g}"
            )
        if self.validation_data is None:
            return
        started = time.perf_counter()
        images, labels = self.validation_data
        accuracy = float(np.mean(self.classifier.predict(images) == labels))
        self.validation_seconds = time.perf_counter() - started
        if accuracy > self.best_accuracy:
            self.best_accuracy, self.best_step = accuracy, epoch
            self.best_weights = self.classifier.model_.get_weights()
        if self.monitor is not None:
            self.monitor.report(accuracy, epoch)
        if self.best_step is not None and epoch - self.best_step >= self.classifier.patience:
            self.model.stop_training = True
