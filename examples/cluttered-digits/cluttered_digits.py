"""The data set ``cluttered-digits``."""

CONTRACT = 1


def cluttered_digits():
    """1,797 hand-written digits, each somewhere among pieces of others: 32x32 pixels, made from scikit-learn's."""
    import numpy as np
    from sklearn.datasets import load_digits

    from workbench.plugin import Dataset

    digits = load_digits()
    glyphs = np.round(digits.images * (255 / 16)).astype(np.uint8).repeat(2, axis=1).repeat(2, axis=2)  # 16x16
    rng = np.random.default_rng(0)
    images = np.zeros((len(glyphs), 32, 32), np.uint8)
    for image, glyph in zip(images, glyphs, strict=True):
        for _ in range(6):  # clutter: pieces of 6x6 pixels
            piece = glyphs[rng.integers(len(glyphs))][5:11, 5:11]
            top, left = rng.integers(0, 32 - 6, 2)
            image[top : top + 6, left : left + 6] = np.maximum(image[top : top + 6, left : left + 6], piece // 2)
        top, left = rng.integers(0, 32 - 16, 2)
        image[top : top + 16, left : left + 16] = np.maximum(image[top : top + 16, left : left + 16], glyph)
    return Dataset(images, digits.target, class_names=[str(name) for name in digits.target_names])
