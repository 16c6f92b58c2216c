"""Paired comparisons against published examples, other implementations and simulations where the truth is known."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.judge.statistics import compare_pairs, corrected_t_test, difference_interval, holm, mcnemar_p

Right = npt.NDArray[np.bool_]


def answers(both: int, only_a: int, only_b: int, neither: int) -> tuple[Right, Right]:
    """Who is right on which image, from the four numbers of a 2x2 table."""
    counts = (both, only_a, only_b, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize(
    ("table", "p"),
    [
        # Fagerland, Lydersen & Laake, BMC Medical Research Methodology 13:91 (2013), table 1: airway status
        # of 21 children before and after a transplantation; by their formula 2 (1 + 8) / 2^8
        ((1, 1, 7, 12), 18 / 256),
        # by the same formula, with the binomial coefficients of 22 over 0 to 6
        ((60, 6, 16, 80), 2 * (1 + 22 + 231 + 1540 + 7315 + 26334 + 74613) / 2**22),
        ((10, 0, 0, 0), 1.0),  # nobody is right alone
        ((3, 2, 2, 3), 1.0),
    ],
)
def test_mcnemar_is_exact(table: tuple[int, int, int, int], p: float) -> None:
    a, b = answers(*table)
    assert mcnemar_p(a, b) == pytest.approx(p)
    assert mcnemar_p(b, a) == mcnemar_p(a, b)


def test_holm_rejects_from_the_smallest_up() -> None:
    # the worked example of Wikipedia, "Holm-Bonferroni method": of four, the first and the last are rejected; corrected
    # they are 4 x 0.005, 3 x 0.01, 2 x 0.03, and then no less than that
    corrected = holm([0.01, 0.04, 0.03, 0.005])
    assert corrected == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [p < 0.05 for p in corrected] == [True, False, False, True]
    # quantitativeskills.com/sisa/calculations/bonhlp.htm: of seven the first three are
    corrected = holm([0.00001, 0.00099, 0.003, 0.0145, 0.016, 0.06, 0.13])
    assert [p < 0.05 for p in corrected] == [True] * 3 + [False] * 4
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_the_corrected_t_test_is_the_one_of_scikit_learns_example() -> None:
    # scikit-learn's example "Statistical comparison of models using grid search" prints, for its two best models,
    # "Corrected t-value: 0.750, Corrected p-value: 0.227", one-sided
    from sklearn.datasets import make_moons
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    images, labels = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    rbf, linear = (
        cross_val_score(SVC(kernel=kernel, random_state=0), images, labels, scoring="roc_auc", cv=folds)
        for kernel in ("rbf", "linear")
    )
    p, low, high = corrected_t_test(rbf - linear, n_train=90, n_test=10)
    assert p / 2 == pytest.approx(0.227, abs=5e-4)
    assert low < np.mean(rbf - linear) < high
    # the interval's half is the t quantile of 99 degrees of freedom, 1.984, times difference / 0.750
    assert (high - low) / 2 == pytest.approx(1.984 * np.mean(rbf - linear) / 0.750, rel=1e-3)


def test_the_corrected_t_test_where_nothing_varies() -> None:
    assert corrected_t_test(np.zeros(5), 80, 20) == (1.0, 0.0, 0.0)
    assert corrected_t_test(np.full(4, 0.5), 80, 20) == (0.0, 0.5, 0.5)
    with pytest.raises(ValueError, match="at least 2 repeats or folds, not 1"):
        corrected_t_test(np.array([0.1]), 80, 20)


def test_the_corrected_t_test_rejects_5_in_100_where_there_is_no_difference_and_the_plain_one_far_more() -> None:
    # no true difference; repeats that share images: what is common to them has n_test / n_train of the variance
    rng = np.random.default_rng(0)
    common = rng.normal(0, np.sqrt(0.25), (1000, 1))
    repeats = common + rng.normal(0, 1, (1000, 10))
    corrected = [corrected_t_test(row, n_train=80, n_test=20)[0] < 0.05 for row in repeats]
    plain = [corrected_t_test(row, n_train=1, n_test=0)[0] < 0.05 for row in repeats]
    assert 0.03 <= np.mean(corrected) <= 0.07
    assert np.mean(plain) > 0.2


@pytest.mark.parametrize("table", [(300, 30, 12, 18), (350, 3, 6, 1), (200, 90, 60, 10)])
def test_the_interval_is_scipys_paired_bootstrap(table: tuple[int, int, int, int]) -> None:
    from scipy.stats import bootstrap

    a, b = answers(*table)
    ours = difference_interval(a, b)
    # the same images for both in each resample, and both accuracies of them
    theirs = bootstrap(
        (a.astype(float), b.astype(float)),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        paired=True,
        method="percentile",
        n_resamples=9999,
        rng=np.random.default_rng(1),
    ).confidence_interval
    # differences of 9,999 resamples come in steps of one image; chance may shift an end by one or two of them
    assert ours == pytest.approx((theirs.low, theirs.high), abs=2.01 / len(a))


@settings(max_examples=200, deadline=None)
@given(st.tuples(*[st.integers(0, 500)] * 4).filter(any))
def test_intervals_are_ordered_hold_the_difference_and_turn_around(table: tuple[int, int, int, int]) -> None:
    a, b = answers(*table)
    low, high = difference_interval(a, b)
    assert -1 <= low <= a.mean() - b.mean() + 1e-12
    assert a.mean() - b.mean() - 1e-12 <= high <= 1
    assert difference_interval(b, a) == pytest.approx((-high, -low), abs=max(3, 0.15 * sum(table) ** 0.5) / len(a))
    assert 0 < mcnemar_p(a, b) <= 1


def test_the_interval_covers_the_true_difference_about_95_times_in_100() -> None:
    counts = np.random.default_rng(0).multinomial(500, [0.80, 0.09, 0.05, 0.06], size=1000)
    covered = [low <= 0.04 <= high for low, high in (difference_interval(*answers(*row), seed=1) for row in counts)]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_who_is_right_on_the_same_images_has_no_difference() -> None:
    right = np.arange(100) % 10 > 0
    (pair,) = compare_pairs({"a": right, "b": right.copy()})
    same = {"a": "a", "b": "b", "difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_holm": 1.0}
    assert pair == {**same, "by_metric": None, "resampled": None}


def test_every_pair_is_compared_and_corrected_over_all() -> None:
    rng = np.random.default_rng(0)
    correct = {name: rng.random(1000) < share for name, share in (("a", 0.95), ("b", 0.9), ("c", 0.89), ("d", 0.1))}
    pairs = compare_pairs(correct)
    assert [pair["a"] + pair["b"] for pair in pairs] == ["ab", "ac", "ad", "bc", "bd", "cd"]
    assert [pair["p_holm"] for pair in pairs] == holm([pair["p"] for pair in pairs])
    assert compare_pairs(correct) == pairs  # equal seeds, equal results
    assert compare_pairs({"a": correct["a"]}) == []
    assert compare_pairs({}) == []


def test_ten_thousand_images_take_no_time() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 10_000)) < 0.9
    difference_interval(a, b)
    started = time.perf_counter()
    difference_interval(a, b)
    assert time.perf_counter() - started < 0.25
