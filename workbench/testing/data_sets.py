"""Checks of data sets."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.plugin import Dataset
from workbench.testing.subject import NotApplicable, Subject, require


def check_dataset_is_whole(subject: Subject) -> None:
    """It returns as many labels as images, names for all of them, and an official split in words, if there is one."""
    try:
        found: Any = subject.plugin.load()()
    except (ConnectionError, ImportError) as error:
        raise NotApplicable(f"it cannot be loaded here: {error}") from error
    require(isinstance(found, Dataset), f"it returns {type(found).__name__}; return a workbench.plugin.Dataset")
    images, labels = found.images, np.asarray(found.labels)
    require(
        len(images) == len(labels) > 0,
        f"it has {len(images)} images and {len(labels)} labels; there must be a label for each image",
    )
    if isinstance(images, np.ndarray):
        channels = images.shape[3] if images.ndim == 4 else 1
        require(
            images.dtype == np.uint8 and images.ndim in (3, 4) and channels in (1, 3),
            f"its images are {images.dtype} {images.shape}; they must be uint8 (n, height, width) or (n, height, "
            "width, channels) with 1 or 3 channels, or paths of image files",
        )
    require(
        np.issubdtype(labels.dtype, np.integer),
        f"its labels are {labels.dtype}; they must be integers, indices into class_names",
    )
    names = [str(name) for name in found.class_names]
    require(
        labels.min() >= 0 and labels.max() < len(names),
        f"its labels run from {labels.min()} to {labels.max()}, but there are {len(names)} class names",
    )
    distinct = len(set(names)) == len(names) >= 2
    require(distinct, f"its class names are {names}; give two or more, all different")
    for what, values in (("groups", found.groups), ("split", found.split)):
        require(
            values is None or len(values) == len(labels),
            f"its {what} has {0 if values is None else len(values)} values for {len(labels)} images; give one for each",
        )
    words = set() if found.split is None else set(map(str, found.split))
    require(words <= {"train", "val", "test"}, f"its split has the words {sorted(words)}; write train, val or test")
