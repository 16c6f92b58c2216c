"""What a check looks at: one plugin, small tasks and small data made on the spot."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.candidate import ScopedTrial
from workbench.plugin import Skip, Task
from workbench.registry import Plugin

#: A colour task and a grey one: every plugin meets both, and serves them or says why not.
COLOUR = Task(image_shape=(32, 40, 3), class_names=("ring", "bar", "dot"), n_train=90, class_counts=(30, 30, 30))
GREY = Task(image_shape=(32, 32, 1), class_names=("ring", "bar", "dot"), n_train=90, class_counts=(30, 30, 30))

_N_FEATURES = 20
#: Seconds that a learner by steps is told it has; one that ignores them is told apart by a check of its own.
_SECONDS = 3.0


class CheckFailed(AssertionError):  # noqa: N818 - pytest shows assertions best, and it is none of our errors
    """A plugin broke a rule. The text says what was found and how to mend it."""


class NotApplicable(Exception):  # noqa: N818 - a check says that it has nothing to look at, which is no error
    """Raised by a check that has nothing to look at; the text says why."""


class Watch:
    """A monitor that remembers what it was told, has some time left, and may prune.

    Attributes:
        steps: As they were reported.
        values: As they were reported.
    """

    best_step: int | None = None

    def __init__(self, seconds: float = _SECONDS, prune_at: int | None = None) -> None:
        self._end = time.monotonic() + seconds
        self._prune_at = prune_at
        self.steps: list[int] = []
        self.values: list[float] = []

    def report(self, value: float, step: int) -> None:
        """Remembers a report; raises ``optuna.TrialPruned`` from the chosen step on."""
        from optuna import TrialPruned

        self.steps.append(step)
        self.values.append(value)
        if self._prune_at is not None and step >= self._prune_at:
            raise TrialPruned(f"pruned at step {step}")

    @property
    def seconds_left(self) -> float:
        """Seconds until ``fit`` should return."""
        return self._end - time.monotonic()


class Subject:
    """A plugin under examination.

    Args:
        plugin: The plugin.

    Attributes:
        plugin: The plugin.
    """

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin

    @functools.cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that the plugin serves.

        Raises:
            NotApplicable: If it serves neither, with its reasons.
        """
        served, reasons = [], []
        for task in (COLOUR, GREY):
            try:
                self.build(task)
                served.append(task)
            except Skip as skip:
                reasons.append(str(skip))
            except Exception as error:  # a check of its own tells of it
                reasons.append(f"{type(error).__name__}: {error}")
        if not served:
            raise NotApplicable(f"it serves no task: {'; '.join(reasons)}")
        return tuple(served)

    def build(self, task: Task, seed: int | None = None) -> Any:
        """Returns the plugin's estimator for sampled parameters; without a seed, for those it wants tried first."""
        return self.sample(task, seed)[1]

    def sample(self, task: Task, seed: int | None = None) -> tuple[dict[str, Any], Any]:
        """Returns sampled parameters, and the estimator built with them."""
        import optuna

        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0 if seed is None else seed))
        finally:
            optuna.logging.set_verbosity(verbosity)
        function = self.plugin.load()
        if seed is None and hasattr(function, "start"):
            study.enqueue_trial({f"{self.plugin.name}.{name}": v for name, v in function.start(task).items()})
        trial = study.ask()
        estimator = function(ScopedTrial(trial, self.plugin.name), task)
        return dict(trial.params), estimator

    def samples(self, task: Task, n: int) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yields sampled parameters and estimators, those tried first before others; what fails has its own check."""
        for seed in (None, *range(n)):
            try:
                sample = self.sample(task, seed)
            except Exception:
                continue
            yield sample

    def data(self, task: Task, n: int = 90, seed: int = 0) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Returns images, or features where the plugin takes those, that are easy to tell apart, and labels."""
        rng = np.random.default_rng(seed)
        y = np.arange(n) % task.n_classes
        if self.plugin.kind in ("selector", "classifier"):
            X = rng.normal(size=(n, _N_FEATURES)) + 3 * np.eye(_N_FEATURES)[y * 4]
            return X.astype(np.float32), y
        height, width, channels = task.image_shape
        rows, columns = np.mgrid[:height, :width]
        distance = np.hypot(rows - height / 2, columns - width / 2)
        masks = [np.abs(distance - 10) < 3, np.abs(rows - height / 2) < 4, distance < 5]
        images = rng.integers(0, 60, (n, height, width, channels), dtype=np.uint8)
        for image, label in zip(images, y, strict=True):
            image[masks[label]] += 150
        return images, y

    def fit(self, estimator: Any, X: Any, y: Any, monitor: Watch | None = None) -> Any:
        """Fits as a trial does: a learner by steps gets a monitor, and validation data if it asks for them."""
        from sklearn.utils.validation import has_fit_parameter

        arguments: dict[str, Any] = {}
        if has_fit_parameter(estimator, "monitor"):
            arguments["monitor"] = monitor or Watch()
        if has_fit_parameter(estimator, "validation_data"):
            arguments["validation_data"] = (X, y)
        return estimator.fit(X, y, **arguments)

    @functools.cached_property
    def fitted(self) -> Any:
        """The estimator that is tried first, fitted once for all checks that only look."""
        task = self.tasks[0]
        estimator = self.build(task)
        self.fit(estimator, *self.data(task))
        return estimator


def close(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Whether answers are the same: labels to the letter, numbers but for rounding."""
    if one.dtype.kind == "f":
        return bool(np.allclose(one, other, rtol=1e-3, atol=1e-4))
    return bool((one == other).all())


def require(condition: object, message: str) -> None:
    """Raises :class:`CheckFailed` unless the condition holds."""
    if not condition:
        raise CheckFailed(message)
