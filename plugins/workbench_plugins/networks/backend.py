"""Keras, imported quietly, and the little that it leaves to its backends: devices, memory, precision, gradients.

Networks are written in Keras alone, so that they run on TensorFlow, JAX and PyTorch (``KERAS_BACKEND``). What differs
between these stands here and nowhere else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "from_bytes",
    "gradient",
    "is_out_of_memory",
    "keras",
    "mixed_precision",
    "seed",
    "share_device_memory",
    "to_bytes",
]


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """TensorFlow's C++ side prints a page about the GPU that it did not find, before it can be told not to."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX takes three quarters of a GPU otherwise
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


with _without_chatter():
    import keras
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every model that is built anew


def seed(number: int) -> None:
    """Seeds whatever a network draws from: Python, NumPy and the backend.

    ``keras.utils.set_random_seed`` does that too, but imports TensorFlow for it on every backend, which takes seconds.
    """
    if keras.backend.backend() == "tensorflow":
        keras.utils.set_random_seed(number)
        return
    random.seed(number)  # Keras draws the seeds of its layers from here
    np.random.seed(number)
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(number)


def share_device_memory() -> None:
    """Has TensorFlow take a GPU's memory as it needs it, not all at once; call it before anything runs there."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            with contextlib.suppress(RuntimeError):  # something has run already
                tf.config.experimental.set_memory_growth(gpu, True)


def mixed_precision() -> str:
    """Returns the policy that an accelerator profits from: bfloat16 from NVIDIA's Ampere on, else float32."""
    major = 0
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            major = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))[0]
    elif keras.backend.backend() == "torch":
        import torch

        major = torch.cuda.get_device_capability()[0] if torch.cuda.is_available() else 0
    elif keras.backend.backend() == "jax":
        import jax

        major = int(float(getattr(jax.devices()[0], "compute_capability", 0)))
    return "mixed_bfloat16" if major >= 8 else "float32"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a backend says that the device's memory is used up."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")
        or "RESOURCE_EXHAUSTED" in str(error)
        or "out of memory" in str(error).lower()
    )


def gradient(function: Callable[[Any], Any], x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns the gradient at ``x`` of a function that gives one number."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        at = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(at)
            value = function(at)
        found = tape.gradient(value, at)
    elif keras.backend.backend() == "jax":
        import jax

        found = jax.grad(function)(jax.numpy.asarray(x))
    else:
        import torch

        at = keras.ops.convert_to_tensor(x).detach().requires_grad_(True)
        (found,) = torch.autograd.grad(function(at), at)
    return np.asarray(keras.ops.convert_to_numpy(found), dtype=np.float32)


def to_bytes(model: Any) -> npt.NDArray[np.uint8]:
    """Returns the bytes of a model's ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        model.save(file)
        return np.frombuffer(file.read_bytes(), np.uint8).copy()


def from_bytes(content: npt.NDArray[np.uint8]) -> Any:
    """Returns the model of a ``.keras`` file's bytes; Keras's safe mode lets none in that carries code of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        file.write_bytes(content.tobytes())
        return keras.saving.load_model(file, compile=False, safe_mode=True)
