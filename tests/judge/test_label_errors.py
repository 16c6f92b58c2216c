"""Labels that are likely wrong are found where wrong ones were planted, and hardly any where there are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench import open_run, tune
from workbench.judge.label_errors import find_label_errors, suspects


@pytest.mark.parametrize(("share", "found_at_least", "false_at_most"), [(0.03, 0.75, 0.2), (0.0, 1.0, 0.0)])
def test_most_planted_errors_are_found_and_few_others(
    share: float, found_at_least: float, false_at_most: float
) -> None:
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    X, digits = load_digits(return_X_y=True)
    planted, found, false = 0, 0, 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        wrong = rng.random(len(digits)) < share
        labels = np.where(wrong, (digits + rng.integers(1, 10, len(digits))) % 10, digits)
        train, test = np.split(rng.permutation(len(digits)), [1078])
        forest = RandomForestClassifier(100, random_state=seed).fit(X[train], labels[train])
        arrays = {"labels": labels[test], "probabilities": forest.predict_proba(X[test]), "names": test.astype(str)}
        rows = [int(suspect["path"]) for suspect in suspects({"test": arrays}, [str(digit) for digit in range(10)])]
        planted, found, false = planted + wrong[test].sum(), found + wrong[rows].sum(), false + (~wrong[rows]).sum()
    assert found >= found_at_least * planted
    assert false <= false_at_most * max(1, found)


def test_a_run_names_the_files_when_they_are_gone(tmp_path: Path, bars: tuple[np.ndarray, np.ndarray]) -> None:
    folder, misfiled = tmp_path / "misfiled", set()
    for i, (image, label) in enumerate(zip(*bars, strict=True)):
        path = f"across/misfiled {i}.png" if label == "upright" and i < 24 else f"{label}/{i}.png"
        folder.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(folder / path)
        misfiled |= {path} if "misfiled" in path else set()
    run = tune(folder, ["hog/forest"], budget="40s", trials=1, workspace=tmp_path / "runs", progress=False)
    shutil.rmtree(folder)
    shutil.rmtree(tmp_path / "runs" / "cache")
    recorded = open_run(run.name, workspace=tmp_path / "runs")
    table = recorded.label_errors()
    assert list(table) == ["path", "part", "label", "likely_label", "confidence"]
    assert len(table) >= 2
    assert set(table["path"]) <= misfiled
    assert set(table["part"]) <= {"validation", "test"}
    assert set(zip(table["label"], table["likely_label"], strict=True)) == {("across", "upright")}
    document = recorded.document()["label_errors"]
    assert document["found"] == len(document["errors"]) == len(table)
    assert document["images"] == 96


def test_the_first_candidate_with_probabilities_of_all_classes_judges() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    split = {"val_labels": labels, "val_names": np.array([f"v{i}" for i in range(60)]), "test_labels": labels}
    shares = np.eye(3)[labels] * 0.8 + rng.dirichlet(np.ones(3), 60) * 0.2
    shares[0] = [0.05, 0.9, 0.05]
    without = {"predictions": labels}
    predicted = [
        ("svm", {"val": without, "test": without}),
        ("two classes", {"val": {"probabilities": shares[:, :2]}, "test": {}}),
        ("forest", {"val": {"probabilities": shares}, "test": {"probabilities": shares}}),  # test images have no names
    ]
    found = find_label_errors(predicted, split, ["a", "b", "c"])
    assert found is not None
    assert (found["candidate"], found["images"], found["found"]) == ("forest", 60, 1)
    assert found["errors"][0] == {"path": "v0", "part": "validation", "label": "a", "likely_label": "b",
                                  "confidence": pytest.approx(0.9)}  # fmt: skip
    assert find_label_errors(predicted[:2], split, ["a", "b", "c"]) is None
    assert find_label_errors(predicted, {}, ["a", "b", "c"]) is None  # a run of an older version
