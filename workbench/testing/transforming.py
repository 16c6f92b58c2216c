"""Checks of extractors and selectors: what a transformer may do to images and features."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from workbench.testing.subject import Subject, require


def check_transform_gives_rows(subject: Subject) -> None:
    """``transform`` gives a finite row of floats for each image; an extractor's are float32."""
    for task in subject.tasks:
        for _, estimator in subject.samples(task, 2):
            X, y = subject.data(task)
            subject.fit(estimator, X, y)
            if X.dtype == np.uint8:
                X = X.copy()
                X[0], X[1] = 0, 255  # blank pictures happen
            found = estimator.transform(X)
            shape = getattr(found, "shape", None)
            require(
                isinstance(found, np.ndarray) and found.ndim == 2 and len(found) == len(X),
                f"transform of {len(X)} images returns {type(found).__name__} of shape {shape}; it must return an "
                "array (n, d): a row for each image",
            )
            wanted = np.float32 if subject.plugin.kind == "extractor" else np.floating
            require(
                np.issubdtype(found.dtype, wanted),
                f"transform returns {found.dtype}; return {np.dtype(np.float32)}: features.astype(np.float32)",
            )
            bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
            require(
                not len(bad),
                f"transform returns numbers that are not finite, for instance for image {bad[:1]} of images with two "
                "blank ones (all 0 and all 255); guard divisions and logarithms",
            )


def check_rows_do_not_depend_on_each_other(subject: Subject) -> None:
    """An image's features are the same alone and in a batch, and in any order."""
    X, _ = subject.data(subject.tasks[0])
    whole = subject.fitted.transform(X)
    alone = np.concatenate([subject.fitted.transform(X[i : i + 1]) for i in range(5)])
    turned = subject.fitted.transform(X[::-1].copy())[::-1]
    for other, how in ((alone, "alone"), (turned, "in another order")):
        difference = float(np.abs(whole[: len(other)] - other).max())
        require(
            np.allclose(whole[: len(other)], other, rtol=1e-3, atol=1e-4 * (np.abs(whole).max() + 1e-12)),
            f"transformed {how}, images get other features than in a batch (difference up to {difference:.2g}): what "
            "one image gives must not depend on the others; learn such statistics in fit",
        )


def check_memory_maps_are_read(subject: Subject) -> None:
    """Images that lie in a read-only memory map, not contiguous, give the same features."""
    X, _ = subject.data(subject.tasks[0])
    expected = subject.fitted.transform(X[::2].copy())
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "X.npy"), X)
        mapped: Any = np.load(Path(folder, "X.npy"), mmap_mode="r")
        try:
            found = subject.fitted.transform(mapped[::2])
        except Exception as error:
            require(
                False,
                f"transform of a read-only memory map with strides raises {type(error).__name__}: {error}; do not "
                "write into X, and copy what must be contiguous: np.ascontiguousarray(X)",
            )
        require(
            np.allclose(found, expected, rtol=1e-4, atol=1e-5),
            "transform of a memory map with strides gives other features than of a contiguous copy; go by X's own "
            "strides, or copy it: np.ascontiguousarray(X)",
        )
        del mapped
