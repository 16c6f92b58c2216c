"""The extractor ``power-spectrum``: roughness of a texture, by frequency and direction."""

CONTRACT = 1


def power_spectrum(trial, task):
    """Radial power spectrum: how much contrast there is at which frequency, and in which direction."""
    from sklearn.preprocessing import FunctionTransformer

    rings = trial.suggest_int("rings", 4, 16)
    sectors = trial.suggest_int("sectors", 1, 8)
    return FunctionTransformer(spectrum, kw_args={"rings": rings, "sectors": sectors})


power_spectrum.start = lambda task: {"rings": 12, "sectors": 4}


def spectrum(images, rings, sectors):
    """Returns log power ``(n, rings * sectors)`` of uint8 images ``(n, height, width, channels)``.

    Rings of frequencies are equally wide on a logarithmic scale (van der Schaaf and van Hateren, Vision Research 1996);
    sectors cut half a turn, for the other half mirrors it. A window keeps the image's border out of the spectrum.
    """
    import numpy as np

    grey = images.mean(axis=3) / 255
    height, width = grey.shape[1:]
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[None, 1:-1]
    power = np.abs(np.fft.fft2((grey - grey.mean(axis=(1, 2), keepdims=True)) * window)) ** 2
    down, across = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    frequency = np.hypot(down, across)
    lowest = 1 / min(height, width)
    ring = np.floor(np.log(np.maximum(frequency, 1e-9) / lowest) / np.log(0.5 / lowest) * rings)
    sector = np.floor(np.arctan2(down, across) % np.pi / np.pi * sectors) % sectors
    inside = (frequency >= lowest) & (frequency < 0.5)
    cell = (np.clip(ring, 0, rings - 1) * sectors + sector).astype(int)[inside]
    counts = np.bincount(cell, minlength=rings * sectors)
    sums = np.stack([np.bincount(cell, row, rings * sectors) for row in power[:, inside]])
    return np.log10(sums / np.maximum(counts, 1) + 1e-6).astype(np.float32)
