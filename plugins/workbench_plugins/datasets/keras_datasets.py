"""The data sets that Keras downloads: ``mnist``, ``fashion-mnist``, ``cifar10``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.plugin import Dataset

_CLOTHES = [
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
]
_OBJECTS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def mnist() -> Dataset:
    """70,000 hand-written digits of 28x28 pixels, 10 classes, official split (LeCun et al. 1998; downloaded)."""
    from workbench_plugins.networks.backend import keras

    return _download("mnist", keras.datasets.mnist.load_data, [str(digit) for digit in range(10)])


def fashion_mnist() -> Dataset:
    """70,000 grey pieces of clothing, 28x28, 10 classes, official split (Xiao et al. 2017; downloaded)."""
    from workbench_plugins.networks.backend import keras

    return _download("fashion-mnist", keras.datasets.fashion_mnist.load_data, _CLOTHES)


def cifar10() -> Dataset:
    """60,000 colour photos of 32x32 pixels, 10 classes, official split (Krizhevsky 2009; downloaded)."""
    from workbench_plugins.networks.backend import keras

    return _download("cifar10", keras.datasets.cifar10.load_data, _OBJECTS)


def _download(name: str, load_data: Callable[[], Any], class_names: list[str]) -> Dataset:
    import numpy as np

    try:
        (train_x, train_y), (test_x, test_y) = load_data()
    except Exception as error:  # Keras raises whatever its HTTP library does
        raise ConnectionError(
            f"{name} could not be downloaded ({error}). It needs the network once; offline, give the workbench a "
            "folder of its files instead (class folders or IDX files), or try digits, faces or textures."
        ) from error
    return Dataset(
        np.concatenate([train_x, test_x]),
        np.concatenate([train_y, test_y]).reshape(-1).astype(int),
        class_names,
        split=np.repeat(["train", "test"], [len(train_x), len(test_x)]),
    )
