"""What a network costs to run, whatever it runs on."""

from __future__ import annotations

import math
from typing import Any

from workbench_plugins.networks.backend import keras


def flops_per_image(model: Any) -> int | None:
    """Counts the floating-point operations to classify one image.

    As is usual: a multiplication and an addition are two, and only convolutions and dense layers count, beside which
    normalisation and activations are small.

    Args:
        model: A functional or sequential Keras model.

    Returns:
        Their number; None if a layer does not know the size of its images.
    """
    try:
        return sum(_layer_flops(layer) for layer in leaves(model))
    except TypeError:  # a size is None: the layer takes images of any
        return None


def leaves(model: Any) -> list[Any]:
    """Returns the layers of a model in order, those of models inside it included."""
    found: list[Any] = []
    for layer in model.layers:
        found.extend(leaves(layer) if isinstance(layer, keras.Model) else [layer])
    return found


def _layer_flops(layer: Any) -> int:
    layers = keras.layers
    if isinstance(layer, layers.Dense):
        return 2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
    if isinstance(layer, layers.DepthwiseConv2D):
        return 2 * math.prod(layer.kernel_size) * math.prod(layer.output.shape[1:])
    if isinstance(layer, layers.SeparableConv2D):
        depthwise, pointwise = layer.depthwise_kernel.shape, layer.pointwise_kernel.shape
        return 2 * math.prod(layer.output.shape[1:3]) * (math.prod(depthwise) + math.prod(pointwise))
    if isinstance(layer, layers.Conv2D):
        return 2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3])
    return 0
