"""Networks that begin with what another has learned from another, larger data set."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.plugin import Monitor
from workbench_plugins.networks.backend import keras
from workbench_plugins.networks.keras_classifier import KerasClassifier

#: Images whose frozen features are computed at once.
_AT_ONCE = 128
#: Share of the time that computing frozen features may take.
_SHARE = 0.4


class TransferClassifier(KerasClassifier):
    """Fits the last layer on frozen features, then trains on from there.

    A last layer that starts at random would distort the features in the first steps of fine-tuning; one that was
    fitted to them first does not (Kumar et al., "Fine-Tuning can Distort Pretrained Features", ICLR 2022). It is a
    logistic regression, by scikit-learn. The model must have layers named ``features`` and ``head``.
    """

    def _initialise(self, X: Any, targets: Any, monitor: Monitor | None) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        features, rows = self._features(X, monitor)
        if len(np.unique(targets[rows])) < len(self.classes_):  # too little time to see every class
            return
        scaler = StandardScaler()
        regression = LogisticRegression(C=0.1, max_iter=200, class_weight=self.class_weight)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a good start is all that is asked of it
            make_pipeline(scaler, regression).fit(features, targets[rows])
        coefficients, intercept = regression.coef_, regression.intercept_
        if len(self.classes_) == 2:
            coefficients = np.concatenate([-coefficients, coefficients]) / 2
            intercept = np.concatenate([-intercept, intercept]) / 2
        kernel = coefficients.T / scaler.scale_[:, None]
        self.model_.get_layer("head").set_weights([kernel, intercept - scaler.mean_ @ kernel])

    def _features(self, X: Any, monitor: Monitor | None) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Returns frozen features, and of which images: of all, in random order, if there is time."""
        model = keras.Model(self.model_.inputs, self.model_.get_layer("features").output)
        order = np.random.default_rng(self.seed).permutation(len(X))
        given = monitor.seconds_left if monitor is not None else 0.0
        features: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(X), _AT_ONCE):
            rows = np.sort(order[start : start + _AT_ONCE])
            order[start : start + _AT_ONCE] = rows
            batch = np.zeros((_AT_ONCE, *X.shape[1:]), np.uint8)  # always as many: another number is compiled anew
            batch[: len(rows)] = X[rows]
            features.append(np.asarray(model.predict_on_batch(batch)[: len(rows)], np.float32))
            if monitor is not None and not self.deterministic and monitor.seconds_left < (1 - _SHARE) * given:
                break
        found = np.concatenate(features)
        return found, order[: len(found)]


def build_transfer(
    image_shape: tuple[int, int, int],
    n_classes: int,
    backbone: str,
    weights: str,
    side: int,
    dropout: float,
    fine_tune: bool,
) -> Any:
    """Returns a Keras model from images (floats, 0 to 255) to logits, on top of a pretrained backbone.

    Args:
        image_shape: ``(height, width, channels)``; one channel is repeated.
        n_classes: Number of logits.
        backbone: ``mobilenet-v3`` (Howard et al., ICCV 2019), ``efficientnet-v2-b0`` (Tan and Le, ICML 2021),
            ``convnext-tiny`` (Liu et al., CVPR 2022), or the name of a ``.keras`` model from images to maps.
        weights: File of its weights, or that model.
        side: Pixels of the shorter side that images are brought to; what it was trained on was 224.
        dropout: Rate before the last layer.
        fine_tune: Whether the backbone learns too. Its normalisation stays as it is.

    Raises:
        ValueError: If the file cannot be read as weights of that backbone.
    """
    layers = keras.layers
    height, width, channels = image_shape
    scale = side / min(height, width)
    size = round(height * scale), round(width * scale)
    try:
        base = _backbone(backbone, Path(weights), (*size, 3))
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{weights} cannot be read as weights of {backbone}: {reason}") from error
    base.trainable = fine_tune
    inputs = keras.Input(image_shape)
    x = inputs if channels == 3 else layers.Concatenate()([inputs] * 3)
    x = layers.Resizing(*size)(x)
    x = base(x, training=False)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(n_classes, name="head")(x))


def _backbone(name: str, weights: Path, shape: tuple[int, int, int]) -> Any:
    if weights.suffix == ".keras":
        return keras.models.load_model(weights, compile=False, safe_mode=True)
    applications = keras.applications
    known = {
        "mobilenet-v3": applications.MobileNetV3Small,
        "efficientnet-v2-b0": applications.EfficientNetV2B0,
        "convnext-tiny": applications.ConvNeXtTiny,
    }
    return known[name](include_top=False, weights=str(weights), input_shape=shape)
