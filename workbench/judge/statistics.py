"""Is one candidate better than another, or was it luck? Paired comparisons over the same test images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.judge.resampling import Predicted, metric_difference
from workbench.tuning.scoring import normalize, orient, score
from workbench.tuning.specification import ACCURACY


def difference_interval(
    a: npt.NDArray[np.bool_],
    b: npt.NDArray[np.bool_],
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> tuple[float, float]:
    """Returns the paired percentile bootstrap interval of the difference of two accuracies (Efron, Ann. Stat. 7, 1979).

    Where both are right on the very same images, every resample says the same, and both ends are 0: that is all these
    images can say, not certainty.

    Args:
        a: Whether the one predicted each of ``n`` images right.
        b: Whether the other did, for the same images in the same order.
        confidence: Probability that the interval covers the true difference.
        resamples: How often the images are drawn anew, with replacement.
        seed: Seed of the draws.

    Returns:
        Lower and upper end of the accuracy of ``a`` minus that of ``b``.
    """
    n, only_a, only_b = len(a), int(np.sum(a & ~b)), int(np.sum(b & ~a))
    # An image counts 1 (only a was right), -1 (only b was) or 0. Of n images drawn with replacement, the numbers of
    # each kind follow the multinomial distribution; so drawing these three numbers is drawing the images, as
    # scipy.stats.bootstrap does, but takes milliseconds for 10,000 images where drawing each takes seconds.
    shares = np.array([only_a, only_b, n - only_a - only_b]) / n
    drawn = np.random.default_rng(seed).multinomial(n, shares, size=resamples)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / n, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def mcnemar_p(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    """Returns the two-sided p value of the exact McNemar test (statsmodels').

    Args:
        a: Whether the one predicted each of ``n`` images right.
        b: Whether the other did, for the same images in the same order.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(~a & b), np.sum(~a & ~b)]]
    return float(mcnemar(table, exact=True).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p values corrected for their number by Holm's method (Scand. J. Stat. 6, 1979; statsmodels')."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if len(p_values) else []


def compare_pairs(
    correct: Mapping[str, npt.NDArray[np.bool_]],
    by_metric: Mapping[tuple[str, str], dict[str, Any]] | None = None,
    resampled: Mapping[str, tuple[str, Sequence[float]]] | None = None,
    counts: tuple[int, int] = (1, 1),
) -> list[dict[str, Any]]:
    """Compares every two candidates, and corrects the p values by Holm's method over all pairs.

    Args:
        correct: Whether each candidate predicted each of the ``n`` test images right, by its name.
        by_metric: What :func:`by_metric` found.
        resampled: By name: ``"repeats"`` and test accuracies, or ``"folds"`` and validation scores.
        counts: Number of images to train on and to test on, without folds.

    Returns:
        An object for each pair, in the order of the names: ``a`` and ``b``; ``difference`` of their test accuracies,
        a's minus b's, with its 95 % interval from ``low`` to ``high``; ``p`` of McNemar's test, and ``p_holm``;
        ``by_metric``, such fields of another metric, more being better, or None; ``resampled``, those of the corrected
        resampled t test ``over`` so many repeats or folds, or None.
    """
    pairs: list[dict[str, Any]] = []
    for a, b in combinations(correct, 2):
        low, high = difference_interval(correct[a], correct[b])
        # of counts, so that no rounding of two accuracies makes a difference of nothing
        difference = (int(correct[a].sum()) - int(correct[b].sum())) / len(correct[a])
        p = mcnemar_p(correct[a], correct[b])
        pairs.append({"a": a, "b": b, "difference": difference, "low": low, "high": high, "p": p})
    for pair, p_holm in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        pair["p_holm"] = p_holm
        pair["by_metric"] = (by_metric or {}).get((pair["a"], pair["b"]))
        pair["resampled"] = _resampled(pair["a"], pair["b"], resampled or {}, counts)
    return pairs


def by_metric(
    metric: str, arrays: Mapping[str, Mapping[str, npt.NDArray[Any]]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Compares every two candidates by another metric than the accuracy, in a paired bootstrap.

    Args:
        metric: One of :data:`workbench.tuning.specification.METRICS`.
        arrays: By name: ``labels``, ``predictions``, and ``probabilities`` or ``scores`` where there are any.

    Returns:
        By pair: ``difference``, positive where the first is better, ``low``, ``high``, ``p`` and ``p_holm``. None for
        the accuracy, nor for who lacks what the metric needs.
    """
    if metric == ACCURACY:
        return {}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for a, b in combinations(arrays, 2):
        labels = arrays[a]["labels"]
        try:
            values = [
                score(metric, labels, who["predictions"], who.get("probabilities"), who.get("scores"))
                for who in (arrays[a], arrays[b])
            ]
        except ValueError:
            continue
        low, high, p = metric_difference(metric, labels, _predicted(arrays[a]), _predicted(arrays[b]))
        sign = int(orient(metric, 1))
        low, high = sorted((sign * low, sign * high))
        found[a, b] = {"difference": sign * (values[0] - values[1]), "low": low, "high": high, "p": p}
    for pair, p_holm in zip(found.values(), holm([pair["p"] for pair in found.values()]), strict=True):
        pair["p_holm"] = p_holm
    return found


def _predicted(arrays: Mapping[str, npt.NDArray[Any]]) -> Predicted:
    shares = normalize(arrays["probabilities"]) if "probabilities" in arrays else None
    return arrays["predictions"], shares, arrays.get("scores")


def _resampled(
    a: str, b: str, resampled: Mapping[str, tuple[str, Sequence[float]]], counts: tuple[int, int]
) -> dict[str, Any] | None:
    (over, first), (other, second) = resampled.get(a, ("", [])), resampled.get(b, ("", []))
    if over != other or len(first) != len(second) or len(first) < 2:
        return None
    n_train, n_test = counts
    if over == "folds":
        n_train, n_test = len(first) - 1, 1  # only their ratio matters
    differences = np.subtract(first, second)
    if np.ptp(differences) == 0:  # where seeds change nothing, they say nothing of chance
        return None
    p, low, high = corrected_t_test(differences, n_train, n_test)
    return {"over": f"{len(first)} {over}", "difference": float(differences.mean()), "low": low, "high": high, "p": p}


def corrected_t_test(
    differences: npt.NDArray[np.float64], n_train: int, n_test: int, confidence: float = 0.95
) -> tuple[float, float, float]:
    """The corrected resampled t test, for repeats or folds (Nadeau & Bengio, Machine Learning 52, 2003, section 5).

    Repeats share images, so their differences vary less than independent ones would; the correction makes up for it by
    ``n_test / n_train``.

    Args:
        differences: Difference of two accuracies in each of ``J`` repeats or folds, at least 2.
        n_train: Number of training images in each.
        n_test: Number of test images in each.
        confidence: Probability that the interval covers the true difference.

    Returns:
        The two-sided p value, and the lower and upper end of the difference. Where all differences are the same number,
        it is p = 1 for 0 and p = 0 for any other.

    Raises:
        ValueError: With fewer than two differences.
    """
    from scipy import stats

    repeats = len(differences)
    if repeats < 2:
        raise ValueError(f"the corrected resampled t test needs at least 2 repeats or folds, not {repeats}")
    mean = float(np.mean(differences))
    error = float(np.sqrt((1 / repeats + n_test / n_train) * np.var(differences, ddof=1)))
    if error == 0:
        return float(mean == 0), mean, mean
    half = error * float(stats.t.ppf((1 + confidence) / 2, repeats - 1))
    return 2 * float(stats.t.sf(abs(mean) / error, repeats - 1)), mean - half, mean + half
