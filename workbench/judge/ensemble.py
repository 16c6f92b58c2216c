"""Two models, or more, merged into one: soft voting and stacking, from what the candidates of a run have predicted.

Both learn on the validation predictions of each candidate's best trial, and are tested on the test predictions of its
refit; nothing is fitted anew but the little that combines them.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.candidate import BASELINE
from workbench.judge.metrics import accuracy_interval, further_metrics
from workbench.judge.refit import best_trial
from workbench.judge.statistics import difference_interval, holm, mcnemar_p
from workbench.tuning.scoring import normalize, orient, score
from workbench.tuning.specification import ACCURACY
from workbench.tuning.trials import record_of
from workbench.tuning.workspace import Run, Workspace

#: Names on the leaderboard.
VOTING, STACKING = "ensemble", "stacking"
#: What is recorded of a run under this name.
ENSEMBLES = "ensembles"

_PICKS = 25
_SUMMED = ("refit_seconds", "refit_cpu_seconds", "tuning_seconds", "latency_ms", "parameters", "flops")

Probabilities = npt.NDArray[np.float64]


def select_greedily(
    shares: Sequence[Probabilities], labels: npt.NDArray[np.int64], metric: str = ACCURACY, picks: int = _PICKS
) -> npt.NDArray[np.float64]:
    """Chooses weights for soft voting, greedily (Caruana et al., Ensemble selection, ICML 2004).

    Again and again the member is added, with replacement, whose addition makes the mean of the chosen best by the
    metric, and among equals by the log loss; the best of all the means on the way counts.

    Args:
        shares: Each member's class probabilities ``(n, n_classes)`` of the same validation images.
        labels: Their labels.
        metric: One of :data:`workbench.tuning.specification.METRICS`.
        picks: How often a member is added.

    Returns:
        Weights that sum to one.
    """

    def quality(mean: Probabilities) -> tuple[float, float]:
        value = orient(metric, score(metric, labels, mean.argmax(axis=1), mean.astype(np.float32), None))
        likely = np.clip(mean[np.arange(len(labels)), labels], 1e-15, 1)
        return round(value, 12), float(np.mean(np.log(likely)))

    counts = np.zeros(len(shares), np.int64)
    total = np.zeros_like(shares[0])
    found: list[tuple[tuple[float, float], npt.NDArray[np.int64]]] = []
    for size in range(1, picks + 1):
        qualities = [quality((total + member) / size) for member in shares]
        pick = max(range(len(shares)), key=lambda member: (qualities[member], -member))
        counts[pick] += 1
        total = total + shares[pick]
        found.append((qualities[pick], counts.copy()))
    best = max(range(picks), key=lambda size: (found[size][0], -size))
    return np.asarray(found[best][1] / (best + 1))


def stack(
    validation: Sequence[Probabilities], labels: npt.NDArray[np.int64], test: Sequence[Probabilities], seed: int
) -> Probabilities:
    """Stacks the members (Wolpert, Stacked generalization, Neural Networks 5, 1992) with a logistic regression.

    How strongly it is regularised is chosen by cross-validation (both scikit-learn's).

    Args:
        validation: Each member's class probabilities ``(n, n_classes)`` of the validation images.
        labels: Labels of the validation images.
        test: Each member's class probabilities of the test images.
        seed: Seed of the folds.

    Returns:
        Class probabilities of the test images.

    Raises:
        ValueError: If a class has too few validation images to learn from.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    folds = min(5, int(np.bincount(labels, minlength=validation[0].shape[1]).min()))
    if folds < 2:
        raise ValueError("a class has fewer than 2 validation images")
    model = GridSearchCV(
        LogisticRegression(max_iter=200),
        {"C": [0.01, 0.1, 1.0, 10.0]},
        scoring="neg_log_loss",
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what hardly converges is hardly regularised, and loses
        model.fit(np.concatenate(validation, axis=1), labels)
    found: Probabilities = model.predict_proba(np.concatenate(test, axis=1))
    return found


def record_ensembles(run: Run, workspace: Workspace, class_names: Sequence[str]) -> None:
    """Combines the tested candidates of a run, if there are two or more, and records the result."""
    members = [name for name in run.studies if name != BASELINE and (run.result(name) or {}).get("test_predictions")]
    if len(members) < 2:
        return
    validation: dict[str, dict[str, npt.NDArray[Any]]] = {}
    test: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for name in members:
        trial = record_of(best_trial(run, name))
        result = run.result(name) or {}
        validation[name] = workspace.load_arrays(trial["validation_predictions"])
        test[name] = workspace.load_arrays(result["test_predictions"])
    # the labels are the same for all
    labels, test_labels = (next(iter(arrays.values()))["labels"] for arrays in (validation, test))
    if any(len(arrays["labels"]) != len(labels) for arrays in validation.values()):
        return  # a resumed run whose trials were validated in different ways
    votes = [_votes(validation[name], validation[name], len(class_names)) for name in members]
    test_votes = [_votes(test[name], validation[name], len(class_names)) for name in members]
    metric = run.specification.metric
    weights = select_greedily(votes, labels, metric)
    found = {VOTING: np.sum([w * member for w, member in zip(weights, test_votes, strict=True)], axis=0)}
    parts: dict[str, dict[str, Any]] = {
        VOTING: {name: float(w) for name, w in zip(members, weights, strict=True) if w},
        STACKING: dict.fromkeys(members),
    }
    with contextlib.suppress(ValueError):  # too few images: then there is none
        found[STACKING] = stack(votes, labels, test_votes, run.specification.seed)
    recorded = [
        _describe(run, name, shares, test_labels, test, parts[name], class_names) for name, shares in found.items()
    ]
    for row, p in zip(recorded, holm([row["gain"]["p"] for row in recorded]), strict=True):
        row["gain"]["p_holm"] = p
    run.record_note(ENSEMBLES, recorded)


def _votes(
    arrays: dict[str, npt.NDArray[Any]], validation: dict[str, npt.NDArray[Any]], n_classes: int
) -> Probabilities:
    """Returns a member's probabilities, or, if it gives none, how often each class was it where it predicted so."""
    shares = normalize(arrays["probabilities"]) if "probabilities" in arrays else None
    if shares is not None and shares.shape[1] == n_classes:
        return shares
    counts = np.full((n_classes, n_classes), 1 / n_classes)  # one image more than were seen, of every class a little
    np.add.at(counts, (validation["predictions"], validation["labels"]), 1)
    return np.asarray((counts / counts.sum(axis=1, keepdims=True))[arrays["predictions"]])


def _describe(
    run: Run,
    name: str,
    shares: Probabilities,
    labels: npt.NDArray[np.int64],
    test: dict[str, dict[str, npt.NDArray[Any]]],
    parts: dict[str, Any],
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Returns an ensemble's row of the leaderboard, and its ``gain`` over whoever is best on the test images."""
    predictions, metric = shares.argmax(axis=1), run.specification.metric
    right = predictions == labels
    metrics = further_metrics(labels, predictions, shares.astype(np.float32), None, class_names)
    accuracies = {member: float(np.mean(arrays["predictions"] == labels)) for member, arrays in test.items()}
    best = max(accuracies, key=lambda member: accuracies[member])
    other = test[best]["predictions"] == labels
    low, high = accuracy_interval(int(right.sum()), len(right))
    ends = difference_interval(right, other)
    results = [run.result(member) or {} for member in parts]
    spent = [_tuning_seconds(run, member) for member in parts]
    summed = {
        key: sum(result[key] for result in results) if all(result.get(key) is not None for result in results) else None
        for key in _SUMMED
        if key != "tuning_seconds"
    }
    return {
        "candidate": name,
        "test_accuracy": float(np.mean(right)),
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_score": float(np.mean(right)) if metric == ACCURACY else metrics[metric.replace("-", "_")],
        "test_roc_auc": metrics["roc_auc"],
        "metrics": metrics,
        **summed,
        "tuning_seconds": sum(spent),
        "best_params": parts,
        "gain": {
            "over": best,
            "difference": (int(right.sum()) - int(other.sum())) / len(right),
            "low": ends[0],
            "high": ends[1],
            "p": mcnemar_p(right, other),
        },
        "status": "ok",
    }


def _tuning_seconds(run: Run, candidate: str) -> float:
    return float(sum(record_of(trial)["trial_seconds"] for trial in run.studies[candidate].get_trials(deepcopy=False)))
