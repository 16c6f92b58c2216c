"""How a Keras network is trained: the schedule of its learning rate, and who watches it epoch by epoch."""

from __future__ import annotations

import math
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.plugin import Monitor
from workbench_plugins.networks.backend import keras

if TYPE_CHECKING:
    from workbench_plugins.networks.keras_classifier import KerasClassifier

#: Share of the time left that epochs are planned for: the rest is for what comes after them.
_PLANNED_SHARE = 0.92


class _Planned:
    """An optimizer whose learning rate rises over a tenth of the planned steps and then falls to zero, as a cosine.

    The number of steps is a variable of the optimizer, so that it can be planned once the compiled step has been timed,
    and planned anew after each epoch, on every backend and without compiling again. So is the share of the old in the
    moving average of the weights, which in a short training may not reach back to the start.

    Args:
        peak: Highest learning rate.
        ema: Share of the old in the average; 0 for no average.
        settings: Of the optimizer.

    Attributes:
        planned_steps: Variable: at this step the learning rate is zero.
    """

    def __init__(self, peak: float, ema: float, **settings: Any) -> None:
        super().__init__(  # type: ignore[call-arg]
            learning_rate=_WarmUpAndCosine(peak, self), use_ema=ema > 0, ema_momentum=ema, **settings
        )
        self._ema = ema

    def build(self, variables: Any) -> None:
        """Makes the variables."""
        super().build(variables)  # type: ignore[misc]
        self.planned_steps = self.add_variable((), initializer="ones", name="planned_steps")  # type: ignore[attr-defined]
        self.ema_momentum = self.add_variable((), name="ema_momentum")  # type: ignore[attr-defined]

    def plan(self, steps: int) -> None:
        """Sets how many steps there will be in all."""
        self.planned_steps.assign(steps)
        self.ema_momentum.assign(min(self._ema, max(0.0, 1 - 20 / steps)))


class PlannedAdamW(_Planned, keras.optimizers.AdamW):
    """AdamW (Loshchilov and Hutter 2019) with a planned schedule."""


class PlannedSGD(_Planned, keras.optimizers.SGD):
    """Stochastic gradient descent with a planned schedule."""


class _WarmUpAndCosine(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak: float, optimizer: Any) -> None:
        super().__init__()
        self._peak = peak
        self._optimizer = optimizer

    def __call__(self, step: Any) -> Any:
        ops = keras.ops
        step = ops.cast(step, "float32")
        steps = ops.cast(self._optimizer.planned_steps, "float32")
        warmup = ops.minimum(steps / 10, 200.0)
        rising = (step + 1) / (warmup + 1)
        falling = (1 + ops.cos(math.pi * ops.clip((step - warmup) / ops.maximum(steps - warmup, 1.0), 0.0, 1.0))) / 2
        return self._peak * ops.minimum(rising, falling)


class Stopwatch(keras.callbacks.Callback):
    """Times the steps of an epoch after its first, which compiles and fills the pipeline."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Notes the time."""
        self._ends.append(time.perf_counter())

    @property
    def step_seconds(self) -> float:
        """Median seconds of a step; of a single step nothing is known but that it is short."""
        steps = np.diff(self._ends)
        return float(np.median(steps)) if len(steps) else 1e-3


class Keeper(keras.callbacks.Callback):
    """Validates after each epoch, reports, keeps the best weights, and ends training when the time is up.

    Args:
        classifier: Whose model is trained.
        epochs: Most epochs.
        n: Images of an epoch.
        monitor: Told of every epoch.
        validation_data: Images and labels; without them the last weights are kept.

    Attributes:
        best_step: Epoch of the best weights; None without validation data.
        weights: What to keep.
    """

    def __init__(
        self, classifier: KerasClassifier, epochs: int, n: int, monitor: Monitor | None, validation_data: Any
    ) -> None:
        super().__init__()
        self._classifier = classifier
        self._most = epochs
        self._n = n
        self._monitor = monitor
        self._validation_data = validation_data
        self._started = 0.0
        self._best_accuracy = -1.0
        self._validation_seconds = 0.0
        self.best_step: int | None = None
        self.weights: list[npt.NDArray[Any]] | None = None
        self._epoch_seconds: list[float] = []  # of those that came to their end, without validation

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        self._started = time.perf_counter()

    # At a step's beginning, which has no result yet: to hand one over at its end, Keras would wait for the device.
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Leaves time for one more validation, and for predicting the same images when training is over."""
        if self._monitor is not None and self._monitor.seconds_left < 2.5 * self._validation_seconds:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Validates, reports, keeps what is best, and plans anew."""
        loss = float((logs or {}).get("loss", 0.0))  # has waited for the device
        seconds = time.perf_counter() - self._started
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss} in epoch {epoch} at learning rate {self._classifier.learning_rate:g}"
            )
        if not self.model.stop_training:
            self._epoch_seconds.append(seconds)
        if self._validation_data is None:
            self.weights = self._classifier.model_.get_weights()
        else:
            self._validate(epoch)
        self._plan(epoch + 1)

    def _validate(self, epoch: int) -> None:
        started = time.perf_counter()
        images, labels = self._validation_data
        accuracy = float(np.mean(self._classifier.predict(images) == labels))
        self._validation_seconds = time.perf_counter() - started
        if accuracy > self._best_accuracy:
            self._best_accuracy, self.best_step = accuracy, epoch
            self.weights = self._classifier.model_.get_weights()
        if self._monitor is not None:
            self._monitor.report(accuracy, epoch)
        if self.best_step is not None and epoch - self.best_step >= self._classifier.patience:
            self.model.stop_training = True

    def _plan(self, done: int) -> None:
        """Plans the epochs left by what those done have taken, and ends training when there are none."""
        if not self._epoch_seconds:
            return
        each = statistics.mean(self._steady) + self._validation_seconds
        planned = self.plan(done, each)
        if done >= planned:
            self.model.stop_training = True

    @property
    def images_per_second(self) -> float | None:
        """Training images a second in steady state; None if no epoch came to its end."""
        return self._n / statistics.mean(self._steady) if self._epoch_seconds else None

    @property
    def _steady(self) -> list[float]:
        return self._epoch_seconds[1:] or self._epoch_seconds  # the first fills the pipeline

    def plan(self, done: int, epoch_seconds: float) -> int:
        """Chooses how many epochs there will be, such that the schedule ends when the time does.

        Args:
            done: Epochs that are over.
            epoch_seconds: Seconds that one takes.

        Returns:
            Epochs in all; at least one, at most as many as are wanted.
        """
        planned = self._most
        if self._monitor is not None and not self._classifier.deterministic:
            left = _PLANNED_SHARE * max(0.0, self._monitor.seconds_left) / epoch_seconds
            planned = max(1, int(min(self._most, done + left)))
        self.model.optimizer.plan(planned * math.ceil(self._n / self._classifier.batch_size_))
        return planned
