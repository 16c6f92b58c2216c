"""A Keras network as a scikit-learn classifier over uint8 images. Keras 3 alone, so that any backend serves."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

# Frameworks print pages at import. Theirs is the only place to say no, before they are imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its sums depend on the machine's load

import keras
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from workbench.plugin import Monitor


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

        started = time.perf_counter()
        steps = math.ceil(len(X) / self.batch_size)
        most = self.epochs if monitor is None or monitor.best_step is None else monitor.best_step + 1
        step_seconds = self._warm_up(trainer, X, one_hot)
        self.warmup_seconds_ = time.perf_counter() - started
        if monitor is not None and not self.deterministic:
            # 1.3: evaluation after each epoch, and what the clock of a busy machine adds
            most = max(1, min(most, int(monitor.seconds_left / (1.3 * steps * step_seconds))))
        self._compile(trainer, steps * most)

        keeper = _Keeper(self, monitor, validation_data)
        trainer.fit(X, one_hot, batch_size=self.batch_size, epochs=most, verbose=0, callbacks=[keeper])
        self.best_step_ = keeper.best_step
        if keeper.best_weights is not None:
            self.model_.set_weights(keeper.best_weights)
        return self

    def predict_proba(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Returns class probabilities ``(n, n_classes)`` of uint8 images ``(n, height, width, channels)``."""
        check_is_fitted(self, "model_")
        batches = [self.model_.predict_on_batch(X[i : i + 512]) for i in range(0, len(X), 512)]
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

    def _compile(self, trainer: Any, total_steps: int) -> None:
        warmup = min(total_steps // 10, 200)
        schedule = keras.optimizers.schedules.CosineDecay(
            self.learning_rate / 10, max(1, total_steps - warmup), warmup_target=self.learning_rate, warmup_steps=warmup
        )
        trainer.compile(
            optimizer=keras.optimizers.AdamW(schedule, weight_decay=self.weight_decay),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=self.label_smoothing),
        )

    def _warm_up(self, trainer: Any, X: npt.NDArray[np.uint8], one_hot: npt.NDArray[np.float32]) -> float:
        """Compiles, times some steps, and puts every variable back; returns the seconds of a step."""
        self._compile(trainer, 1)
        before = [np.array(variable) for variable in trainer.variables]
        batch = X[: self.batch_size], one_hot[: self.batch_size]
        trainer.train_on_batch(*batch)
        timed = 5
        started = time.perf_counter()
        for _ in range(timed):
            trainer.train_on_batch(*batch)
        seconds = (time.perf_counter() - started) / timed
        for variable, value in zip(trainer.variables, before, strict=False):
            variable.assign(value)
        keras.utils.set_random_seed(self.seed)
        return seconds


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
