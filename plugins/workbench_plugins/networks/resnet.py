"""The network ``resnet``."""

from __future__ import annotations

import functools
from typing import Any

from workbench.plugin import Skip, Task, Trial

#: Images from this many pixels on are halved by the first convolution: full size costs most and adds least.
_LARGE = 64


def resnet(trial: Trial, task: Task) -> Any:
    """Small residual network, trained from scratch with augmentation (Keras); for images of 32 to 128 pixels."""
    from workbench_plugins.classifiers.balance import class_weight
    from workbench_plugins.networks.keras_classifier import KerasClassifier

    if min(task.image_shape[:2]) < 16:
        raise Skip("needs images of at least 16 pixels a side")
    build = functools.partial(
        build_resnet,
        blocks=trial.suggest_int("blocks", 1, 3),
        width=trial.suggest_categorical("width", [16, 32, 64] if task.device == "gpu" else [8, 16, 32]),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
    )
    return KerasClassifier(
        build,
        epochs=trial.suggest_int("epochs", 10, 100, log=True),
        batch_size=trial.suggest_categorical("batch_size", [32, 64, 128]),
        learning_rate=trial.suggest_float("learning_rate", 5e-4, 1e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
        augmentation=trial.suggest_categorical("augmentation", ["shift", "shift+flip", "shift+flip+zoom+rotate"]),
        ema=trial.suggest_categorical("ema", [0.0, 0.99]),
        class_weight=class_weight(trial, task),
        device=task.device,
        seed=task.seed,
        deterministic=task.deterministic,
    )


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    gpu = task.device == "gpu"
    return {
        "blocks": 2 if gpu else 1,
        "width": 32 if gpu else 16,
        "dropout": 0.1,
        "epochs": 30,
        "batch_size": 128 if task.n_train >= 20_000 else 32,
        "learning_rate": 4e-3,
        "weight_decay": 1e-2,
        "augmentation": "shift+flip" if task.image_shape[2] == 3 else "shift",
        "ema": 0.99,
        **balance.start(task),
    }


resnet.start = _start  # type: ignore[attr-defined]
resnet.preload = ("workbench_plugins.networks.keras_classifier", "sklearn.pipeline")  # type: ignore[attr-defined]


def build_resnet(image_shape: tuple[int, int, int], n_classes: int, blocks: int, width: int, dropout: float) -> Any:
    """Returns a Keras model from images (floats, 0 to 255) to logits: a residual network (He et al., CVPR 2016).

    Three stages, each with twice the channels at half the size; blocks of two convolutions whose last normalisation
    starts at zero, so that each block starts as the identity; a projection where the size changes; and an average over
    what is left of the image.

    Args:
        image_shape: ``(height, width, channels)``.
        n_classes: Number of logits.
        blocks: Blocks of a stage.
        width: Channels of the first stage.
        dropout: Rate before the last layer.
    """
    import keras
    from keras import layers

    def convolved(x: Any, channels: int, size: int, strides: int, gamma: str = "ones") -> Any:
        x = layers.Conv2D(channels, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=0.9, gamma_initializer=gamma)(x)

    inputs = keras.Input(image_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    large = min(image_shape[:2]) >= _LARGE
    x = layers.ReLU()(convolved(x, width, 5 if large else 3, 2 if large else 1))
    if large:
        x = layers.MaxPooling2D(2, padding="same")(x)
    for stage in range(3):
        channels = width * 2**stage
        for block in range(blocks):
            strides = 2 if stage and block == 0 else 1
            y = layers.ReLU()(convolved(x, channels, 3, strides))
            y = convolved(y, channels, 3, 1, gamma="zeros")
            if strides > 1:
                x = convolved(x, channels, 1, strides)
            x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(n_classes)(x))
