"""The data set ``textures``."""

from __future__ import annotations

from workbench.plugin import Dataset

_PATCH = 32  # pixels
_REGION = 128  # pixels: patches of one region overlap, and stay on one side of the split


def textures() -> Dataset:
    """1,200 patches of brick, grass and gravel of 32x32 pixels, 3 classes, grouped by region (scikit-image)."""
    import numpy as np
    from skimage import data

    names = ["brick", "grass", "gravel"]
    images, labels, groups = [], [], []
    starts = np.linspace(0, _REGION - _PATCH, 5).astype(int)  # 25 overlapping patches a region
    for label, name in enumerate(names):
        photo = getattr(data, name)()
        for top in range(0, photo.shape[0] - _REGION + 1, _REGION):
            for left in range(0, photo.shape[1] - _REGION + 1, _REGION):
                for y in top + starts:
                    for x in left + starts:
                        images.append(photo[y : y + _PATCH, x : x + _PATCH])
                        labels.append(label)
                        groups.append(f"{name} {top},{left}")
    return Dataset(np.stack(images), np.array(labels), names, groups=groups)
