"""A stored model answers as the fitted one did, whatever it is made of; a file that holds strangers is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import skops.io
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from workbench import bundle
from workbench.candidate import parse
from workbench.plugin import Task
from workbench.registry import Registry
from workbench.tuning import fitting

REGISTRY = Registry.discover()
OURS = frozenset({"workbench_plugins"})


def built_in(kind: str) -> list[str]:
    return [p.name for p in REGISTRY if (p.kind, p.distribution) == (kind, "image-workbench")]


CANDIDATES = [
    "baseline",
    *(f"{name}/svm" for name in built_in("extractor")),
    "hog+color+edges/forest",
    *(f"edges/{name}/svm" for name in built_in("selector")),
    *(f"edges/{name}" for name in built_in("classifier")),
    *built_in("network"),
]


def fitted(name: str, images: np.ndarray, labels: np.ndarray) -> tuple[Any, frozenset[str]]:
    """A candidate, fitted from its good start, as a refit builds it."""
    candidate = parse(name, REGISTRY)
    task = Task(images.shape[1:], ("across", "upright"), n_train=len(images), n_jobs=1)
    pipeline = candidate.build(optuna.trial.FixedTrial(candidate.start(task)), task)
    extractors, head = fitting._cut(pipeline)
    if hasattr(head[-1], "epochs"):
        head[-1].set_params(epochs=2)
    if not extractors:
        return head.fit(images, labels), bundle.packages_of(candidate.plugins)
    joined = fitting._joined(extractors, {key: 0.5 for key, _ in extractors})
    return Pipeline([("extract", joined), *head.steps]).fit(images, labels), bundle.packages_of(candidate.plugins)


@pytest.mark.usefixtures("small_backbone")
@pytest.mark.parametrize("name", CANDIDATES)
def test_a_stored_model_predicts_what_the_fitted_one_predicts(
    name: str, bars: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    images, labels = bars
    labels = (labels == "upright").astype(np.int64)
    model, packages = fitted(name, images[:120], labels[:120])
    bundle.save(model, tmp_path / "model.skops", packages)
    loaded = bundle.load(tmp_path / "model.skops", packages)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            np.testing.assert_array_equal(getattr(loaded, method)(images[120:]), getattr(model, method)(images[120:]))
    if hasattr(model[-1], "grad_cam"):
        np.testing.assert_array_equal(loaded[-1].grad_cam(images[0]), model[-1].grad_cam(images[0]))


class Stranger(DummyClassifier):
    """Of a package that brings no plugin."""


def test_a_model_with_a_type_of_nobody_known_is_neither_written_nor_read(tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    model = Stranger().fit([[0]], [0])
    with pytest.raises(bundle.BundleError, match=r"it holds .*Stranger, which neither belongs to the workbench's"):
        bundle.save(model, file, OURS)
    assert not file.exists()
    skops.io.dump(model, file)
    with pytest.raises(bundle.BundleError, match=r"it holds .*Stranger"):
        bundle.load(file, OURS)


@pytest.mark.parametrize("module", ["os", "workbench_plugins.networks.backend"])
def test_what_a_plugin_merely_imports_is_a_stranger_too(module: str, tmp_path: Path) -> None:
    file, forged = tmp_path / "model.skops", tmp_path / "forged.skops"
    skops.io.dump(FunctionTransformer(built_in), file)
    name = "system" if module == "os" else "Path"
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(forged, "w") as other:
        schema = archive.read("schema.json").decode().replace('"built_in"', f'"{name}"')
        other.writestr("schema.json", schema.replace(f'"{__name__}"', f'"{module}"'))
    with pytest.raises(bundle.BundleError, match=f"it holds {module}.{name}, which neither"):
        bundle.load(forged, OURS)


def test_a_file_that_is_no_model_is_refused_in_words(tmp_path: Path) -> None:
    tmp_path.joinpath("model.skops").write_text("no archive")
    with pytest.raises(bundle.BundleError, match=r"model\.skops is damaged or no stored model"):
        bundle.load(tmp_path / "model.skops", OURS)
