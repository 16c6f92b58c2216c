"""Looks inside a network: what each layer makes of an image, and where in it a class was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from workbench_plugins.networks import backend
from workbench_plugins.networks.backend import keras


def feature_maps(model: Any, image: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
    """Returns the activations ``(height, width, channels)`` of one image by the layer's name, in order.

    Args:
        model: A functional Keras model.
        image: ``(height, width, channels)``, uint8.
    """
    layers = _mapping_layers(model)
    looking = keras.Model(model.inputs, [_output(model, layer) for layer in layers])
    outputs = looking.predict_on_batch(image[None])
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return {layer.name: np.asarray(out[0], np.float32) for layer, out in zip(layers, outputs, strict=True)}


def grad_cam(model: Any, image: npt.NDArray[np.uint8], index: int) -> npt.NDArray[np.float32]:
    """Returns where a class was seen, 0 to 1, ``(height, width)``: Grad-CAM over the last layer with maps.

    The maps are weighted by how much the class's logit would gain from each, on average over the map (Selvaraju et
    al., ICCV 2017), summed, and brought to the image's size.

    Args:
        model: A functional Keras model.
        image: ``(height, width, channels)``, uint8.
        index: Of the class's logit.

    Raises:
        ValueError: If no layer has maps.
    """
    layers = _mapping_layers(model)
    if not layers:
        raise ValueError("the network has no layer with maps for Grad-CAM to look at: it has no convolution")
    last = _output(model, layers[-1])
    maps = keras.Model(model.inputs, last).predict_on_batch(image[None])
    rest = keras.Model(last, model.output)

    def logit(maps: Any) -> Any:
        return rest(maps, training=False)[0, index]

    gains = backend.gradient(logit, np.asarray(maps, np.float32)).mean(axis=(0, 1, 2))
    seen = np.maximum(np.asarray(maps[0], np.float32) @ gains, 0)
    height, width = image.shape[:2]
    larger = Image.fromarray(seen).resize((width, height), Image.Resampling.BILINEAR)
    heat = np.asarray(larger, np.float32)
    return heat / heat.max() if heat.max() > 0 else heat


def _output(model: Any, layer: Any) -> Any:
    """Returns a layer's output in this model: one that is a model itself has another, in a graph of its own."""
    nodes = (node for nodes in model._nodes_by_depth.values() for node in nodes)
    return next(node.outputs[0] for node in nodes if node.operation is layer)


def _mapping_layers(model: Any) -> list[Any]:
    """Returns the layers whose outputs are feature maps: after each convolution's activation, at the model's top level.

    A model inside the model counts as one layer.
    """
    layers = keras.layers
    maps = [
        layer for layer in model.layers if isinstance(layer.output, keras.KerasTensor) and len(layer.output.shape) == 4
    ]
    shown = [layer for layer in maps if isinstance(layer, layers.ReLU | layers.Activation | keras.Model)]
    return shown or [layer for layer in maps if isinstance(layer, layers.Conv2D)]
