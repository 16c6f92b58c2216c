"""A network for seconds, after the ideas of hlb-CIFAR10 (Balsam 2023) and airbench (Jordan 2024, arXiv 2404.00498)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.plugin import Monitor
from workbench_plugins.networks.backend import keras
from workbench_plugins.networks.keras_classifier import KerasClassifier
from workbench_plugins.networks.training import PlannedSGD

#: Images whose patches the first layer is made from.
_WHITENED = 5000


class SpeedrunClassifier(KerasClassifier):
    """Trains with large steps of Nesterov's momentum, behind a first layer that needs no training.

    The first layer whitens patches of 2x2 pixels: its filters are the eigenvectors of the training images' patches,
    each over the root of its eigenvalue, and their negatives. What follows then sees inputs of equal variance that
    are not correlated, and learns from the first step on. An image's logits are the mean of its own and its mirror
    image's, if mirroring is among the augmentations.
    """

    def _optimizer(self) -> Any:
        settings = {"momentum": 0.85, "nesterov": True, "weight_decay": self.weight_decay}
        return PlannedSGD(self.learning_rate, self.ema, **settings)

    def _initialise(self, X: Any, targets: Any, monitor: Monitor | None) -> None:
        rows = np.sort(np.random.default_rng(self.seed).permutation(len(X))[:_WHITENED])
        layer = self.model_.get_layer("whiten")
        layer.set_weights([whitening_filters(np.asarray(X[rows]))])

    def _logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        logits = super()._logits(images)
        return (logits + super()._logits(images[:, :, ::-1])) / 2 if "flip" in self.augmentation else logits


def whitening_filters(images: npt.NDArray[np.uint8], epsilon: float = 5e-4) -> npt.NDArray[np.float32]:
    """Returns filters ``(2, 2, channels, 2 * 4 * channels)`` that whiten patches of 2x2 pixels, and their negatives.

    Args:
        images: ``(n, height, width, channels)``, uint8; scaled to between -1 and 1, as the network does.
        epsilon: Added to each eigenvalue: what hardly varies stays small.
    """
    scaled = images.astype(np.float32) / 127.5 - 1
    channels = scaled.shape[3]
    windows = np.lib.stride_tricks.sliding_window_view(scaled, (2, 2), axis=(1, 2))[:, ::2, ::2]
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 4 * channels)  # row, column, channel: as kernels are
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    filters = (vectors / np.sqrt(np.maximum(values, 0) + epsilon)).reshape(2, 2, channels, 4 * channels)
    return np.concatenate([filters, -filters], axis=3).astype(np.float32)


def build_speedrun(image_shape: tuple[int, int, int], n_classes: int, width: int) -> Any:
    """Returns a Keras model from images (floats, 0 to 255) to logits.

    A frozen layer that whitens, three groups (convolution, halving, normalisation, GELU, convolution, normalisation,
    GELU) of ``width``, ``4 * width`` and ``4 * width`` channels, the maximum of each map, and a linear layer without
    bias whose output is divided by nine.

    Args:
        image_shape: ``(height, width, channels)``.
        n_classes: Number of logits.
        width: Channels of the first group.
    """
    layers = keras.layers
    inputs = keras.Input(image_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(8 * image_shape[2], 2, use_bias=False, trainable=False, name="whiten")(x)
    x = layers.Activation("gelu")(x)
    for channels in (width, 4 * width, 4 * width):
        for last in (False, True):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            if not last:
                x = layers.MaxPooling2D(2)(x)
            x = layers.BatchNormalization(momentum=0.6, scale=False)(x)
            x = layers.Activation("gelu")(x)
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.Dense(n_classes, use_bias=False)(x)
    return keras.Model(inputs, layers.Rescaling(1 / 9)(x))
