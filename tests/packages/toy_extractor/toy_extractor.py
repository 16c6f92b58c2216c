"""What a stranger would write: one function."""


def brightness(trial, task):
    """Mean brightness of every row and every column."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(_features, kw_args={"power": trial.suggest_float("power", 0.5, 2.0)})


def _features(images, power):
    import numpy as np

    grey = (images.mean(axis=3) / 255) ** power
    return np.concatenate([grey.mean(axis=1), grey.mean(axis=2)], axis=1).astype(np.float32)
