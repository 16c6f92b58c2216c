"""Tables for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from workbench.candidate import AUTO, BASELINE
from workbench.judge.verdict import format_p, format_points
from workbench.tuning.specification import format_seconds

if TYPE_CHECKING:
    from workbench.judge.leaderboard import Comparison


def console() -> Console:
    """Returns a console on stdout that does not break lines where nobody asked for it."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=200)


def print_comparison(comparison: Comparison) -> None:
    """Prints a run's leaderboard, the best parameters, what went wrong, how candidates compare, and the verdict."""
    out = console()
    document = comparison.document()
    data, rows = document["data"], document["leaderboard"]
    counts = data["counts"]
    out.print()
    out.print(
        f"{document['run']}: {counts['images']:,} images, {len(data['classes'])} classes; "
        f"{counts['train']:,} to train, {counts['val']:,} to validate, {counts['test']:,} to test"
        + (f"; left out: {len(data['skipped']):,} of its files" if data["skipped"] else ""),
        markup=False,
    )
    compiled = any(row["warmup_seconds"] for row in rows)
    out.print(_leaderboard(rows, compiled))
    out.print(
        "extract and fit: of the best trial, on the training images; refit: the training time on training and "
        "validation images together, alone on the machine; trials: complete / pruned / failed; latency: median for one "
        "image." + (" Warm-up: compiling, and timing the first steps." if compiled else ""),
        style="dim",
    )
    leaked = (data.get("audit") or {}).get("leaked_test_images", 0)
    if leaked and not data["audit"]["repaired"]:
        clean = ", ".join(
            f"{row['candidate']} {row['test_accuracy_clean']:.4f}"
            for row in rows
            if row["test_accuracy_clean"] is not None
        )
        images = "test image that has" if leaked == 1 else f"{leaked:,} test images that have"
        out.print(
            f"Test accuracy without the {images} a copy or a mate of their group in training or validation: "
            f"{clean or 'none is left'}",
            markup=False,
            style="yellow",
        )
    for row in rows:
        if row["images_per_second"]:
            cost = f", {row['flops'] / 1e6:,.1f} million operations (FLOPs) to classify one" if row["flops"] else ""
            out.print(
                f"{row['candidate']}: trains on {row['images_per_second']:,.0f} images a second{cost}",
                markup=False,
                style="dim",
            )
    for row in rows:
        if row["best_params"]:
            out.print(f"{row['candidate']}: {_parameters(row['best_params'])}", markup=False, style="dim")
    for row in rows:
        if row["train_fraction"] not in (None, 1.0):
            out.print(
                f"{row['candidate']}: fitted on {row['train_fraction']:.0%} of the training images; more did not fit "
                "its share of the budget",
                markup=False,
                style="yellow",
            )
        for remark in row["remarks"]:
            out.print(f"{row['candidate']}: {remark}", markup=False, style="yellow")
        if row["status"] != "ok":
            out.print(f"{row['candidate']}: {row['status']}", markup=False, style="yellow")
    pairs = [pair for pair in document["pairwise"] if BASELINE not in (pair["a"], pair["b"])]
    if pairs:
        out.print(_pairwise(pairs))
    if document["anytime"]["candidates"]:
        _print_anytime(out, document["anytime"])
    errors = document["label_errors"]
    if errors and errors["found"]:
        first = errors["errors"][0]
        out.print(
            f"Likely label errors: {errors['found']:,} of {errors['images']:,} validation and test images, by "
            f"{errors['candidate']}; the first: {first['path']} ({first['label']}, likely {first['likely_label']}). "
            "Only a look can tell; workbench report lists them",
            markup=False,
            style="yellow",
        )
    out.print()
    out.print(document["verdict"], markup=False, style="bold", soft_wrap=not out.is_terminal)


def _leaderboard(rows: list[dict[str, Any]], compiled: bool) -> Table:
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for heading in ("candidate", "family"):
        table.add_column(heading, overflow="fold")
    areas = any(row["test_roc_auc"] is not None for row in rows)
    for heading in (
        "validation\naccuracy", "test accuracy\n(95 % interval)", *(["test\nROC AUC"] if areas else []), "extract",
        "fit", "refit", *(["of it\nwarm-up"] if compiled else []), "tuning", "trials", "learnable\nparameters",
        "latency",
    ):  # fmt: skip
        table.add_column(heading, justify="right", overflow="fold")
    for row in rows:
        trials = row["trials"]
        table.add_row(
            row["candidate"],
            row["family"],
            _or_dash(row["validation_accuracy"], "{:.4f}".format),
            _or_dash(
                row["test_accuracy"],
                lambda value, row=row: (
                    f"{value:.4f} ({row['test_accuracy_low']:.4f} to {row['test_accuracy_high']:.4f})"
                ),
            ),
            *([_or_dash(row["test_roc_auc"], "{:.4f}".format)] if areas else []),
            _or_dash(row["extract_seconds"], format_seconds),
            _or_dash(row["fit_seconds"], format_seconds),
            _or_dash(row["refit_seconds"], format_seconds),
            *([_or_dash(row["warmup_seconds"] or None, format_seconds)] if compiled else []),
            _or_dash(row["tuning_seconds"], format_seconds),
            f"{trials['complete']} / {trials['pruned']} / {trials['failed']}",
            _or_dash(row["parameters"], "{:,}".format),
            _or_dash(row["latency_ms"], "{:.2f} ms".format),
        )
    return table


def _pairwise(pairs: list[dict[str, Any]]) -> Table:
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("candidate", overflow="fold")
    table.add_column("against", overflow="fold")
    for heading in (
        "difference of test accuracy,\nin points (95 % interval)",
        "p\n(exact McNemar)",
        "p, corrected\n(Holm)",
    ):
        table.add_column(heading, justify="right", overflow="fold")
    for pair in pairs:
        difference, low, high = (format_points(pair[key]) for key in ("difference", "low", "high"))
        corrected = format_p(pair["p_holm"])
        table.add_row(pair["a"], pair["b"], f"{difference} ({low} to {high})", format_p(pair["p"]), corrected)
    return table


def _print_anytime(out: Console, anytime: dict[str, Any]) -> None:
    best = anytime["best_validation_accuracy"]
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("candidate", overflow="fold")
    table.add_column("best validation\naccuracy", justify="right", overflow="fold")
    for share in anytime["candidates"][0]["seconds_to"]:
        table.add_column(f"tuning until\n{share} % of {best:.4f}", justify="right", overflow="fold")
    for row in anytime["candidates"]:
        seconds = [_or_dash(at, format_seconds) for at in row["seconds_to"].values()]
        table.add_row(row["candidate"], f"{row['validation_accuracy']:.4f}", *seconds)
    out.print(table)
    clocks = {"own": "tuning of each", "run": "the run"}
    for clock, what in clocks.items():
        led = [
            f"{leader['minutes']} min {leader['candidate'] or 'nobody yet'}"
            for leader in anytime["leaders"]
            if leader["clock"] == clock
        ]
        if led:
            out.print(f"Best validation accuracy after so much of {what}: {', '.join(led)}", markup=False, style="dim")


def _parameters(params: dict[str, Any]) -> str:
    """Writes parameters; of what a trial chose among, what it took."""
    choices = {name: taken for name, taken in params.items() if name.startswith(f"{AUTO}.")}
    taken = "+".join(name.removeprefix(f"{AUTO}.") for name, taken in choices.items() if taken)
    values = [f"{name}={_short(value)}" for name, value in params.items() if name not in choices]
    return ", ".join([f"{AUTO}={taken or 'nothing'}"] * bool(choices) + values)


def _or_dash(value: Any, form: Any) -> str:
    return "-" if value is None else str(form(value))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value).strip('"')
