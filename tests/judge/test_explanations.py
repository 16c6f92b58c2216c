"""Explanations point at what a model looks at, and at nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import Command, load_json
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from workbench.judge import explanations
from workbench.registry import Plugin


class Corner:
    """Takes an image for class 1 if its upper left quarter is light."""

    classes_ = np.array([0, 1])

    def __init__(self, answers: str) -> None:
        setattr(self, answers, getattr(self, f"_{answers}"))

    def predict(self, images: Any) -> Any:
        return (self._decision_function(images) > 0).astype(int)

    def _predict_proba(self, images: Any) -> Any:
        light = images[:, :8, :8].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - light, light], axis=1)

    def _decision_function(self, images: Any) -> Any:
        return self._predict_proba(images)[:, 1] - 0.5

    def _nothing_else(self) -> None:
        """Has labels alone."""


@pytest.mark.parametrize("answers", ["predict_proba", "decision_function", "nothing_else"])
@pytest.mark.parametrize("shape", [(16, 16, 1), (17, 30, 3)])
def test_occlusion_finds_the_place_that_decides(answers: str, shape: tuple[int, int, int]) -> None:
    image = np.zeros(shape, np.uint8)
    image[:8, :8] = 130  # just light enough
    heat = explanations.occlusion(Corner(answers), image, label=1)
    assert heat.shape == shape[:2]
    assert heat[:8, :8].mean() > 0
    assert heat[:8, :8].max() == heat.max()
    assert np.all(heat[12:] == 0)
    against = explanations.occlusion(Corner(answers), image, label=0)
    np.testing.assert_allclose(against, -heat, atol=1e-6)


def test_an_image_of_one_colour_has_nothing_to_hide() -> None:
    assert not explanations.occlusion(Corner("predict_proba"), np.full((16, 16, 3), 90, np.uint8)).any()


def family(name: str) -> Plugin:
    return Plugin("extractor", name, "nowhere:at_all", "toy", "1.0")


@pytest.mark.parametrize("learner", [LogisticRegression(), LinearSVC()])
def test_the_family_that_holds_the_class_is_the_one_that_matters(learner: Any) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    images = rng.integers(0, 100, (200, 4, 4, 1), dtype=np.uint8)
    images[labels == 1, 0] += 100
    union = FeatureUnion(
        [
            ("noise", FunctionTransformer(lambda x: x[:, 2:].reshape(len(x), -1) / 255)),
            ("top", FunctionTransformer(lambda x: x[:, 0].reshape(len(x), -1) / 255)),
        ],
        transformer_weights={"noise": 0.5, "top": 2.0},
    )
    model = Pipeline([("extract", union), ("classify", learner)]).fit(images, labels)
    plugins = (family("noise"), family("top"))
    found = explanations.family_importance(model, plugins, images, labels)
    assert [row["family"] for row in found] == ["top", "noise"]
    assert found[0]["drop"] == pytest.approx(0.5, abs=0.1)  # no better than guessing
    assert abs(found[1]["drop"]) < 0.05
    assert found == explanations.family_importance(model, plugins, images, labels)
    one = Pipeline([("extract", union.transformer_list[1][1]), ("classify", learner)]).fit(images, labels)
    assert explanations.family_importance(one, plugins[1:], images, labels) == []
    network = Pipeline([("classify", SimpleNamespace())])
    assert explanations.family_importance(network, (), images, labels) == []


def test_explain_draws_every_candidate_and_says_what_it_cannot(workbench: Command, shapes: Any, tmp_path: Any) -> None:
    tune = ("-c", "hog+color+edges/logistic", "-c", "pixels/knn", "--trials", "1", "--budget", "60s", "--json")
    load_json(workbench("tune", shapes, *tune))
    photo = shapes / "across" / "03.png"
    done = workbench("explain", "shapes-1", photo, "-o", "out.png")
    assert done.returncode == 0, done.stderr
    assert "hog+color+edges/logistic: across, probability " in done.stderr
    assert "pixels/knn: across" in done.stderr
    assert done.stdout == "out.png\n"
    both = Image.open(tmp_path / "out.png").size
    assert workbench("explain", "shapes-1", photo, "-o", "one.png", "-c", "pixels/knn").returncode == 0
    one = Image.open(tmp_path / "one.png").size
    assert one[0] < both[0]  # fewer panels
    assert one[1] < both[1]

    (tmp_path / "no.png").write_text("no picture")
    for arguments, says in {
        ("shapes-1", "no.png"): "no.png: not an image in a supported format; give an image file (BMP",
        ("shapes-1", "nowhere.png"): "nowhere.png: no such file",
        ("shapes-1", photo, "-c", "pixels/kn"): "has no candidate 'pixels/kn'; did you mean 'pixels/knn'?",
        ("shapes-1", photo, "-o", "no/where.png"): "no/where.png cannot be written: No such file",
        ("shapes-2", photo): "there is no run 'shapes-2'",
    }.items():
        wrong = workbench("explain", *arguments)
        assert wrong.returncode == 2
        assert says in wrong.stderr
        assert "Traceback" not in wrong.stderr

    from workbench import open_run
    from workbench.errors import RunError

    run = open_run("shapes-1", workspace=tmp_path / "workbench-runs")
    assert run.model("baseline").predict(np.zeros((2, *run.image_shape), np.uint8)).shape == (2,)
    for file in (tmp_path / "workbench-runs" / "artifacts").iterdir():
        file.write_text("damaged")
    with pytest.raises(RunError, match=r"the model of pixels/knn .* cannot be loaded: model\.skops is damaged"):
        run.model("pixels/knn")
    for file in (tmp_path / "workbench-runs" / "artifacts").iterdir():
        file.unlink()
    with pytest.raises(RunError, match="the model of pixels/knn is no longer in the workspace"):
        run.model("pixels/knn")
    study = run.studies["pixels/knn"]
    result = study.user_attrs["workbench:result"]
    refused = {"model": None, "remarks": ["its model cannot be kept: it holds x"]}
    study.set_user_attr("workbench:result", result | refused)
    run = open_run("shapes-1", workspace=tmp_path / "workbench-runs")
    with pytest.raises(RunError, match="has no model of pixels/knn: its model cannot be kept: it holds x; run the"):
        run.model("pixels/knn")
    assert run.explainable() == ["hog+color+edges/logistic"]


def test_a_model_that_cannot_be_kept_is_a_remark_and_no_failure(
    install: Any, shapes: Any, tmp_path: Any, workbench: Command
) -> None:
    install(
        "from sklearn.dummy import DummyClassifier\n"
        "def odd(trial, task):\n"
        "    'Keeps a function that has no name.'\n"
        "    return Odd()\n"
        "class Odd(DummyClassifier):\n"
        "    def fit(self, X, y):\n"
        "        self.odd_ = (n for n in [1])\n"
        "        return super().fit(X, y)\n",
        {"networks": {"odd": "odd"}},
    )
    found = load_json(workbench("tune", shapes, "-c", "odd", "--trials", "1", "--budget", "40s", "--json"))
    (row,) = (row for row in found["leaderboard"] if row["candidate"] == "odd")
    assert row["test_accuracy"] == 0.5
    assert any(remark.startswith("its model cannot be kept: ") for remark in row["remarks"])
    wrong = workbench("explain", "shapes-1", shapes / "across" / "03.png")
    assert wrong.returncode == 2
    assert "has no stored model" in wrong.stderr
