"""The verdict in words, written by rules from the leaderboard and the pairwise comparisons, and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.candidate import AUTO
from workbench.tuning.specification import ACCURACY, LESS_IS_BETTER, METRICS

#: A difference counts where McNemar's p, corrected by Holm's method over all pairs, is below this.
SIGNIFICANCE = 0.05


#: Family of what combines candidates.
ENSEMBLE = "ensemble"


def verdict(rows: Sequence[dict[str, Any]], pairwise: Sequence[dict[str, Any]], metric: str = ACCURACY) -> str:
    """Says in a few sentences who is better, whether that could be luck, and what it costs in training time.

    The first is about the best hand-crafted candidate and the best network, where both families were tested; else about
    the best and the next of one family; else about the only candidate and the baseline. The second is about all others,
    each held against the best; then it is said who was fitted on fewer images. Then come the ensembles, held against
    the best of their members. The last names who was not tested, with the reason.

    Args:
        rows: The leaderboard, best test accuracy first: its ``candidate``, ``family``, ``test_accuracy``,
            ``refit_seconds`` and ``status``.
        pairwise: What :func:`workbench.judge.statistics.compare_pairs` found.
        metric: What the run ranks by. For another than the accuracy each pair has a ``metric`` of such fields too.
    """
    pairs = _Pairs(pairwise, metric)
    tested = [row for row in rows if row["test_accuracy"] is not None and row["family"] not in ("baseline", ENSEMBLE)]
    untested = [row for row in rows if row["test_accuracy"] is None]
    baseline = next((row for row in rows if row["test_accuracy"] is not None and row["family"] == "baseline"), None)
    sentences = []
    if tested:
        sentences = _judge(tested, baseline, pairs)
        sentences += [f"{row['candidate']} was {short} only" for row in tested if (short := shortage_of(row))]
    elif any(row["family"] != "baseline" for row in rows):
        sentences = ["No candidate has been tested"]
    elif baseline is not None:
        sentences = ["Nothing but the baseline competed, which always answers with the most frequent class"]
    sentences += [_gain(row) for row in rows if row["family"] == ENSEMBLE]
    if untested:
        sentences.append("Not tested: " + "; ".join(f"{row['candidate']} ({row['status']})" for row in untested))
    return " ".join(f"{sentence}." for sentence in sentences)


def shortage_of(row: Mapping[str, Any]) -> str:
    """Says on which share of the training images a candidate was fitted, if not on all; empty if it was."""
    fraction = row.get("train_fraction")
    if fraction is None or fraction >= 1:
        return ""
    return f"fitted on {fraction:.0%} of the training images".replace("%", " %")


def remarks_of(row: Mapping[str, Any]) -> list[str]:
    """Returns what a reader of a candidate's row must know besides its figures."""
    short = shortage_of(row)
    return [*([f"{short}; more did not fit its share of the budget"] if short else []), *row["remarks"]]


def format_parameters(params: dict[str, Any]) -> str:
    """Writes parameters in a line; of what a trial chose among, what it took."""
    choices = {name: taken for name, taken in params.items() if name.startswith(f"{AUTO}.")}
    taken = "+".join(name.removeprefix(f"{AUTO}.") for name, taken in choices.items() if taken)
    values = [
        name if value is None else f"{name}={_short(value)}" for name, value in params.items() if name not in choices
    ]
    return ", ".join([f"{AUTO}={taken or 'nothing'}"] * bool(choices) + values)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value).strip('"')


class _Pairs:
    """The comparisons, in whichever direction they are asked for."""

    def __init__(self, pairwise: Sequence[dict[str, Any]], metric: str) -> None:
        self._pairs = {
            (pair["a"], pair["b"]): {**pair, "metric": metric, **(pair.get("by_metric") or {})} for pair in pairwise
        }

    def get(self, a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any] | None:
        """Returns how two rows compare, a's test accuracy minus b's; None if that was not recorded."""
        names = a["candidate"], b["candidate"]
        if names in self._pairs:
            return self._pairs[names]
        turned = self._pairs.get(names[::-1])
        if turned is None:
            return None
        return {**_turned(turned), "a": names[0], "b": names[1]}

    def beats(self, a: dict[str, Any], b: dict[str, Any]) -> bool:
        """Whether a's test accuracy is significantly higher than b's."""
        pair = self.get(a, b)
        return pair is not None and pair["p_holm"] < SIGNIFICANCE and pair["difference"] > 0


def _judge(tested: list[dict[str, Any]], baseline: dict[str, Any] | None, pairs: _Pairs) -> list[str]:
    best = tested[0]
    compared = [row for row in tested[1:] if pairs.get(best, row) is not None]
    against_baseline = None if baseline is None else pairs.get(best, baseline)
    if baseline and against_baseline and not any(pairs.beats(row, baseline) for row in tested):
        return [_not_beaten(best, baseline, pairs, alone=len(tested) == 1)]
    if not compared and against_baseline is None:
        low, high = best["test_accuracy_low"], best["test_accuracy_high"]
        only = "is the only one with a test accuracy" if len(tested) == 1 else "has the highest test accuracy"
        nothing = "" if len(tested) == 1 else "; predictions to compare it by were not recorded"
        return [
            f"{best['candidate']} {only}: {_percent(best['test_accuracy'])} % (95 % interval {_percent(low)} to "
            f"{_percent(high)}){nothing}"
        ]
    rivals = [row for row in compared if row["family"] != best["family"]]
    other = next(iter(rivals or compared), None)
    if other is None:
        assert baseline is not None
        return [_duel(best, baseline, pairs)]
    others = [row for row in compared if row is not other]
    if not rivals and baseline is not None:  # nobody of the other family: the baseline says what the accuracy is worth
        others.append(baseline)
    weak = [best, *compared] if rivals else compared
    hopeless = [row for row in weak if baseline and pairs.get(row, baseline) and not pairs.beats(row, baseline)]
    return [_duel(best, other, pairs), *_others(best, others, hopeless, pairs, also=pairs.beats(best, other))]


def _duel(best: dict[str, Any], other: dict[str, Any], pairs: _Pairs) -> str:
    """Compares the best with another, in accuracy and in training time."""
    pair = pairs.get(best, other)
    assert pair is not None
    a, b = _name(best), _name(other)
    ratio = None
    if best["refit_seconds"] and other["refit_seconds"] and other["family"] != "baseline":
        ratio = best["refit_seconds"] / other["refit_seconds"]
    if pairs.beats(best, other):
        found = f"{a} beats {b} by {_evidence(pair)}"
        if ratio is None:
            return found
        if _alike(ratio):
            return f"{found} and takes about the same training time"
        if ratio < 1:
            return f"{found} and is cheaper as well: it takes {_ratio(ratio)}x its training time"
        return f"{found} and takes {_ratio(ratio)}x its training time"
    found = f"No evidence of a difference between {a} and {b} ({_tie(pair)})"
    if ratio is None:
        return found
    if _alike(ratio):
        return f"{found}; they take about the same training time"
    cheaper, ratio = (a, ratio) if ratio < 1 else (b, 1 / ratio)
    return f"{found}; {cheaper} is the cheaper one: it takes {_ratio(ratio)}x the training time"


def _others(
    best: dict[str, Any], others: list[dict[str, Any]], hopeless: list[dict[str, Any]], pairs: _Pairs, also: bool
) -> list[str]:
    """Holds all others against the best, and names who is no better than the baseline, in one sentence or none."""
    beaten, clauses = [row for row in others if pairs.beats(best, row)], []
    if beaten:
        found = [f"{_name(row)} by {_evidence(pairs.get(best, row) or {})}" for row in beaten]
        clauses.append(f"{best['candidate']} {'also ' * also}beats {_and(found)}")
    level = [row for row in others if row not in beaten and pairs.get(best, row) is not None]
    if level:
        found = [f"{_name(row)} ({_tie(pairs.get(best, row) or {})})" for row in level]
        clauses.append(f"no evidence of a difference between {best['candidate']} and {_and(found)}")
    if hopeless:
        verb = "does" if len(hopeless) == 1 else "do"
        clauses.append(f"{_and([row['candidate'] for row in hopeless])} {verb} not beat the baseline")
    sentence = "; ".join(clauses)
    return [sentence[0].upper() + sentence[1:] if sentence.startswith("no ") else sentence] if sentence else []


def _not_beaten(best: dict[str, Any], baseline: dict[str, Any], pairs: _Pairs, alone: bool) -> str:
    nobody = "No candidate beats always answering with the most frequent class"
    name = best["candidate"] if alone else f"{best['candidate']}, the best of them,"
    if pairs.beats(baseline, best):
        return f"{nobody}; the baseline beats {name.rstrip(',')} by {_evidence(pairs.get(baseline, best) or {})}"
    tie = _tie(pairs.get(best, baseline) or {})
    return f"{nobody}: no evidence of a difference between {name} and the baseline ({tie})"


def _gain(row: dict[str, Any]) -> str:
    """Says whether an ensemble is better than the best of those that it could choose from."""
    gain = {**row["gain"], "metric": ACCURACY}
    members = list(row["best_params"])
    if len(members) == 1:
        return f"The {row['candidate']} is {members[0]} alone: no other improved its validation predictions"
    whose = f"the {row['candidate']} of {_and(members)}"
    if gain["p_holm"] < SIGNIFICANCE and gain["difference"] > 0:
        return f"{whose[0].upper()}{whose[1:]} beats {gain['over']} by {_evidence(gain)}"
    if gain["p_holm"] < SIGNIFICANCE:
        return f"{whose[0].upper()}{whose[1:]} is worse than {gain['over']} by {_evidence(_turned(gain))}"
    return f"No evidence of a gain from {whose} over {gain['over']} ({_tie(gain)})"


def _turned(pair: dict[str, Any]) -> dict[str, Any]:
    return {**pair, "difference": -pair["difference"], "low": -pair["high"], "high": -pair["low"]}


def _evidence(pair: dict[str, Any]) -> str:
    return f"{_amount(pair)} ({_interval(pair)})"


def _tie(pair: dict[str, Any]) -> str:
    if _same(pair):
        return "right on the same test images"
    return f"{_amount(pair)}, {_interval(pair)}"


def _amount(pair: dict[str, Any]) -> str:
    """Writes a difference with its unit: percentage points, but for the log loss."""
    metric = pair["metric"]
    if metric in LESS_IS_BETTER:
        return f"{pair['difference']:.3f} of {METRICS[metric]}"
    return f"{format_points(pair['difference'])} points" + (f" of {METRICS[metric]}" if metric != ACCURACY else "")


def _same(pair: dict[str, Any]) -> bool:
    """Whether both are right on the very same images. The interval is a point then, which would look like certainty."""
    return bool(pair["low"] == pair["high"] == 0 and pair["metric"] == ACCURACY)


def _interval(pair: dict[str, Any]) -> str:
    low, high = (
        f"{pair[end]:.3f}" if pair["metric"] in LESS_IS_BETTER else format_points(pair[end]) for end in ("low", "high")
    )
    return f"95 % interval {low} to {high}, {_p(pair['p_holm'])} after Holm"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _p(p: float) -> str:
    text = format_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _alike(ratio: float) -> bool:
    """Whether two training times differ by less than they do from one time to the next."""
    return abs(ratio - 1) <= 0.05


def _ratio(ratio: float) -> str:
    """Writes a ratio with two significant digits: 0.03, 1.5, 34, 1,200."""
    rounded = float(f"{ratio:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.15f}".rstrip("0").rstrip(".")


def _name(row: dict[str, Any]) -> str:
    return "the baseline" if row["family"] == "baseline" else str(row["candidate"])


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def format_points(share: float) -> str:
    """Writes a difference of accuracies in percentage points."""
    return f"{round(100 * share, 1) + 0.0:.1f}"  # adding zero takes the sign from -0.0


def format_p(p: float) -> str:
    """Writes a p value, so that what is significant never looks as if it were not."""
    if p < 0.001:
        return "< 0.001"
    if p < SIGNIFICANCE:
        return "< 0.05" if f"{p:.3f}" == "0.050" else f"{p:.3f}"
    return "1" if p > 0.995 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
