"""The verdict's rules, branch by branch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.judge.statistics import compare_pairs
from workbench.judge.verdict import format_p, format_points, remarks_of, verdict

OK = "ok"


def row(candidate: str, accuracy: float | None, seconds: float | None = 1.0, status: str = OK) -> dict[str, Any]:
    family = "baseline" if candidate == "baseline" else "hand-crafted" if "/" in candidate else "deep"
    return {
        "candidate": candidate,
        "family": family,
        "test_accuracy": accuracy,
        "test_accuracy_low": None if accuracy is None else accuracy - 0.01,
        "test_accuracy_high": None if accuracy is None else accuracy + 0.01,
        "refit_seconds": None if accuracy is None else seconds,
        "status": status,
    }


def pair(a: str, b: str, points: float, half: float, p: float) -> dict[str, Any]:
    ends = {"low": (points - half) / 100, "high": (points + half) / 100}
    return {"a": a, "b": b, "difference": points / 100, **ends, "p": p / 3, "p_holm": p}


BASELINE = row("baseline", 0.1, 0.01)
SVM, CNN = row("hog/svm", 0.961, 10.0), row("cnn", 0.982, 340.0)


def base(candidate: str) -> dict[str, Any]:
    """A candidate that beats the baseline by far."""
    return pair(candidate, "baseline", 86.0, 2.0, 1e-40)


def test_the_best_of_one_family_beats_the_best_of_the_other_and_takes_longer() -> None:
    pairs = [pair("cnn", "hog/svm", 2.1, 1.3, 0.002), base("cnn"), base("hog/svm")]
    assert verdict([CNN, SVM, BASELINE], pairs) == (
        "cnn beats hog/svm by 2.1 points (95 % interval 0.8 to 3.4, p = 0.002 after Holm) and takes 34x its training "
        "time."
    )


def test_who_was_fitted_on_fewer_images_is_said_beside_the_claim() -> None:
    pairs = [pair("cnn", "hog/svm", 2.1, 1.3, 0.002), base("cnn"), base("hog/svm")]
    said = verdict([CNN, {**SVM, "train_fraction": 0.25}, {**BASELINE, "train_fraction": 1.0}], pairs)
    assert said.endswith("and takes 34x its training time. hog/svm was fitted on 25 % of the training images only.")
    assert remarks_of({"train_fraction": 0.25, "remarks": ["a batch of 8"]}) == [
        "fitted on 25 % of the training images; more did not fit its share of the budget",
        "a batch of 8",
    ]


def test_the_better_one_may_be_the_cheaper_one_or_take_the_same_time() -> None:
    pairs = [pair("hog/svm", "cnn", 2.1, 1.3, 0.002), base("cnn"), base("hog/svm")]
    rows = [{**SVM, "test_accuracy": 0.99}, CNN, BASELINE]
    assert verdict(rows, pairs) == (
        "hog/svm beats cnn by 2.1 points (95 % interval 0.8 to 3.4, p = 0.002 after Holm) and is cheaper as well: "
        "it takes 0.029x its training time."
    )
    rows[1] = {**CNN, "refit_seconds": 10.1}
    assert verdict(rows, pairs).endswith(" after Holm) and takes about the same training time.")
    rows[1] = {**CNN, "refit_seconds": None}
    assert verdict(rows, pairs).endswith(" after Holm).")


def test_without_evidence_the_cheaper_one_is_named_whichever_is_ahead() -> None:
    pairs = [pair("cnn", "hog/svm", 0.15, 0.65, 0.41), base("cnn"), base("hog/svm")]
    rows = [{**CNN, "refit_seconds": 333.0}, SVM, BASELINE]
    assert verdict(rows, pairs) == (
        "No evidence of a difference between cnn and hog/svm (0.1 points, 95 % interval -0.5 to 0.8, p = 0.41 after "
        "Holm); hog/svm is the cheaper one: it takes 0.03x the training time."
    )
    rows[0] = {**CNN, "refit_seconds": 5.0}
    assert verdict(rows, pairs).endswith("; cnn is the cheaper one: it takes 0.5x the training time.")
    rows[0] = {**CNN, "refit_seconds": 10.0}
    assert verdict(rows, pairs).endswith("after Holm); they take about the same training time.")
    rows[0] = {**CNN, "refit_seconds": 0.0}
    assert verdict(rows, pairs).endswith("after Holm).")


def test_an_interval_beside_zero_is_no_evidence_where_holm_says_so() -> None:
    pairs = [pair("cnn", "hog/svm", 2.1, 2.0, 0.05), base("cnn"), base("hog/svm")]
    assert verdict([CNN, SVM, BASELINE], pairs).startswith("No evidence of a difference between cnn and hog/svm (2.1")


def test_a_tie_shows_no_interval_that_looks_like_certainty() -> None:
    pairs = [pair("hog/svm", "cnn", 0.0, 0.0, 1.0), base("cnn"), base("hog/svm")]
    assert verdict([SVM, CNN, BASELINE], pairs) == (
        "No evidence of a difference between hog/svm and cnn (right on the same test images); hog/svm is the cheaper "
        "one: it takes 0.029x the training time."
    )
    pairs[0] = pair("hog/svm", "cnn", 0.0, 0.4, 1.0)  # as many right, but not the same
    assert "hog/svm and cnn (0.0 points, 95 % interval -0.4 to 0.4, p = 1 after Holm); " in verdict(
        [SVM, CNN, BASELINE], pairs
    )


def test_both_families_come_first_and_all_others_are_held_against_the_best() -> None:
    forest, knn = row("lbp/forest", 0.980), row("pixels/knn", 0.9)
    rows = [CNN, forest, SVM, knn, BASELINE]
    pairs = [
        pair("cnn", "lbp/forest", 0.2, 0.9, 0.8),
        pair("cnn", "hog/svm", 2.1, 1.3, 0.002),
        pair("cnn", "pixels/knn", 8.2, 2.0, 1e-9),
        *map(base, ("cnn", "lbp/forest", "hog/svm", "pixels/knn")),
    ]
    assert verdict(rows, pairs) == (
        "No evidence of a difference between cnn and lbp/forest (0.2 points, 95 % interval -0.7 to 1.1, p = 0.80 after "
        "Holm); lbp/forest is the cheaper one: it takes 0.0029x the training time. cnn beats hog/svm by 2.1 points (95 "
        "% interval 0.8 to 3.4, p = 0.002 after Holm) and pixels/knn by 8.2 points (95 % interval 6.2 to 10.2, p < "
        "0.001 after Holm)."
    )
    # the best two are of one family: the pair of families is still what comes first, and the baseline is left out
    resnet = row("resnet", 0.985)
    found = verdict(
        [resnet, CNN, SVM, BASELINE],
        [pair("resnet", "cnn", 0.3, 0.9, 0.6), pair("resnet", "hog/svm", 2.4, 1.3, 0.001), base("resnet"), base("cnn")],
    )
    assert found.startswith("resnet beats hog/svm by 2.4 points")
    assert found.endswith(
        "takes 0.1x its training time. No evidence of a difference between resnet and cnn (0.3 points, 95 % interval "
        "-0.6 to 1.2, p = 0.60 after Holm)."
    )


def test_of_one_family_the_best_two_are_compared_and_the_best_with_the_baseline() -> None:
    forest = row("lbp/forest", 0.93, 20.0)
    rows = [SVM, forest, BASELINE]
    pairs = [pair("hog/svm", "lbp/forest", 3.1, 1.3, 0.0496), base("hog/svm"), base("lbp/forest")]
    assert verdict(rows, pairs) == (
        "hog/svm beats lbp/forest by 3.1 points (95 % interval 1.8 to 4.4, p < 0.05 after Holm) and is cheaper as "
        "well: it takes 0.5x its training time. hog/svm also beats the baseline by 86.0 points (95 % interval 84.0 to "
        "88.0, p < 0.001 after Holm)."
    )


def test_a_single_candidate_is_held_against_the_baseline() -> None:
    assert verdict([SVM, BASELINE], [base("hog/svm")]) == (
        "hog/svm beats the baseline by 86.0 points (95 % interval 84.0 to 88.0, p < 0.001 after Holm)."
    )


@pytest.mark.parametrize(
    ("points", "half", "p", "says"),
    [
        (1.0, 3.0, 0.6, ": no evidence of a difference between hog/svm and the baseline (1.0 points, 95 % interval "
                        "-2.0 to 4.0, p = 0.60 after Holm)."),
        (0.0, 0.0, 1.0, ": no evidence of a difference between hog/svm and the baseline (right on the same test "
                        "images)."),
        (-5.0, 2.0, 0.001, "; the baseline beats hog/svm by 5.0 points (95 % interval 3.0 to 7.0, p = 0.001 after "
                           "Holm)."),
    ],
)  # fmt: skip
def test_a_baseline_that_is_not_beaten_is_said_first(points: float, half: float, p: float, says: str) -> None:
    nobody = "No candidate beats always answering with the most frequent class"
    for rows in ([SVM, BASELINE], [BASELINE, SVM]):  # in whichever order, and whichever way they were compared
        assert verdict(rows, [pair("hog/svm", "baseline", points, half, p)]) == nobody + says
        assert verdict(rows, [pair("baseline", "hog/svm", -points, half, p)]) == nobody + says
    several = verdict([SVM, CNN, BASELINE], [pair(name, "baseline", points, half, p) for name in ("hog/svm", "cnn")])
    assert "hog/svm, the best of them" in several


def test_a_network_that_learned_nothing_is_named() -> None:
    pairs = [pair("hog/svm", "cnn", 86.0, 2.0, 1e-40), base("hog/svm"), pair("cnn", "baseline", 0.3, 1.0, 0.9)]
    found = verdict([SVM, {**CNN, "test_accuracy": 0.103}, BASELINE], pairs)
    assert found.startswith("hog/svm beats cnn by 86.0 points")
    assert found.endswith("training time. cnn does not beat the baseline.")


def test_who_failed_is_named_with_the_reason() -> None:
    crashed = row("lbp/forest", None, status="no trial finished: 3 of 3 failed; the last: ValueError: singular matrix")
    skipped = row("speedrun", None, status="skipped: needs 3 channels")
    assert verdict([SVM, BASELINE, crashed, skipped], [base("hog/svm")]).endswith(
        "after Holm). Not tested: lbp/forest (no trial finished: 3 of 3 failed; the last: ValueError: singular "
        "matrix); speedrun (skipped: needs 3 channels)."
    )
    assert verdict([BASELINE, skipped], []) == (
        "No candidate has been tested. Not tested: speedrun (skipped: needs 3 channels)."
    )


def test_without_anything_to_compare_with_there_is_still_something_to_say() -> None:
    interrupted = row("baseline", None, status="not refitted yet")
    assert verdict([BASELINE], []) == (
        "Nothing but the baseline competed, which always answers with the most frequent class."
    )
    assert verdict([SVM, interrupted], []) == (
        "hog/svm is the only one with a test accuracy: 96.1 % (95 % interval 95.1 to 97.1). Not tested: baseline (not "
        "refitted yet)."
    )
    assert verdict([CNN, SVM, BASELINE], []) == (  # their predictions are gone
        "cnn has the highest test accuracy: 98.2 % (95 % interval 97.2 to 99.2); predictions to compare it by were not "
        "recorded."
    )
    assert verdict([], []) == ""


def test_from_predictions_to_words_in_three_sentences() -> None:
    rng = np.random.default_rng(0)
    right = {name: rng.random(2000) < share for name, share in (("cnn", 0.97), ("hog/svm", 0.9), ("baseline", 0.1))}
    rows = [row(name, float(found.mean())) for name, found in right.items()] + [row("a/b", None, status="skipped: no")]
    found = verdict(rows, compare_pairs(right))
    assert found.startswith("cnn beats hog/svm by ")
    assert found.count(". ") <= 2


def test_numbers_are_written_so_that_nothing_misleads() -> None:
    assert [format_p(p) for p in (0, 0.0009, 0.0014, 0.0496, 0.05, 0.0804, 0.41, 0.994, 1.0)] == [
        *("< 0.001", "< 0.001", "0.001", "< 0.05", "0.050", "0.080", "0.41", "0.99", "1")
    ]
    assert [format_points(share) for share in (0.021, -0.0001, 0.0, -0.0, 1.0)] == ["2.1", "0.0", "0.0", "0.0", "100.0"]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(34.4, "34x"), (1234.0, "1,200x"), (99.6, "100x"), (2.04, "2x"), (1.46, "1.5x"), (0.0123, "0.012x")],
)
def test_ratios_have_two_digits(seconds: float, says: str) -> None:
    rows = [{**CNN, "refit_seconds": seconds}, {**SVM, "refit_seconds": 1.0}, BASELINE]
    assert f" {says} its training time" in verdict(rows, [pair("cnn", "hog/svm", 2.1, 1.3, 0.002), base("cnn")])


def ensemble(name: str, members: dict[str, float | None], points: float, half: float, p: float) -> dict[str, Any]:
    gain = {key: value for key, value in pair("", "", points, half, p).items() if key not in "ab"}
    return {
        **row(name, 0.985),
        "family": "ensemble",
        "best_params": members,
        "gain": {"over": "cnn", **gain},
    }


def test_an_ensemble_is_held_against_the_best_of_its_members_and_is_no_candidate() -> None:
    pairs = [pair("cnn", "hog/svm", 2.1, 1.3, 0.002), base("cnn"), base("hog/svm")]
    both = {"cnn": 0.6, "hog/svm": 0.4}
    rows = [ensemble("ensemble", both, 0.5, 0.3, 0.004), ensemble("stacking", both, 0.1, 0.5, 0.9), CNN, SVM, BASELINE]
    assert verdict(rows, pairs) == (
        "cnn beats hog/svm by 2.1 points (95 % interval 0.8 to 3.4, p = 0.002 after Holm) and takes 34x its training "
        "time. The ensemble of cnn and hog/svm beats cnn by 0.5 points (95 % interval 0.2 to 0.8, p = 0.004 after "
        "Holm). No evidence of a gain from the stacking of cnn and hog/svm over cnn (0.1 points, 95 % interval -0.4 to "
        "0.6, p = 0.90 after Holm)."
    )
    worse = verdict([CNN, SVM, ensemble("stacking", both, -0.8, 0.3, 0.01), BASELINE], pairs)
    assert worse.endswith(
        "The stacking of cnn and hog/svm is worse than cnn by 0.8 points (95 % interval 0.5 to 1.1, p = 0.010 after "
        "Holm)."
    )
    alone = verdict([CNN, ensemble("ensemble", {"cnn": 1.0}, 0, 0, 1.0), SVM, BASELINE], pairs)
    assert alone.endswith("The ensemble is cnn alone: no other improved its validation predictions.")
    other = verdict([CNN, SVM, ensemble("ensemble", {"hog/svm": 1.0}, -2.1, 1.3, 0.002), BASELINE], pairs)
    assert other.endswith("The ensemble is hog/svm alone: no other improved its validation predictions.")


def test_another_metric_is_named_and_less_log_loss_is_better() -> None:
    def by(metric: dict[str, float]) -> list[dict[str, Any]]:
        return [{**pair("cnn", "hog/svm", -1.0, 0.5, 0.9), "by_metric": metric}, base("cnn"), base("hog/svm")]

    found = {"difference": 0.021, "low": 0.008, "high": 0.034, "p": 0.001, "p_holm": 0.002}
    assert verdict([CNN, SVM, BASELINE], by(found), "macro-f1").startswith(
        "cnn beats hog/svm by 2.1 points of macro F1 (95 % interval 0.8 to 3.4, p = 0.002 after Holm) and takes 34x"
    )
    assert verdict([CNN, SVM, BASELINE], by(found), "log-loss").startswith(
        "cnn beats hog/svm by 0.021 of log loss (95 % interval 0.008 to 0.034, p = 0.002 after Holm) and takes 34x"
    )
    nothing = {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_holm": 1.0}
    assert "cnn and hog/svm (0.0 points of macro F1, 95 % interval 0.0 to 0.0, p = 1 after Holm)" in verdict(
        [CNN, SVM, BASELINE], by(nothing), "macro-f1"
    )
