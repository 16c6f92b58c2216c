"""What tests share: plugins made on the spot, small data sets, and the command line as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
#: Real data, where they lie beside the checkout.
SHARED = Path(os.environ.get("WORKBENCH_TEST_DATA", ROOT.parent / "shared" / "data"))

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def workbench(tmp_path: Path) -> Command:
    """Runs ``workbench ARGUMENTS`` in a fresh process and an empty folder."""

    def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "workbench", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, dict[str, str]]], Path]:
    """Installs a distribution made on the spot: a module's source, and its entry points by group."""

    def make(source: str, points: dict[str, dict[str, str]], name: str = "toy") -> Path:
        site = tmp_path / "site"
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (site / f"{name}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = []
        for group, entries in points.items():
            lines += [f"[workbench.{group}]", *(f"{k} = {name}:{v}" for k, v in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(str(site))
        before = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), before])))
        return site

    return make


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two classes, 40 pictures each, 32x32 pixels, that any candidate tells apart: bars, up or across."""
    root = tmp_path_factory.mktemp("data") / "shapes"
    rng = np.random.default_rng(0)
    for name in ("across", "upright"):
        root.joinpath(name).mkdir(parents=True)
        for i in range(40):
            picture = rng.integers(0, 60, (32, 32, 3), dtype=np.uint8)
            at, width = rng.integers(4, 24), rng.integers(3, 6)
            bar = slice(at, at + width)
            picture[(bar, slice(None)) if name == "across" else (slice(None), bar)] += 150
            Image.fromarray(picture).save(root / name / f"{i:02}.png")
    return root


@pytest.fixture(scope="session")
def bars() -> tuple[np.ndarray, np.ndarray]:
    """Bars, up or across; the labels are words, as scikit-learn allows."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (240, 16, 16, 1), dtype=np.uint8)
    labels = np.array(["across", "upright"])[np.arange(240) % 2]
    for image, label in zip(images, labels, strict=True):
        at = rng.integers(2, 12)
        image[(slice(at, at + 3), slice(None)) if label == "across" else (slice(None), slice(at, at + 3))] += 150
    return images, labels


@pytest.fixture(scope="session")
def small_backbone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Gives the network ``transfer`` a small backbone to start from, which would fetch a large one; its folder."""
    from workbench_plugins.networks.transfer import WEIGHTS

    folder = tmp_path_factory.mktemp("weights")
    save_backbone(folder / "small.keras")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WEIGHTS, str(folder))
        yield folder


class Watch:
    """A monitor that remembers what it was told; it may prune, and its time runs out.

    Args:
        seconds: Until its time is up.
        prune_at: Step at which it prunes.
        best_step: What it tells a refit.
    """

    def __init__(self, seconds: float = 300.0, prune_at: int | None = None, best_step: int | None = None) -> None:
        self._end = time.monotonic() + seconds
        self._prune_at = prune_at
        self.best_step = best_step
        self.values: list[float] = []
        self.steps: list[int] = []

    def report(self, value: float, step: int) -> None:
        from optuna import TrialPruned

        self.values.append(value)
        self.steps.append(step)
        if step == self._prune_at:
            raise TrialPruned

    @property
    def seconds_left(self) -> float:
        return self._end - time.monotonic()


def load_json(result: subprocess.CompletedProcess[str]) -> Any:
    """Returns the one JSON document that a command printed on stdout."""
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def save_backbone(path: Path) -> None:
    """Saves a small network from images to maps, as somebody could have trained one for ``transfer`` to start from."""
    from workbench_plugins.networks.backend import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.ReLU()(layers.Conv2D(8, 3, strides=2, padding="same")(x))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, strides=2, padding="same")(x)))
    keras.Model(inputs, x).save(path)
