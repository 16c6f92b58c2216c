"""``workbench transfer``: does what was tuned on one data set carry over to another?"""

from __future__ import annotations

import json
from typing import Any

import click

from workbench.cli import options


@click.command("transfer", short_help="Use a run's winners on other data.")
@click.argument("run")
@click.option("--to", required=True, metavar="SOURCE", help="The other data; see workbench tune --help.")
@click.option("--budget", metavar="TIME", help="For tuning on the other data, if no run has.  [default: the run's]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout; progress goes to stderr.")
@options.workspace
@options.storage
def command(run: str, as_json: bool, **settings: Any) -> int:
    """Fit the winners of RUN on other data without tuning, beside the same candidates tuned there.

    Their parameters stay as they were tuned; only the weights are learned from the other images. What is lost says how
    far the choice of features and parameters carries over.
    """
    from workbench import api, experiments
    from workbench.cli import DONE, INTERRUPTED

    try:
        found = experiments.transfer(run, **settings)
    except api.Interrupted:
        return INTERRUPTED
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return DONE
    _print(found)
    return DONE


def _print(found: dict[str, Any]) -> None:
    from workbench.cli.tables import console, new_table, or_dash
    from workbench.judge.verdict import format_p, format_points

    out = console()
    table = new_table(
        ("candidate", "family"),
        (
            f"test accuracy on {found['to']},\ntuned there",
            f"tuned on {found['from']}",
            "loss in points\n(95 % interval)",
            "p, corrected\n(Holm)",
        ),
    )
    for row in found["candidates"]:
        lost = p = "-"
        if row["status"] == "ok":
            lost, low, high = (format_points(row[key]) for key in ("loss", "low", "high"))
            lost, p = f"{lost} ({low} to {high})", format_p(row["p_holm"])
        accuracies = [or_dash(row[key], "{:.4f}".format) for key in ("tuned_test_accuracy", "test_accuracy")]
        table.add_row(row["candidate"], row["family"], *accuracies, lost, p)
    out.print()
    out.print(table)
    for sentence in found["sentences"]:
        out.print(f"{sentence}.", markup=False, style="bold", soft_wrap=not out.is_terminal)
