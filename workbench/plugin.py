"""The contract between the workbench and its plugins. Plugins import this module and nothing else of ours.

A plugin is one function, found by an entry point whose name is the plugin's name and whose group says what it is:

=========================  ====================  ==================================================================
entry-point group          called as             returns
=========================  ====================  ==================================================================
``workbench.datasets``     ``f()``               a :class:`Dataset`
``workbench.extractors``   ``f(trial, task)``    transformer: uint8 images ``(n, height, width, channels)`` to float32
                                                 features ``(n, d)``
``workbench.selectors``    ``f(trial, task)``    transformer: features to fewer features
``workbench.classifiers``  ``f(trial, task)``    classifier over features
``workbench.networks``     ``f(trial, task)``    classifier over uint8 images
=========================  ====================  ==================================================================

The function asks ``trial`` (an Optuna trial: ``suggest_float``, ``suggest_int``, ``suggest_categorical``) for its
hyper-parameters, by bare names, and returns a scikit-learn estimator. The first line of its docstring is its
description. A function with nothing to ask returns a fixed estimator and is tried once.

Four things are optional. An estimator that learns step by step may take
``fit(X, y, *, validation_data=None, monitor=None)`` and gets a :class:`Monitor`. A function may have an attribute
``start``, a function of the task that returns parameters known to be good, which are tried first. And a function that
needs heavy packages imports them inside itself and may name them in an attribute ``preload`` (a tuple of module names):
the workbench imports those once, before it forks a process for each trial. An extractor's function may have an
attribute ``picture``, called as ``picture(extractor, image)``, that draws what its features see of one image: uint8
pixels, which ``workbench explain`` and the dashboard show.

A fitted estimator may say more of itself in attributes, which are recorded: ``n_parameters_`` (learnable parameters),
``best_step_`` (the step whose state it kept), ``flops_`` (operations to classify one image), ``images_per_second_`` (of
its training, in steady state), ``warmup_seconds_`` (of its fit, spent on compiling: a column of its own) and
``remarks_`` (sentences that its user should hear).

This module is the standard library and typing alone, so that importing a plugin costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import os

    import numpy as np
    import numpy.typing as npt

__all__ = ["CONTRACT_VERSION", "Dataset", "Monitor", "Skip", "Task", "Trial"]


#: Version of this contract. A module whose plugins need a newer one says so: ``CONTRACT = 2``.
CONTRACT_VERSION = 1


class Skip(Exception):  # noqa: N818 - a plugin says "skip me", it does not fail
    """Raised by a plugin that cannot serve a task: ``raise Skip("needs 3 channels")``."""


@dataclass(frozen=True)
class Task:
    """What a plugin may know about the images it will be fitted on. Never anything about the test set.

    Attributes:
        image_shape: ``(height, width, channels)`` in pixels; channels is 1 or 3.
        class_names: Names of the classes; labels are indices into this tuple.
        n_train: Number of training images.
        seed: Seed for everything random in the estimator.
        n_jobs: CPU threads that the estimator may use.
        device: ``"gpu"`` if the machine has a usable accelerator, else ``"cpu"``.
        deterministic: Whether equal seeds must give bit-equal results, at the price of speed.
        class_counts: Number of training images of each class, in the order of ``class_names``.
    """

    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    n_train: int
    seed: int = 0
    n_jobs: int = 1
    device: str = "cpu"
    deterministic: bool = False
    class_counts: tuple[int, ...] = ()

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def imbalance(self) -> float:
        """Number of training images of the largest class over that of the smallest; 1 if they are not known."""
        return max(self.class_counts) / max(1, min(self.class_counts)) if self.class_counts else 1.0


class Trial(Protocol):
    """The part of an Optuna trial that a plugin uses."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Suggests a float in ``[low, high]``."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Suggests an integer in ``[low, high]``."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Suggests one of ``choices`` (None, bool, int, float or str)."""


class Monitor(Protocol):
    """Handed to ``fit`` of an estimator that learns step by step and declares a ``monitor`` parameter."""

    def report(self, value: float, step: int) -> None:
        """Reports the validation accuracy after a step (an epoch, a boosting round).

        Args:
            value: Validation accuracy, 0 to 1.
            step: 0, 1, 2, ...

        Raises:
            optuna.TrialPruned: When the trial should end. Let it through.
        """

    @property
    def seconds_left(self) -> float:
        """Seconds until ``fit`` should return with the best it has; the process is ended some time after that."""

    @property
    def best_step(self) -> int | None:
        """In a refit, which has no validation data: the step at which these parameters were best when tuned."""


@dataclass(frozen=True)
class Dataset:
    """Labelled images, as a data set plugin returns them.

    Attributes:
        images: uint8 array ``(n, height, width)`` or ``(n, height, width, channels)`` with 1 or 3 channels; or the
            paths of ``n`` image files, which the workbench decodes.
        labels: ``n`` integers, indices into ``class_names``.
        class_names: Names of the classes.
        groups: Optional ``n`` values; images that share one (a patient, a scene) stay on one side of the split.
        split: Optional ``n`` words ``"train"``, ``"val"`` or ``"test"``: the official split.
    """

    images: npt.NDArray[np.uint8] | Sequence[str | os.PathLike[str]]
    labels: Sequence[int] | npt.NDArray[np.integer]
    class_names: Sequence[str]
    groups: Sequence[Any] | npt.NDArray[Any] | None = None
    split: Sequence[str] | npt.NDArray[np.str_] | None = None
