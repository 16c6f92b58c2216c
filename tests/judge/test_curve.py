"""Learning curves: what sizes mean, where the lead changes, and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.judge.curve import change_of_lead, crossovers, parse_sizes, passes, points, resample


def test_sizes_are_shares_or_numbers_and_too_small_ones_are_named() -> None:
    assert parse_sizes("1%, 10%,100%", 1000, 3) == ([10, 100, 1000], [])
    assert parse_sizes("500,100%,2%", 1000, 10) == ([20, 500, 1000], [])
    assert parse_sizes("1%,10%,100", 1000, 10) == ([100], ["1% (10 images)"])


@pytest.mark.parametrize("text", ["a", "0%", "101%", "2000", "-5", "10%;20%"])
def test_what_is_no_size_is_said(text: str) -> None:
    with pytest.raises(WorkbenchError, match=r"is no size of a training set; write percentages up to 100% or numbers"):
        parse_sizes(text, 1000, 2)


def test_sizes_that_are_all_too_small_are_said() -> None:
    with pytest.raises(WorkbenchError, match="at least 20 images, two of each class; there are 1,000"):
        parse_sizes("1%", 1000, 10)


def test_networks_pass_more_often_over_fewer_images_and_trees_stay_as_many() -> None:
    assert passes(10, 100, 10_000, "deep") == 100
    assert passes(10, 10_000, 10_000, "deep") == 10
    assert passes(300, 100, 10_000, "hand-crafted") == 300
    assert passes(None, 100, 10_000, "deep") is None


def test_the_lead_changes_where_the_lines_cross_for_the_last_time() -> None:
    sizes = np.array([10, 100, 1000])
    found = change_of_lead(
        sizes, np.array([[-0.1, 0.1, 0.2], [0.1, 0.1, 0.1], [0.1, 0.1, -0.1], [0.3, -0.1, 0.3], [-1, 0, 0.5]])
    )
    assert found == pytest.approx([10**1.5, 10, np.inf, 10**2.25, 100])


def predicted_right(shares: list[float], n: int, repeats: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return {size: rng.random((repeats, n)) < share for size, share in zip((100, 1000, 10_000), shares, strict=True)}


def family(name: str) -> str:
    return "deep" if name == "cnn" else "hand-crafted"


def test_a_crossover_is_found_with_an_interval_and_said() -> None:
    correct = {
        "hog/svm": predicted_right([0.8, 0.85, 0.87], 2000, 3, 0),
        "cnn": predicted_right([0.6, 0.82, 0.95], 2000, 3, 1),
    }
    lines = resample(correct)
    (found,) = crossovers(lines, family)
    assert (found["a"], found["b"]) == ("hog/svm", "cnn")
    assert 1000 <= found["low"] < found["images"] < found["high"] < 10_000
    assert found["sentence"].startswith("cnn overtakes hog/svm at about ")
    fits = [{"candidate": c, "images": n, "refit_seconds": n / 100} for c in correct for n in (100, 1000, 10_000)]
    by_point = {(p["candidate"], p["images"]): p for p in points(lines, fits)}
    assert by_point["cnn", 10_000]["test_accuracy"] == pytest.approx(np.mean(correct["cnn"][10_000]))
    assert by_point["cnn", 1000]["seconds"] == 10
    assert all(p["low"] < p["test_accuracy"] < p["high"] for p in by_point.values())


@pytest.mark.parametrize(
    ("network", "n", "sentence"),
    [
        ([0.5, 0.6, 0.7], None, "cnn does not overtake hog/svm with up to 10,000 training images (n* not reached by n"),
        ([0.9, 0.95, 0.97], 100, "cnn is ahead of hog/svm from 100 training images on, the fewest looked at"),
    ],
)
def test_a_lead_that_never_changes_is_said(network: list[float], n: int | None, sentence: str) -> None:
    correct = {
        "hog/svm": predicted_right([0.8, 0.85, 0.87], 1000, 2, 0),
        "cnn": predicted_right(network, 1000, 2, 1),
    }
    (found,) = crossovers(resample(correct), family)
    assert found["images"] == n
    assert found["sentence"].startswith(sentence)


def test_a_size_that_one_candidate_lacks_is_left_out_and_one_family_alone_is_compared_within() -> None:
    svm = predicted_right([0.9, 0.91, 0.92], 1000, 2, 0)
    forest = predicted_right([0.5, 0.8, 0.99], 1000, 2, 1)
    del forest[1000]
    (found,) = crossovers(resample({"hog/forest": forest, "hog/svm": svm}), family)
    assert (found["a"], found["b"]) == ("hog/svm", "hog/forest")
    assert 100 < found["images"] < 10_000


def test_the_interval_of_a_point_covers_the_truth() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(200):
        lines = resample({"a": {10: rng.random((1, 300)) < 0.8}}, resamples=200)
        (point,) = points(lines, [{"candidate": "a", "images": 10, "refit_seconds": 1.0}])
        covered.append(point["low"] <= 0.8 <= point["high"])
    assert 0.9 <= np.mean(covered) <= 0.99
