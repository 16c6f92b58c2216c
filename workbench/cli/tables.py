"""Tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from workbench.candidate import BASELINE
from workbench.judge.verdict import format_p, format_parameters, format_points, remarks_of
from workbench.tuning.specification import ACCURACY, METRICS, format_seconds

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
    out.print(_leaderboard(rows, document["metric"]))
    out.print(
        "refit: the training time on training and validation images together, alone on the machine; trials: complete / "
        "pruned / failed; latency: median for one image.",
        style="dim",
    )
    out.print(_ledger(rows, document["ledger"]))
    out.print(
        "Seconds of the refit and its test by phase; load: reading and decoding all images, once for everybody"
        + ("; warm-up: compiling, and timing the first steps" if any(row["warmup_seconds"] for row in rows) else "")
        + "; peak memory: of the whole process.",
        style="dim",
    )
    if len(document["hardware"]) > 1:
        machines = "; ".join(_machine(hardware) for hardware in document["hardware"])
        out.print(
            f"Measured on different machines, so that seconds cannot be compared: {machines}",
            markup=False,
            style="yellow",
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
            out.print(f"{row['candidate']}: {format_parameters(row['best_params'])}", markup=False, style="dim")
    for row in rows:
        for remark in remarks_of(row):
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


def new_table(words: Sequence[str], figures: Sequence[str]) -> Table:
    """Returns an empty table with columns of words, and then of figures."""
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in figures:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _leaderboard(rows: list[dict[str, Any]], metric: str) -> Table:
    areas = metric != "roc-auc" and any(row["test_roc_auc"] is not None for row in rows)
    other = metric != ACCURACY
    repeated = any(row["test_accuracy_sd"] is not None for row in rows)
    table = new_table(
        ("candidate", "family"),
        (
            *([f"validation\n{METRICS[metric]}", f"test {METRICS[metric]}\n(95 % interval)"] if other else []),
            *([] if other else ["validation\naccuracy"]),
            "test accuracy\n(95 % interval)",
            *(["test accuracy,\nmean ± sd of seeds", "refit,\nmean ± sd"] if repeated else []),
            *(["test\nROC AUC"] if areas else []),
            "refit", "tuning", "trials", "learnable\nparameters", "latency",
        ),
    )  # fmt: skip
    for row in rows:
        trials = row["trials"]
        interval = ((row.get("metrics") or {}).get("intervals") or {}).get(metric.replace("-", "_"))
        score = or_dash(row["test_score"], "{:.4f}".format)
        if interval:
            score += f" ({interval[0]:.4f} to {interval[1]:.4f})"
        table.add_row(
            row["candidate"],
            row["family"],
            or_dash(row["validation_score"], "{:.4f}".format),
            *([score] if other else []),
            or_dash(
                row["test_accuracy"],
                lambda value, row=row: (
                    f"{value:.4f} ({row['test_accuracy_low']:.4f} to {row['test_accuracy_high']:.4f})"
                ),
            ),
            *(_spread(row) if repeated else ()),
            *([or_dash(row["test_roc_auc"], "{:.4f}".format)] if areas else []),
            or_dash(row["refit_seconds"], format_seconds),
            or_dash(row["tuning_seconds"], format_seconds),
            f"{trials['complete']} / {trials['pruned']} / {trials['failed']}" if any(trials.values()) else "-",
            or_dash(row["parameters"], "{:,}".format),
            or_dash(row["latency_ms"], "{:.2f} ms".format),
        )
    return table


def _spread(row: dict[str, Any]) -> tuple[str, str]:
    if row["test_accuracy_sd"] is None:
        return "-", "-"
    seconds = f"{format_seconds(row['refit_seconds_mean'])} ± {format_seconds(row['refit_seconds_sd'])}"
    return f"{row['test_accuracy_mean']:.4f} ± {row['test_accuracy_sd']:.4f} ({row['repeats']})", seconds


def _ledger(rows: list[dict[str, Any]], ledger: dict[str, dict[str, Any]]) -> Table:
    rows = [row for row in rows if row["candidate"] in ledger and row["refit_seconds"] is not None]
    phases = [
        phase
        for phase in ("extract", "select", "warmup", "fit", "predict")
        if any(ledger[row["candidate"]].get(phase) for row in rows)
    ]
    table = new_table(
        ("candidate",),
        (
            "load", *(phase.replace("warmup", "warm-up") for phase in phases), "training,\nCPU seconds",
            "latency\np50 / p95", "images/s in batches\nof 1 / 32 / 256", "peak\nmemory", "energy",
        ),
    )  # fmt: skip
    for row in rows:
        spent = ledger[row["candidate"]]
        latencies = [or_dash(row[key], "{:.2f}".format) for key in ("latency_ms", "latency_p95_ms")]
        rates = [f"{rate:,.0f}" for rate in (row["throughput"] or {}).values()]
        table.add_row(
            row["candidate"],
            or_dash(spent["load"], format_seconds),
            *(or_dash(spent.get(phase) or None, format_seconds) for phase in phases),
            or_dash(row["refit_cpu_seconds"], format_seconds),
            f"{' / '.join(latencies)} ms",
            " / ".join(rates) or "-",
            or_dash(row["peak_memory_mb"], "{:,.0f} MB".format),
            "not measured" if row["energy_joules"] is None else f"{row['energy_joules']:,.0f} J",
        )
    return table


def _machine(hardware: dict[str, Any]) -> str:
    return ", ".join([hardware["cpu"], f"{hardware['cores']} cores", *hardware["gpus"]])


def _pairwise(pairs: list[dict[str, Any]]) -> Table:
    metrics = any(pair["by_metric"] for pair in pairs)
    resampled = next((pair["resampled"]["over"] for pair in pairs if pair["resampled"]), None)
    table = new_table(
        ("candidate", "against"),
        (
            "difference of test accuracy,\nin points (95 % interval)", "p\n(exact McNemar)", "p, corrected\n(Holm)",
            *(["by the metric\n(95 % interval)", "p, corrected\n(Holm)"] if metrics else []),
            *([f"over {resampled}, in points\n(95 % interval)", "p (corrected\nresampled t)"] if resampled else []),
        ),
    )  # fmt: skip
    for pair in pairs:
        by_metric, over = pair["by_metric"], pair["resampled"]
        table.add_row(
            pair["a"],
            pair["b"],
            _points(pair),
            format_p(pair["p"]),
            format_p(pair["p_holm"]),
            *(([_units(by_metric), format_p(by_metric["p_holm"])] if by_metric else ["-", "-"]) if metrics else []),
            *(([_points(over), format_p(over["p"])] if over else ["-", "-"]) if resampled else []),
        )
    return table


def _points(pair: dict[str, Any]) -> str:
    difference, low, high = (format_points(pair[key]) for key in ("difference", "low", "high"))
    return f"{difference} ({low} to {high})"


def _units(pair: dict[str, Any]) -> str:
    return f"{pair['difference']:.4f} ({pair['low']:.4f} to {pair['high']:.4f})"


def _print_anytime(out: Console, anytime: dict[str, Any]) -> None:
    best = anytime["best_validation_accuracy"]
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("candidate", overflow="fold")
    table.add_column("best validation\naccuracy", justify="right", overflow="fold")
    for share in anytime["candidates"][0]["seconds_to"]:
        table.add_column(f"tuning until\n{share} % of {best:.4f}", justify="right", overflow="fold")
    for row in anytime["candidates"]:
        seconds = [or_dash(at, format_seconds) for at in row["seconds_to"].values()]
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


def or_dash(value: Any, form: Any) -> str:
    """Writes a value, or a dash for None."""
    return "-" if value is None else str(form(value))
