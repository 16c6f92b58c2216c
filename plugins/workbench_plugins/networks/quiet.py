"""Imports Keras without the page that TensorFlow prints about the GPU that it did not find."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

__all__ = ["keras"]


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Its C++ side prints straight to the file descriptor, before it can be told not to."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
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
