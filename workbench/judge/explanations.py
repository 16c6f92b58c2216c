"""Why a candidate answers as it does: what its features or layers see of an image, and which places and families count.

An extractor may bring a drawing of what it sees: its plugin's function has an attribute ``picture``, called as
``picture(extractor, image)``, that returns an image. A network may offer ``grad_cam`` and ``feature_maps``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.candidate import parse
from workbench.data.decode import FORMATS, Unreadable, read_pixels
from workbench.errors import DataError
from workbench.registry import Plugin, Registry

if TYPE_CHECKING:
    from workbench.judge.leaderboard import Comparison

Pixels = npt.NDArray[np.uint8]
Heat = npt.NDArray[np.float32]

#: What speaks for a class is laid over an image in orange, what speaks against it in blue.
_FOR, _AGAINST = (213, 94, 0), (0, 114, 178)
_LAYERS, _MAPS = 6, 16  # that are drawn at most


@dataclass(frozen=True)
class Answer:
    """What a model says of an image.

    Attributes:
        label: The class.
        probability: Its probability, if the model gives any.
        latency_ms: Milliseconds that it took.
    """

    label: int
    probability: float | None
    latency_ms: float


@dataclass(frozen=True)
class Panel:
    """A picture with a title: uint8, ``(height, width, 3)``."""

    title: str
    pixels: Pixels


@dataclass(frozen=True)
class Explanation:
    """What a candidate says of an image, and why.

    Attributes:
        candidate: Its name.
        sentence: Its answer in words.
        panels: What it sees.
    """

    candidate: str
    sentence: str
    panels: tuple[Panel, ...]


def explain(comparison: Comparison, image: Pixels, candidates: Sequence[str] = ()) -> Iterator[Explanation]:
    """Explains the answers of a run's candidates.

    Args:
        comparison: The run.
        image: As its candidates take it; see :func:`read_image`.
        candidates: Names; default: all but the baseline, whose models are kept.

    Raises:
        RunError: If there is no model of a candidate, or of none.
    """
    names = list(comparison.specification.data["classes"])
    for candidate in candidates or comparison.explainable():
        model, plugins = comparison.model(candidate), parse(candidate, Registry.discover()).plugins
        found = answer(model, image)
        sure = "" if found.probability is None else f", probability {found.probability:.2f}"
        drawn = panels(model, plugins, image, found.label)
        yield Explanation(candidate, f"{candidate}: {names[found.label]}{sure}", tuple(drawn))


def read_image(comparison: Comparison, path: Path) -> Pixels:
    """Reads an image file as the run's own were read: of the same size and channels.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        return read_pixels(str(path), comparison.image_shape)
    except Unreadable as reason:
        raise DataError(f"{path}: {reason}; give an image file ({', '.join(FORMATS)})") from None


def answer(model: Any, image: Pixels) -> Answer:
    """Returns what a model says of a uint8 image ``(height, width, channels)``."""
    started = time.perf_counter()
    if hasattr(model, "predict_proba"):
        shares = np.asarray(model.predict_proba(image[None]))[0]
        label, probability = int(model.classes_[shares.argmax()]), float(shares.max())
    else:
        label, probability = int(model.predict(image[None])[0]), None
    return Answer(label, probability, 1000 * (time.perf_counter() - started))


def occlusion(model: Any, image: Pixels, label: int | None = None, cells: int = 12) -> Heat:
    """Returns how much each place of an image speaks for a class (Zeiler and Fergus, ECCV 2014).

    A patch in the image's mean colour is moved over it; what the class's probability loses is what the place was
    worth, averaged over all patches that cover it. Of a model without probabilities it is what the class's score loses
    of its lead over the others; without scores, whether the answer changes.

    Args:
        model: Any fitted classifier of uint8 images.
        image: ``(height, width, channels)``, uint8.
        label: The class; the predicted one if None.
        cells: Places along each side; a patch is two of them wide.

    Returns:
        ``(height, width)``: negative where the place speaks against the class.
    """
    height, width = image.shape[:2]
    label = answer(model, image).label if label is None else label
    rows, columns = (np.linspace(0, side, min(cells, side) + 1).round().astype(int) for side in (height, width))
    patches = [
        (slice(rows[max(i - 1, 0)], rows[min(i + 1, len(rows) - 1)]), slice(columns[max(j - 1, 0)], columns[j + 1]))
        for i in range(len(rows))
        for j in range(len(columns) - 1)
    ]
    hidden = np.repeat(image[None], len(patches), axis=0)
    for copy, patch in zip(hidden, patches, strict=True):
        copy[patch] = image.reshape(-1, image.shape[2]).mean(axis=0).round()
    before, after = _sure(model, image[None], label)[0], _sure(model, hidden, label)
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for patch, left in zip(patches, after, strict=True):
        total[patch] += before - left
        count[patch] += 1
    return np.asarray(total / np.maximum(count, 1), np.float32)


def _sure(model: Any, images: Pixels, label: int) -> npt.NDArray[np.float64]:
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(images)[:, list(model.classes_).index(label)], np.float64)
    if not hasattr(model, "decision_function"):
        return np.asarray(model.predict(images) == label, np.float64)
    scores, place = np.asarray(model.decision_function(images)), list(model.classes_).index(label)
    if scores.ndim == 1:
        return np.asarray(scores if place else -scores, np.float64)
    return np.asarray(scores[:, place] - np.delete(scores, place, axis=1).max(axis=1), np.float64)


def families(model: Any, plugins: Sequence[Plugin]) -> list[tuple[str, Any]]:
    """Returns the fitted extractors of a candidate's model by name: its feature families. A network has none.

    Args:
        model: A pipeline, as :meth:`workbench.judge.leaderboard.Comparison.model` returns it.
        plugins: The candidate's.
    """
    step, extractor = model.steps[0]
    if step != "extract":
        return []
    if hasattr(extractor, "transformer_list"):
        return list(extractor.transformer_list)
    names = [plugin.name for plugin in plugins if plugin.kind == "extractor"]
    return [(names[0] if len(names) == 1 else "features", extractor)]


def family_importance(
    model: Any,
    plugins: Sequence[Plugin],
    images: Pixels,
    labels: npt.NDArray[np.int64],
    repeats: int = 5,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Returns how much accuracy is lost without each feature family (permutation importance; Breiman, 2001).

    All columns of a family are permuted together over the images, so that they say nothing any more, and still look as
    they did. Families that say the same stand in for each other, and then neither seems to matter.

    Args:
        model: A candidate's model.
        plugins: The candidate's.
        images: ``(n, height, width, channels)``, uint8: test images.
        labels: Their ``n`` labels.
        repeats: Permutations of each family.
        seed: Of the permutations.

    Returns:
        For each family its ``family``, the mean ``drop`` of accuracy and its ``spread`` (standard deviation) over the
        permutations, the most important first; nothing for a model of one family or none.
    """
    parts = families(model, plugins)
    if len(parts) < 2:
        return []
    weights = getattr(model.steps[0][1], "transformer_weights", None) or {}
    columns = [np.asarray(part.transform(images)) * np.float32(weights.get(name, 1.0)) for name, part in parts]
    rest, rng = model[1:], np.random.default_rng(seed)
    whole = np.mean(rest.predict(np.concatenate(columns, axis=1)) == labels)
    found = []
    for number, (name, _) in enumerate(parts):
        drops = []
        for _ in range(repeats):
            shuffled = list(columns)
            shuffled[number] = columns[number][rng.permutation(len(images))]
            drops.append(whole - np.mean(rest.predict(np.concatenate(shuffled, axis=1)) == labels))
        found.append({"family": name, "drop": float(np.mean(drops)), "spread": float(np.std(drops))})
    return sorted(found, key=lambda row: -row["drop"])


def panels(model: Any, plugins: Sequence[Plugin], image: Pixels, label: int) -> list[Panel]:
    """Draws what a model sees of an image, and where it sees a class.

    Args:
        model: A candidate's model.
        plugins: The candidate's.
        image: ``(height, width, channels)``, uint8.
        label: The class.
    """
    found = [*_of_extractors(model, plugins, image), *_of_network(model[-1], image, label)]
    heat = occlusion(model, image, label)
    most = float(np.abs(heat).max())
    what = f"probability by up to {most:.2f}" if hasattr(model, "predict_proba") else f"score by up to {most:.2f}"
    title = f"Occlusion: hiding a place changes its {what}" if most else "Occlusion: no hidden place matters"
    return [*found, Panel(title, overlay(image, heat / most if most else heat))]


def _of_extractors(model: Any, plugins: Sequence[Plugin], image: Pixels) -> Iterable[Panel]:
    by_name = {plugin.name: plugin for plugin in plugins if plugin.kind == "extractor"}
    for name, extractor in families(model, plugins):
        picture = getattr(by_name[name].load(), "picture", None) if name in by_name else None
        if picture is not None:
            yield Panel(f"What {name} sees", as_colour(picture(extractor, image)))


def _of_network(network: Any, image: Pixels, label: int) -> Iterable[Panel]:
    if hasattr(network, "feature_maps"):
        layers = list(network.feature_maps(image).items())
        chosen = sorted({round(at) for at in np.linspace(0, len(layers) - 1, min(_LAYERS, len(layers)))})
        for at in chosen:
            maps = layers[at][1]
            height, width, channels = maps.shape
            title = f"Layer {at + 1} of {len(layers)}: {channels} maps of {width}x{height}"
            yield Panel(title, as_colour(_mosaic(maps)))
    if hasattr(network, "grad_cam"):
        try:
            yield Panel("Grad-CAM: where the class is seen", overlay(image, network.grad_cam(image, label)))
        except ValueError:  # no layer has maps
            return


def overlay(image: Pixels, heat: Heat) -> Pixels:
    """Lays what speaks for a class (positive, orange) or against it (blue) over an image, which turns grey."""
    grey = as_colour(image).mean(axis=2, keepdims=True)
    backdrop = np.repeat(0.75 * grey + 40, 3, axis=2)
    strength = np.clip(np.abs(heat), 0, 1)[..., None]
    tint = np.where(heat[..., None] >= 0, _FOR, _AGAINST)
    return np.asarray(backdrop + 0.85 * strength * (tint - backdrop), np.uint8)


def _mosaic(maps: Heat) -> Pixels:
    """Lays the maps that vary most side by side, each from its darkest to its lightest."""
    strongest = np.sort(np.argsort(-maps.std(axis=(0, 1)), kind="stable")[:_MAPS])
    side = max(1, int(np.ceil(np.sqrt(len(strongest)))))
    times = max(1, 40 // max(maps.shape[:2]))
    tiles = []
    for number in strongest:
        low, high = maps[..., number].min(), maps[..., number].max()
        scaled = (maps[..., number] - low) / (high - low or 1) * 255
        tiles.append(np.pad(scaled.repeat(times, 0).repeat(times, 1), 1, constant_values=128))
    tiles += [np.full_like(tiles[0], 128)] * (-len(tiles) % side)
    rows = [np.concatenate(tiles[start : start + side], axis=1) for start in range(0, len(tiles), side)]
    return np.asarray(np.concatenate(rows, axis=0), np.uint8)


def as_colour(image: npt.NDArray[Any]) -> Pixels:
    """Returns a grey or colour image in colour."""
    grey = image[..., None] if image.ndim == 2 else image
    return np.asarray(np.repeat(grey, 3, axis=2) if grey.shape[2] == 1 else grey, np.uint8)
