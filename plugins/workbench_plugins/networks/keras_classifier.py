"""A Keras network as a scikit-learn classifier over uint8 images. Keras 3 alone, so that any backend serves."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from workbench.plugin import Monitor
from workbench_plugins.networks import backend, insight
from workbench_plugins.networks.backend import keras
from workbench_plugins.networks.cost import flops_per_image
from workbench_plugins.networks.training import Keeper, PlannedAdamW, Stopwatch

#: Images in a batch when predicting.
_PREDICTED_AT_ONCE = 512
#: Steps that are timed before the epochs are planned.
_TIMED_STEPS = 6


class KerasClassifier(ClassifierMixin, BaseEstimator):
    """Trains a Keras model with AdamW, warm-up and a cosine schedule; keeps the weights of the best epoch.

    The schedule fits the time: after a few timed steps the number of epochs is chosen such that the cosine ends
    before the monitor's time does, and shortened should an epoch take longer. With ``deterministic`` it is ``epochs``
    whatever the time, so that equal seeds give equal results.

    Images stay uint8 until they are on the device; the model scales them, and augmentation happens there too, in
    training only. A batch that does not fit the device's memory is halved until it does, which ``remarks_`` says.

    Args:
        build: ``build(image_shape, n_classes)`` returns a model from float images (0 to 255) to logits. Layers that
            are not ``trainable`` stay as they are.
        epochs: Most epochs to train.
        batch_size: Images in a step.
        learning_rate: Peak of the schedule.
        weight_decay: Of AdamW (Loshchilov and Hutter 2019).
        label_smoothing: Probability that is spread over the other classes (Szegedy et al. 2016).
        augmentation: Words joined by ``+``, or ``"none"``: ``shift`` (up to a tenth of the side), ``flip`` (left to
            right), ``zoom`` (up to a tenth), ``rotate`` (up to 15 degrees), ``contrast`` and ``brightness`` (up to a
            fifth).
        ema: Share of the old in a moving average of the weights (Polyak and Juditsky 1992), which is validated and
            kept in their place; 0 for none. It is smaller in a training of few steps.
        class_weight: ``"balanced"`` weighs each class by the inverse of its frequency; None weighs all images alike.
        patience: Epochs without a better validation accuracy after which training ends.
        device: ``"gpu"`` trains in mixed precision where the accelerator profits from it.
        seed: Seed of weights, order and augmentation.
        deterministic: Whether the number of epochs may not depend on the clock.

    Attributes:
        model_: The trained model, without augmentation.
        classes_: The labels.
        n_parameters_: Number of learnable parameters.
        flops_: Floating-point operations to classify one image, if they could be counted.
        best_step_: Epoch whose weights were kept; None without validation data.
        warmup_seconds_: Seconds spent on compiling and on the timed first steps, which are undone.
        images_per_second_: Training images a second in steady state; None if no epoch came to its end.
        batch_size_: Images in a step, after halving.
        remarks_: What a user should hear of the training, a sentence each.
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
        ema: float = 0.0,
        class_weight: str | None = None,
        patience: int = 8,
        device: str = "cpu",
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
        self.ema = ema
        self.class_weight = class_weight
        self.patience = patience
        self.device = device
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
            MemoryError: If not even one image fits the device's memory.
        """
        if self.deterministic:
            os.environ["TF_DETERMINISTIC_OPS"] = "1"
        backend.share_device_memory()
        policy = keras.config.dtype_policy()
        if self.device == "gpu":
            keras.config.set_dtype_policy(backend.mixed_precision())
        self.classes_, targets = np.unique(y, return_inverse=True)
        self.batch_size_, self.remarks_ = self.batch_size, []
        try:
            while not self._trained(X, targets, validation_data, monitor):
                keras.utils.clear_session(free_memory=True)
                if self.batch_size_ == 1:
                    raise MemoryError("the device has too little memory to train this network on even one image a step")
                self.batch_size_ //= 2
            if self.batch_size_ < self.batch_size:
                self.remarks_.append(
                    f"the device has too little memory for {self.batch_size} images a step: trained with "
                    f"{self.batch_size_}"
                )
        finally:
            keras.config.set_dtype_policy(policy)
        return self

    def predict_proba(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Returns class probabilities ``(n, n_classes)`` of uint8 images ``(n, height, width, channels)``."""
        check_is_fitted(self, "model_")
        step = _PREDICTED_AT_ONCE
        logits = np.concatenate([self._logits(X[i : i + step]) for i in range(0, len(X), step)])
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float32)

    def predict(self, X: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Returns the ``n`` most probable labels."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def feature_maps(self, image: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Returns what the network makes of an image, layer by layer.

        Args:
            image: ``(height, width, channels)``, uint8.

        Returns:
            Activations ``(height, width, channels)`` by the layer's name, from the first (low-level features) to the
            last (high-level ones).
        """
        check_is_fitted(self, "model_")
        return insight.feature_maps(self.model_, image)

    def grad_cam(self, image: npt.NDArray[np.uint8], label: Any = None) -> npt.NDArray[np.float32]:
        """Returns where in an image the network sees a class (Grad-CAM, Selvaraju et al., ICCV 2017).

        Args:
            image: ``(height, width, channels)``, uint8.
            label: The class; the predicted one if None.

        Returns:
            ``(height, width)``, from 0 to 1: how much the place speaks for the class. All zeros if nothing does.

        Raises:
            ValueError: If the label is unknown, or the network has no layer with maps.
        """
        check_is_fitted(self, "model_")
        if label is None:
            label = self.predict(image[None])[0]
        (found,) = np.nonzero(self.classes_ == label)
        if len(found) == 0:
            raise ValueError(f"{label!r} is none of the classes {', '.join(map(str, self.classes_))}")
        return insight.grad_cam(self.model_, image, int(found[0]))

    def __getstate__(self) -> dict[str, Any]:
        """Returns the attributes; the model as the bytes of a ``.keras`` file, so that it can be stored anywhere."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = backend.to_bytes(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Takes attributes that :meth:`__getstate__` returned."""
        if "model_" in state:
            state = state | {"model_": backend.from_bytes(state["model_"])}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags

    def _logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        n = len(images)
        rows = 2 ** math.ceil(math.log2(n))  # each number of rows is compiled once: few are enough
        if rows > n:
            images = np.concatenate([images, np.zeros((rows - n, *images.shape[1:]), images.dtype)])
        return np.asarray(self.model_.predict_on_batch(images)[:n], dtype=np.float64)

    def _trained(self, X: Any, targets: Any, validation_data: Any, monitor: Monitor | None) -> bool:
        """Trains with the present batch size; returns whether memory was enough."""
        try:
            self._train(X, targets, validation_data, monitor)
        except Exception as error:
            if not backend.is_out_of_memory(error):
                raise
            return False
        return True

    def _train(self, X: Any, targets: Any, validation_data: Any, monitor: Monitor | None) -> None:
        backend.seed(self.seed)
        one_hot = np.eye(len(self.classes_), dtype=np.float32)[targets]
        shape = X.shape[1:]
        self.model_ = self.build(shape, len(self.classes_))
        self.n_parameters_ = int(sum(np.prod(w.shape) for w in self.model_.trainable_weights))
        self.flops_ = flops_per_image(self.model_)
        inputs = keras.Input(shape)
        trainer = keras.Model(inputs, self.model_(_augmenter(self.augmentation, shape, self.seed)(inputs)))
        self._initialise(X, targets, monitor)
        optimizer = self._optimizer()
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=self.label_smoothing)
        trainer.compile(optimizer, loss=loss)
        settings: dict[str, Any] = {"batch_size": self.batch_size_, "verbose": 0}
        if (weights := self._class_weights(targets)) is not None:
            settings["class_weight"] = weights

        initialised = time.perf_counter()
        epoch_seconds = self._warm_up(trainer, X, one_hot, validation_data, settings)
        self.warmup_seconds_ = time.perf_counter() - initialised
        epochs = self.epochs if monitor is None or monitor.best_step is None else monitor.best_step + 1
        averaging = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if self.ema else []
        keeper = Keeper(self, epochs, len(X), monitor, validation_data)
        keeper.set_model(trainer)
        keeper.plan(0, epoch_seconds)
        trainer.fit(X, one_hot, epochs=epochs, callbacks=[*averaging, keeper], **settings)
        if keeper.weights is not None:
            self.model_.set_weights(keeper.weights)
        self.best_step_ = keeper.best_step
        self.images_per_second_ = keeper.images_per_second

    def _optimizer(self) -> Any:
        """Returns an optimizer with planned steps."""
        return PlannedAdamW(self.learning_rate, self.ema, weight_decay=self.weight_decay)

    def _initialise(self, X: Any, targets: Any, monitor: Monitor | None) -> None:
        """Sets weights of the new model from the training images; here it leaves them random."""

    def _class_weights(self, targets: Any) -> Mapping[int, float] | None:
        if self.class_weight is None:
            return None
        return dict(enumerate(compute_class_weight(self.class_weight, classes=np.unique(targets), y=targets)))

    def _warm_up(self, trainer: Any, X: Any, one_hot: Any, validation_data: Any, settings: dict[str, Any]) -> float:
        """Compiles, times some steps and a validation, puts every variable back; returns the seconds of an epoch."""
        trainer.optimizer.build(trainer.trainable_variables)
        variables = [*trainer.variables, *trainer.optimizer.variables]
        before = [keras.ops.convert_to_numpy(variable) for variable in variables]
        stopwatch = Stopwatch()
        few = _TIMED_STEPS * self.batch_size_ + len(X) % self.batch_size_  # an epoch's last step may be smaller
        trainer.fit(X[:few], one_hot[:few], callbacks=[stopwatch], **settings)
        seconds = stopwatch.step_seconds * math.ceil(len(X) / self.batch_size_)
        if validation_data is not None:
            images = validation_data[0][: 2 * _PREDICTED_AT_ONCE]
            self.predict_proba(images)
            started = time.perf_counter()
            self.predict_proba(images)
            seconds += (time.perf_counter() - started) * len(validation_data[0]) / len(images)
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        backend.seed(self.seed)
        return seconds


def _augmenter(words: str, shape: tuple[int, ...], seed: int) -> Any:
    """Returns a model that changes images a little, at random, while it trains."""
    layers = keras.layers
    known: dict[str, Callable[[], Any]] = {
        "shift": lambda: layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", seed=seed),
        "flip": lambda: layers.RandomFlip("horizontal", seed=seed),
        "zoom": lambda: layers.RandomZoom(0.1, fill_mode="nearest", seed=seed),
        "rotate": lambda: layers.RandomRotation(15 / 360, fill_mode="nearest", seed=seed),
        "contrast": lambda: layers.RandomContrast(0.2, value_range=(0, 255), seed=seed),
        "brightness": lambda: layers.RandomBrightness(0.2, value_range=(0, 255), seed=seed),
    }
    wanted = [] if words == "none" else words.split("+")
    if unknown := [word for word in wanted if word not in known]:
        raise ValueError(f"augmentation must be none, or of {', '.join(known)} joined by +, not {unknown[0]!r}")
    steps = [known[word]() for word in wanted]
    for step in steps if keras.backend.backend() == "jax" else []:
        step.supports_jit = True  # it does on JAX, where the whole step would not be compiled otherwise
    return keras.Sequential([keras.Input(shape), *steps, layers.Identity()])
