"""What a visitor may compare by: metrics, clocks, and the leaderboard's columns as people read them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from workbench.judge import charts
from workbench_dashboard.data import Opened
from workbench_dashboard.frame import Specification, specification

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """A measure of how good a candidate is.

    Attributes:
        of: Returns it from a row of the leaderboard; None where there is none.
        interval: Whether the row has its 95 % interval.
    """

    of: Callable[[Row], float | None]
    interval: bool = False


@dataclass(frozen=True)
class Clock:
    """A measure of what a candidate costs in time.

    Attributes:
        of: Returns seconds from a row of the leaderboard and the candidate's ledger.
        of_budget: Whether this time is spent from the budget as a whole, so that its limit can be drawn.
    """

    of: Callable[[Row, Mapping[str, float]], float | None]
    of_budget: bool = False


def _further(name: str) -> Metric:
    return Metric(lambda row: (row.get("metrics") or {}).get(name))


METRICS = {
    "test accuracy": Metric(lambda row: row["test_accuracy"], interval=True),
    "test accuracy without leaks": Metric(lambda row: row["test_accuracy_clean"]),
    "balanced test accuracy": _further("balanced_accuracy"),
    "macro F1": _further("macro_f1"),
    "ROC AUC": _further("roc_auc"),
    "sensitivity": _further("sensitivity"),
    "specificity": _further("specificity"),
    "validation accuracy": Metric(lambda row: row["validation_accuracy"]),
}

#: What a run was ranked by (``--metric``), by the names of :data:`METRICS`.
RANKED_BY = {"accuracy": "test accuracy", "balanced-accuracy": "balanced test accuracy", "macro-f1": "macro F1",
             "roc-auc": "ROC AUC"}  # fmt: skip


def _tuning_and_refit(row: Row, _ledger: Mapping[str, float]) -> float | None:
    return None if row["refit_seconds"] is None else row["tuning_seconds"] + row["refit_seconds"]


CLOCKS = {
    "training time of the refit": Clock(lambda row, _: row["refit_seconds"]),
    "tuning and refit together": Clock(_tuning_and_refit, of_budget=True),
    "fit alone, features not counted": Clock(lambda _, ledger: ledger.get("fit")),
    "time to classify one image": Clock(lambda row, _: row["latency_ms"] and row["latency_ms"] / 1000),
}


def as_points(rows: Sequence[Row], ledger: Mapping[str, Mapping[str, float]], metric: str, clock: str) -> list[Row]:
    """Returns rows for :func:`workbench.judge.charts.accuracy_against_time`, with another measure and another time.

    Args:
        rows: Rows of the leaderboard.
        ledger: Each candidate's seconds by phase.
        metric: A key of :data:`METRICS`.
        clock: A key of :data:`CLOCKS`.
    """
    points: list[Row] = []
    for row in rows:
        value, seconds = METRICS[metric].of(row), CLOCKS[clock].of(row, ledger.get(row["candidate"], {}))
        if value is None or seconds is None:
            continue
        low, high = (
            (row["test_accuracy_low"], row["test_accuracy_high"]) if METRICS[metric].interval else (value, value)
        )
        points.append(
            {
                "candidate": row["candidate"],
                "family": row["family"],
                "test_accuracy": value,
                "test_accuracy_low": low,
                "test_accuracy_high": high,
                "refit_seconds": seconds,
            }
        )
    return points


def chart(opened: Opened, candidates: Collection[str], metric: str, clock: str) -> Specification:
    """Draws a metric of candidates, and of the baseline, against a clock."""
    points = as_points(shown(opened, candidates), opened.document["ledger"], metric, clock)
    budget = share_of_budget(opened.specification) if CLOCKS[clock].of_budget else None
    return _chart(points, charts.colors(opened.document["candidates"]), metric, clock, budget)


@st.cache_data(max_entries=256, show_spinner=False)
def _chart(
    points: list[Row], colors: dict[str, str], metric: str, clock: str, budget_seconds: float | None
) -> Specification:
    width = 420  # labels are placed for a phone, too
    return specification(
        charts.accuracy_against_time(
            points, colors, width=width, measure=metric, time=clock, budget_seconds=budget_seconds
        )
    )


def shown(opened: Opened, candidates: Collection[str]) -> list[Row]:
    """Returns the leaderboard's rows of candidates, and of the baseline."""
    rows = opened.document["leaderboard"]
    return [row for row in rows if row["candidate"] in candidates or row["family"] == "baseline"]


def competitors(opened: Opened) -> list[str]:
    """Returns who was tested, but for the baseline."""
    return [row["candidate"] for row in opened.tested if row["family"] != "baseline"]


def first_chart(opened: Opened) -> Specification:
    """Draws what a visitor sees first of a run: what it was ranked by, against training time."""
    return chart(opened, competitors(opened), usual_metric(opened), next(iter(CLOCKS)))


def usual_metric(opened: Opened) -> str:
    """Returns what a run was ranked by, by its name in :data:`METRICS`."""
    return RANKED_BY.get(opened.specification["metric"], next(iter(METRICS)))


def share_of_budget(specification: Mapping[str, Any]) -> float:
    """Returns the seconds that each candidate had."""
    return float(specification["budget_seconds"]) / max(1, sum(c != "baseline" for c in specification["candidates"]))


def names_column(names: Sequence[str], pinned: bool = False) -> Any:
    """Returns how Streamlit writes a column of candidates: as wide as the longest name, up to half a phone."""
    return st.column_config.TextColumn(pinned=pinned, width=min(190, 24 + 7 * max(map(len, names), default=0)))


def leaderboard(rows: Sequence[Row]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Returns the leaderboard as people read it, and how Streamlit writes its columns."""
    number = st.column_config.NumberColumn
    interval = [
        "" if row["test_accuracy"] is None else f"{row['test_accuracy_low']:.4f} to {row['test_accuracy_high']:.4f}"
        for row in rows
    ]
    names = [row["candidate"] for row in rows]
    columns: dict[str, tuple[list[Any], Any]] = {
        "candidate": (names, names_column(names, pinned=True)),
        "family": ([row["family"] for row in rows], None),
        "test accuracy": ([row["test_accuracy"] for row in rows], number(format="%.4f")),
        "95 % interval": (interval, None),
        "without leaks": ([row["test_accuracy_clean"] for row in rows], number(format="%.4f")),
        "validation accuracy": ([row["validation_accuracy"] for row in rows], number(format="%.4f")),
        "training (s)": ([row["refit_seconds"] for row in rows], number(format="%.2f")),
        "tuning (s)": ([row["tuning_seconds"] for row in rows], number(format="%.1f")),
        "one image (ms)": ([row["latency_ms"] for row in rows], number(format="%.2f")),
        "trials": (["{complete} / {pruned} / {failed}".format(**row["trials"]) for row in rows], None),
        "parameters": ([row["parameters"] for row in rows], number(format="localized")),
        "status": ([row["status"] for row in rows], None),
    }
    if all(row["test_accuracy_clean"] in (None, row["test_accuracy"]) for row in rows):
        del columns["without leaks"]  # nothing leaks
    table = pd.DataFrame({name: values for name, (values, _) in columns.items()})
    return table, {name: how for name, (_, how) in columns.items() if how is not None}
