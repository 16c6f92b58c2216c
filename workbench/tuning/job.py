"""What a trial process is asked to do, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.candidate import Candidate
from workbench.plugin import Task
from workbench.tuning.features import FeatureCache
from workbench.tuning.scoring import orient, score
from workbench.tuning.specification import ACCURACY


@dataclass(frozen=True)
class Job:
    """What a trial process is to do.

    Attributes:
        candidate: What to build.
        task: What the plugins may know.
        images: ``.npy`` file of the training images and then the validation images.
        test_images: ``.npy`` file of the test images; makes the job a refit: it trains on
            training and validation images together, and then opens this file and predicts it.
        labels: Labels of the training and the validation images. Test labels stay with the owner.
        n_train: Number of training images.
        seconds: Time that learners are told they have.
        log: File for all that plugins print.
        cache: Keeps features of stateless extractors from trial to trial.
        params: Parameters to build with; None: ask the owner for them.
        best_step: In a refit, the step at which the parameters were best.
        fraction: In a refit, the fraction of the images to fit on: that which the best trial reached.
        build_only: Whether to build the candidate and do no more.
        measure_speed: In a refit, whether to measure latency and throughput as well.
        model: In a refit, the file to keep the fitted model in, if at all.
        metric: What a trial is valued by.
        folds: For cross-validation: the same images and labels, so often as there are folds, each in an order of its
            own whose end is validated on; else empty.
    """

    candidate: Candidate
    task: Task
    images: Path
    labels: npt.NDArray[np.int64]
    n_train: int
    seconds: float
    log: Path
    cache: FeatureCache
    params: dict[str, Any] | None = None
    test_images: Path | None = None
    best_step: int | None = None
    fraction: float = 1.0
    build_only: bool = False
    measure_speed: bool = True
    model: Path | None = None
    metric: str = ACCURACY
    folds: tuple[Fold, ...] = ()

    @property
    def validation_labels(self) -> npt.NDArray[np.int64]:
        """Labels of the images that a trial predicts."""
        return self.labels if self.folds else self.labels[self.n_train :]


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation.

    Attributes:
        images: ``.npy`` file of the images it trains on and then those it is validated on.
        rows: For each of them its row in the job's own images and labels.
        n_train: Number of images it trains on.
    """

    images: Path
    rows: npt.NDArray[np.int64]
    n_train: int


@dataclass(frozen=True)
class Outcome:
    """What a finished job found.

    Attributes:
        predictions: Predicted labels, of the validation images (after a cross-validation: of all images, each by the
            model that had not seen it) or, after a refit, of the test images.
        probabilities: Class probabilities of the same images, if the classifier gives any.
        scores: For two classes and without probabilities: the decision function, positive for the second.
        seconds: Wall-clock seconds by phase: ``extract``, ``select``, ``warmup`` (compiling), ``fit``, ``predict``; and
            ``rungs``, spent on fits on fewer images that decided whether to go on. Extraction is billed even if it was
            saved.
        cpu_seconds: CPU seconds by phase, those of child processes and of all threads included.
        saved_seconds: How much of the extraction's seconds the cache has saved.
        fraction: Fraction of the training images that the model was fitted on.
        best_step: Step whose state was kept, if the learner says so.
        parameters: Number of learnable parameters, where there are any.
        flops: Floating-point operations to classify one image, if the learner says so.
        images_per_second: Training images a second in steady state, if the learner says so.
        remarks: What the learner wants a user to hear, a sentence each.
        features: Number of extracted features, before selection; None for a network.
        joules: Energy that the machine used while a refit trained, where it has a meter.
        fold_values: The metric in each fold of a cross-validation, more being better.
        latency_ms: Median milliseconds to classify one image (p50); after a refit.
        latency_p95_ms: Milliseconds that 95 of 100 single images stay below.
        throughput: Images classified a second, by the number of images in a batch.
        peak_memory_mb: Largest resident memory of the process.
    """

    predictions: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32] | None
    scores: npt.NDArray[np.float32] | None
    seconds: dict[str, float]
    cpu_seconds: dict[str, float]
    saved_seconds: float
    fraction: float
    best_step: int | None
    parameters: int | None
    flops: int | None
    images_per_second: float | None
    remarks: tuple[str, ...]
    features: int | None
    peak_memory_mb: float
    joules: float | None = None
    fold_values: tuple[float, ...] = ()
    latency_ms: float | None = None
    latency_p95_ms: float | None = None
    throughput: dict[int, float] | None = None

    def value(self, metric: str, labels: npt.NDArray[np.int64]) -> float:
        """Returns what a trial is valued by, more being better: a metric, or its mean over the folds."""
        if self.fold_values:
            return float(np.mean(self.fold_values))
        return orient(metric, score(metric, labels, self.predictions, self.probabilities, self.scores))

    @property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The predictions, and what there is of probabilities and scores, by name."""
        found = {"predictions": self.predictions, "probabilities": self.probabilities, "scores": self.scores}
        return {name: array for name, array in found.items() if array is not None}
