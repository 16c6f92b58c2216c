"""The data set ``faces``."""

from __future__ import annotations

from workbench.plugin import Dataset


def faces() -> Dataset:
    """100 faces and 100 other patches of 25x25 pixels, 2 classes (LFW; scikit-image's subset)."""
    import numpy as np
    from skimage.data import lfw_subset

    images = np.asarray(np.round(lfw_subset() * 255), dtype=np.uint8)  # the first hundred are faces
    return Dataset(images, np.repeat([0, 1], 100), ["face", "other"])
