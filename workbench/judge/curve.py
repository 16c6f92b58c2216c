"""Test accuracy against the number of training images: from how many on does one candidate overtake another?

The tuned candidates are refitted on nested, stratified subsets, each size with several seeds, and all are tested on the
same test images. The crossover n* is where the lead changes, and stays with the other, up to the largest size.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.errors import WorkbenchError
from workbench.judge.resampling import draws

#: What is recorded of a run under this name.
CURVE = "curve"
DEFAULT_SIZES = "1%,2%,5%,10%,20%,50%,100%"

_RESAMPLES = 1000

#: Whether each test image was predicted right, ``(repeats, n_test)``, by candidate and number of training images.
Correct = Mapping[str, Mapping[int, npt.NDArray[np.bool_]]]


def parse_sizes(text: str, n: int, n_classes: int) -> tuple[list[int], list[str]]:
    """Reads sizes of training sets.

    Args:
        text: ``"1%,10%,100%"`` or numbers of images: ``"100,1000"``.
        n: Number of training images, 100 %.
        n_classes: A subset has at least two of each class.

    Returns:
        Numbers of images, in increasing order, and the sizes that are too small.

    Raises:
        WorkbenchError: If that is no list of sizes, or all are too small.
    """
    sizes: dict[int, str] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        share, number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", word), re.fullmatch(r"\d+", word)
        if share is not None and 0 < float(share[1]) <= 100:
            sizes.setdefault(round(n * float(share[1]) / 100), word)
        elif number is not None and 0 < int(word) <= n:
            sizes.setdefault(int(word), word)
        else:
            raise WorkbenchError(
                f"{word!r} is no size of a training set; write percentages up to 100% or numbers of up to {n:,} "
                f"images, with commas between: {DEFAULT_SIZES}"
            )
    good = sorted(size for size in sizes if size >= 2 * n_classes)
    if not good:
        raise WorkbenchError(
            f"{text!r} gives no size of at least {2 * n_classes} images, two of each class; there are {n:,} images"
        )
    return good, [f"{word} ({size:,} images)" for size, word in sorted(sizes.items()) if size < 2 * n_classes]


def passes(best_step: int | None, images: int, most: int, family: str) -> int | None:
    """Returns how often a network passes over fewer images than the ones it was tuned on.

    With as many passes as on all images it would take few steps and learn little; with as many steps, a hundredth of
    the images would cost as much as all of them. It is halfway between the two, on a logarithmic scale. ``--retune``
    tunes the number anew instead.

    Args:
        best_step: Passes over all images, or trees.
        images: Number of images now.
        most: Number of all images.
        family: ``"deep"``, or another, whose steps are not passes.
    """
    if best_step is None or family != "deep":
        return best_step
    return max(best_step, round(best_step * math.sqrt(most / images)))


@dataclass(frozen=True)
class Lines:
    """Accuracies by candidate and size, of the test images and of these drawn anew.

    Attributes:
        sizes: Numbers of training images, in increasing order.
        mean: Mean test accuracy over the repeats, by candidate, one for each size; NaN where there is none.
        drawn: The same for each resample of the test images and of the repeats, ``(resamples, sizes)``.
    """

    sizes: tuple[int, ...]
    mean: dict[str, npt.NDArray[np.float64]]
    drawn: dict[str, npt.NDArray[np.float64]]


def resample(correct: Correct, resamples: int = _RESAMPLES, seed: int = 0) -> Lines:
    """Draws test images and repeats anew, the same ones for every candidate and size.

    Args:
        correct: What was predicted right.
        resamples: How often.
        seed: Seed of the draws.
    """
    sizes = tuple(sorted({size for by_size in correct.values() for size in by_size}))
    mean = {name: np.full(len(sizes), np.nan) for name in correct}
    drawn = {name: np.full((resamples, len(sizes)), np.nan) for name in correct}
    n_test = next(right.shape[1] for by_size in correct.values() for right in by_size.values())
    weights = list(draws(n_test, resamples, seed))
    picks = np.random.default_rng(seed + 1).random((resamples, max(_repeats(correct), 1)))
    for name, by_size in correct.items():
        for size, right in by_size.items():
            column = sizes.index(size)
            mean[name][column] = right.mean()
            by_repeat = np.concatenate([part @ right.T.astype(np.float32) for part in weights]) / n_test
            picked = (picks[:, : len(right)] * len(right)).astype(int)
            drawn[name][:, column] = np.take_along_axis(by_repeat, picked, axis=1).mean(axis=1)
    return Lines(sizes, mean, drawn)


def _repeats(correct: Correct) -> int:
    return max(len(right) for by_size in correct.values() for right in by_size.values())


def points(lines: Lines, fits: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the points of the learning curve.

    Args:
        lines: The accuracies.
        fits: What was recorded of each refit: ``candidate``, ``images`` and ``refit_seconds``.

    Returns:
        For each candidate and size: ``candidate``, ``images``, number of ``repeats``, mean ``test_accuracy`` with its
        95 % bootstrap interval over test images and repeats from ``low`` to ``high``, and mean ``seconds`` of training.
    """
    found = []
    for name, mean in lines.mean.items():
        for column, size in enumerate(lines.sizes):
            seconds = [f["refit_seconds"] for f in fits if (f["candidate"], f["images"]) == (name, size)]
            if not seconds or np.isnan(mean[column]):
                continue
            low, high = np.quantile(lines.drawn[name][:, column], [0.025, 0.975])
            found.append({
                "candidate": name,
                "images": size,
                "repeats": len(seconds),
                "test_accuracy": float(mean[column]),
                "low": float(low),
                "high": float(high),
                "seconds": float(np.mean(seconds)),
            })  # fmt: skip
    return found


def crossovers(lines: Lines, family_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """Returns where the lead changes, for every hand-crafted candidate and network; else for every two candidates.

    Args:
        lines: The accuracies.
        family_of: Returns a candidate's family.

    Returns:
        For each pair: ``a`` and ``b``, who may overtake it; ``images``, the crossover n* interpolated between two sizes
        on a logarithmic scale, or None if it is not reached; its 95 % bootstrap interval from ``low`` to ``high``,
        either None for more than the largest size; ``smallest`` and ``largest`` size; and a ``sentence``.
    """
    names = [name for name in lines.mean if family_of(name) != "baseline"]
    pairs = [(a, b) for a in names for b in names if (family_of(a), family_of(b)) == ("hand-crafted", "deep")]
    if not pairs:  # of one family: whoever is behind with the fewest images may overtake
        pairs = [
            (a, b) if np.nan_to_num(lines.mean[a])[0] >= np.nan_to_num(lines.mean[b])[0] else (b, a)
            for a, b in combinations(names, 2)
        ]
    return [found for a, b in pairs if (found := _crossover(lines, a, b)) is not None]


def _crossover(lines: Lines, a: str, b: str) -> dict[str, Any] | None:
    both = np.isfinite(lines.mean[a]) & np.isfinite(lines.mean[b])
    if both.sum() < 2:
        return None
    sizes = np.array(lines.sizes)[both]
    n = float(change_of_lead(sizes, (lines.mean[b] - lines.mean[a])[None, both])[0])
    drawn = change_of_lead(sizes, lines.drawn[b][:, both] - lines.drawn[a][:, both])
    # order statistics, since some are infinite
    low, high = np.sort(drawn)[[int(0.025 * len(drawn)), math.ceil(0.975 * len(drawn)) - 1]]
    found = {
        "a": a,
        "b": b,
        "images": n if math.isfinite(n) else None,
        "low": float(low) if math.isfinite(low) else None,
        "high": float(high) if math.isfinite(high) else None,
        "smallest": int(sizes[0]),
        "largest": int(sizes[-1]),
    }
    return {**found, "sentence": _sentence(found)}


def change_of_lead(sizes: npt.NDArray[np.int64], ahead: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns from which size on one is ahead up to the largest, interpolated on a logarithmic scale.

    Args:
        sizes: ``s`` numbers of images, in increasing order.
        ahead: By how much it is ahead at each, ``(n, s)``.

    Returns:
        ``n`` numbers of images: the smallest size where it is ahead everywhere, infinity where it is not ahead at the
        largest.
    """
    behind = ahead <= 0
    last = np.where(behind.any(axis=1), len(sizes) - 1 - np.argmax(behind[:, ::-1], axis=1), -1)
    found = np.full(len(ahead), np.inf)
    found[last < 0] = sizes[0]
    rows = np.flatnonzero((last >= 0) & (last < len(sizes) - 1))
    before, after = last[rows], last[rows] + 1
    d0, d1 = ahead[rows, before], ahead[rows, after]
    logs = np.log(sizes)
    found[rows] = np.exp(logs[before] + (logs[after] - logs[before]) * (-d0 / (d1 - d0)))
    return found


def _sentence(found: dict[str, Any]) -> str:
    a, b, n = found["a"], found["b"], found["images"]
    smallest, largest = f"{found['smallest']:,}", f"{found['largest']:,}"
    if n is None:
        said = f"{b} does not overtake {a} with up to {largest} training images (n* not reached by n = {largest}"
        return f"{said})" if found["low"] is None else f"{said}; 95 % interval from {_about(found['low'])} on)"
    high = f"more than {largest}" if found["high"] is None else _about(found["high"])
    if n <= found["smallest"]:
        if found["high"] is not None and found["high"] <= found["smallest"]:
            return f"{b} is ahead of {a} from {smallest} training images on, the fewest looked at"
        return (
            f"{b} is ahead of {a} from {smallest} training images on, the fewest looked at (95 % interval up to {high})"
        )
    low = f"{smallest} or fewer" if found["low"] <= found["smallest"] else _about(found["low"])
    return f"{b} overtakes {a} at about {_about(n)} training images (95 % interval {low} to {high})"


def _about(n: float) -> str:
    """Writes a number of images with two significant digits."""
    return f"{round(n, 1 - math.floor(math.log10(n))):,.0f}"
