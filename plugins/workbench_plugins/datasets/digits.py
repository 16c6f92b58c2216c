"""The data set ``digits``."""

from __future__ import annotations

from workbench.plugin import Dataset


def digits() -> Dataset:
    """1,797 hand-written digits of 8x8 pixels, 10 classes (Alpaydin and Kaynak 1998; scikit-learn's copy)."""
    import numpy as np
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)  # stored as 0..16
    return Dataset(images, bunch.target, [str(name) for name in bunch.target_names])
