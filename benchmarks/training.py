"""What training inside KerasClassifier costs against plain Keras: images a second of the network ``cnn``.

    python benchmarks/training.py [--epochs 3] [--repeats 3] [--images 10000]

Ours trains as in a trial: planned schedule, timed first steps, a validation set of a tenth after each epoch. Plain is
what people write: the same model, ``compile`` with AdamW and ``fit`` on the same uint8 images of random pixels. Both
take turns in one process, and both count epochs in steady state: ours its epochs after the timed steps, plain its
epochs after the first, which compiles. Validation is left out.

Then plain's steps are repeated on one batch that is a tensor already: what ``fit`` needs beyond that is waiting for
its input. The backend is that of ``KERAS_BACKEND``.
"""

from __future__ import annotations

import argparse
import functools
import importlib.abc
import sys
import time
from typing import Any

import numpy as np

from workbench_plugins.networks.backend import keras
from workbench_plugins.networks.cnn import build_cnn
from workbench_plugins.networks.keras_classifier import KerasClassifier

Array = np.ndarray[Any, Any]

N_CLASSES = 10
BATCH = 64
PEAK, DECAY = 4e-3, 1e-2  # learning rate and weight decay
NETWORK: dict[str, Any] = {"blocks": 3, "convolutions": 1, "width": 16, "dropout": 0.2}

build: Any = functools.partial(build_cnn, **NETWORK)


class WithoutTensorFlow(importlib.abc.MetaPathFinder):
    """Keras imports TensorFlow, if it is installed, beside any other backend: seconds, and a page on the terminal."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Finds no TensorFlow."""
        if fullname == "tensorflow":
            raise ModuleNotFoundError(fullname)


class EpochClock(keras.callbacks.Callback):
    """Notes the seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Notes its time."""
        self.seconds.append(time.perf_counter() - self._started)


def ours(images: Array, labels: Array, epochs: int, augmentation: str) -> float:
    """Returns images a second inside KerasClassifier."""
    classifier = KerasClassifier(
        build,
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=PEAK,
        weight_decay=DECAY,
        augmentation=augmentation,
    )
    validated = len(images) // 10
    classifier.fit(images, labels, validation_data=(images[:validated], labels[:validated]))
    return float(classifier.images_per_second_ or 0)


def plain(images: Array, labels: Array, epochs: int) -> tuple[float, float]:
    """Returns images a second of plain Keras: of ``fit``, and of steps on one batch that is a tensor already."""
    one_hot = np.eye(N_CLASSES, dtype=np.float32)[labels]
    model = build(images.shape[1:], N_CLASSES)
    model.compile(
        optimizer=keras.optimizers.AdamW(PEAK, weight_decay=DECAY),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    clock = EpochClock()
    model.fit(images, one_hot, batch_size=BATCH, epochs=epochs + 1, callbacks=[clock], verbose=0)
    fitted = epochs * len(images) / sum(clock.seconds[1:])

    batch = [keras.ops.convert_to_tensor(part[:BATCH]) for part in (images, one_hot)]
    model.train_on_batch(*batch)
    steps = max(1, len(images) // BATCH // 2)
    started = time.perf_counter()
    for _ in range(steps):
        model.train_on_batch(*batch)
    return fitted, steps * BATCH / (time.perf_counter() - started)


def measure(shape: tuple[int, int, int], n: int, epochs: int, repeats: int) -> None:
    """Measures one shape of images and prints what was found."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
    labels = rng.integers(0, N_CLASSES, n)
    print(f"images of {'x'.join(map(str, shape))}", flush=True)
    mine, theirs, ready = [], [], []
    for repeat in range(repeats):
        mine.append(ours(images, labels, epochs, "none"))
        fitted, bare = plain(images, labels, epochs)
        theirs.append(fitted)
        ready.append(bare)
        print(
            f"  turn {repeat + 1}: KerasClassifier {mine[-1]:>9,.0f}/s, plain Keras {fitted:>9,.0f}/s, "
            f"ratio {mine[-1] / fitted:.2f}",
            flush=True,
        )
    ratio = np.median(np.divide(mine, theirs))
    print(f"  median ratio {ratio:.2f} (above 1: KerasClassifier is faster than plain Keras)", flush=True)
    augmented = ours(images, labels, epochs, "shift+flip")
    print(
        f"  KerasClassifier augmenting (shift+flip) {augmented:>9,.0f}/s, {augmented / np.median(theirs):.2f} of plain "
        f"Keras, which does not",
        flush=True,
    )
    waiting = 1 - np.median(np.divide(theirs, ready))
    print(
        f"  plain steps on one batch kept as a tensor {np.median(ready):>9,.0f}/s: {max(0.0, waiting):.0%} of a step "
        f"of plain fit is its input",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3, help="epochs that are timed (default: 3)")
    parser.add_argument("--repeats", type=int, default=3, help="turns of both (default: 3)")
    parser.add_argument("--images", type=int, default=10_000, help="training images (default: 10000)")
    arguments = parser.parse_args()
    if keras.backend.backend() != "tensorflow":
        sys.meta_path.insert(0, WithoutTensorFlow())
    parameters = ", ".join(f"{name}={value}" for name, value in NETWORK.items())
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, {arguments.images:,} images of random pixels")
    print(f"cnn with {parameters}, batches of {BATCH}", flush=True)
    for shape in ((28, 28, 1), (32, 32, 3)):
        measure(shape, arguments.images, arguments.epochs, arguments.repeats)


if __name__ == "__main__":
    main()
