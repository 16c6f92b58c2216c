"""The network ``cnn``."""

from __future__ import annotations

import functools
from typing import Any

from workbench.plugin import Task, Trial

#: Images from so many pixels on lose every other one in the first convolution: full size costs most and adds least.
_LARGE = 64


def cnn(trial: Trial, task: Task) -> Any:
    """Small convolutional network, trained from scratch with augmentation (Keras)."""
    from workbench_plugins.classifiers.balance import class_weight
    from workbench_plugins.networks.keras_classifier import KerasClassifier

    build = functools.partial(
        build_cnn,
        blocks=trial.suggest_int("blocks", 2, _deepest(task)),
        convolutions=trial.suggest_int("convolutions", 1, 2),
        width=trial.suggest_categorical("width", [8, 16, 32]),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
    )
    return KerasClassifier(
        build,
        epochs=trial.suggest_int("epochs", 10, 100, log=True),
        batch_size=trial.suggest_categorical("batch_size", [32, 64, 128]),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
        augmentation=trial.suggest_categorical(
            "augmentation", ["none", "shift", "shift+flip", "shift+flip+zoom+rotate"]
        ),
        ema=trial.suggest_categorical("ema", [0.0, 0.99]),
        class_weight=class_weight(trial, task),
        device=task.device,
        seed=task.seed,
        deterministic=task.deterministic,
    )


def _deepest(task: Task) -> int:
    """Returns how many blocks leave about 4 pixels a side."""
    side = min(task.image_shape[:2]) // (2 if min(task.image_shape[:2]) >= _LARGE else 1)
    return max(2, min(5, (side - 1).bit_length() - 2))


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    many = task.n_train >= 20_000
    return {
        "blocks": _deepest(task),
        "convolutions": 2,
        "width": 16,
        "dropout": 0.2,
        "epochs": 30 if task.n_train >= 5_000 else 60,  # as many as time allows, at most
        "batch_size": 128 if many else 64 if task.n_train >= 5_000 else 32,
        "learning_rate": 4e-3,
        "weight_decay": 1e-2,
        # of many images, another epoch is worth more than variants of the same
        "augmentation": "none" if many else "shift+flip" if task.image_shape[2] == 3 else "shift",
        "ema": 0.99,
        **balance.start(task),
    }


cnn.start = _start  # type: ignore[attr-defined]
cnn.preload = ("workbench_plugins.networks.keras_classifier", "sklearn.pipeline")  # type: ignore[attr-defined]


def build_cnn(
    image_shape: tuple[int, int, int],
    n_classes: int,
    blocks: int,
    convolutions: int,
    width: int,
    dropout: float,
) -> Any:
    """Returns a Keras model from images (floats, 0 to 255) to logits.

    Each block is one or two convolutions with batch normalisation and ReLU, and a halving of the size; the first has
    one, which takes every other pixel of large images. The width doubles up to four times its start. With blocks
    enough, about 4x4 pixels are left, so that keeping them all, which learns faster than averaging them, costs few
    parameters.

    Args:
        image_shape: ``(height, width, channels)``.
        n_classes: Number of logits.
        blocks: Number of blocks.
        convolutions: Convolutions of a block.
        width: Channels of the first block.
        dropout: Rate before the last layer.
    """
    import keras
    from keras import layers

    inputs = keras.Input(image_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for block in range(blocks):
        channels = width * 2 ** min(block, 2)
        for _ in range(convolutions if block else 1):
            strides = 2 if block == 0 and min(image_shape[:2]) >= _LARGE else 1
            x = layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.ReLU()(x)
        x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(n_classes)(x))
