"""How quickly a fitted candidate answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

_BATCHES = (1, 32, 256)


def measure_speed(predict: Callable[[Any], Any], images: Any) -> dict[str, Any]:
    """Measures how long one image takes, and how many a second in batches, each after a warm-up.

    Args:
        predict: The candidate's ``predict``.
        images: uint8 ``(n, height, width, channels)``.

    Returns:
        ``latency_ms`` and ``latency_p95_ms`` over 100 single images (fewer, if these take more than 2 s), and
        ``throughput``, images a second, by the number of images in a batch.
    """
    single = _times(predict, images, 1, repeats=100)
    return {
        "latency_ms": float(np.median(single) * 1000),
        "latency_p95_ms": float(np.quantile(single, 0.95) * 1000),
        "throughput": {
            batch: batch / float(np.median(_times(predict, images, batch, repeats=5))) for batch in _BATCHES
        },
    }


def _times(
    predict: Callable[[Any], Any], images: Any, batch: int, repeats: int, seconds: float = 2.0
) -> npt.NDArray[np.float64]:
    """Returns the seconds that so many batches took, or fewer if that takes too long; small data sets repeat images."""
    warm_up = 3 if batch == 1 else 1
    rows = np.arange(batch * (warm_up + repeats)) % len(images)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < warm_up + repeats and (not times or time.perf_counter() < end):
        some = np.ascontiguousarray(images[rows[len(times) * batch : (len(times) + 1) * batch]])
        started = time.perf_counter()
        predict(some)
        times.append(time.perf_counter() - started)
    return np.array(times[warm_up:] or times)  # of what takes seconds each, the first will do
