"""``workbench curve``: accuracy against the number of training images."""

from __future__ import annotations

import json
from typing import Any

import click

from workbench.cli import options


@click.command("curve", short_help="Measure accuracy against the number of images.")
@click.argument("run")
@click.option(
    "--sizes",
    default="1%,2%,5%,10%,20%,50%,100%",
    show_default=True,
    help="Percentages or numbers of training images, with commas between.",
)
@click.option(
    "--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Subsets of each size, and seeds."
)
@click.option("--retune", is_flag=True, help="Tune anew at every size, in runs of their own: honest, and slow.")
@click.option("--budget", metavar="TIME", help="With --retune: time for each size.  [default: the run's budget]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout; progress goes to stderr.")
@options.workspace
@options.storage
def command(run: str, as_json: bool, **settings: Any) -> int:
    """Refit the tuned candidates of RUN on ever fewer images: from how many on does the network win?

    The subsets are nested and stratified, and all are tested on the same test images. What was measured is kept:
    the same command goes on where it stopped.
    """
    from workbench import api, experiments
    from workbench.cli import DONE, INTERRUPTED

    try:
        found = experiments.curve(run, **settings)
    except api.Interrupted:
        return INTERRUPTED
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return DONE
    _print(found)
    return DONE


def _print(found: dict[str, Any]) -> None:
    from workbench.cli.tables import console, new_table, or_dash

    out = console()
    names = list(dict.fromkeys(point["candidate"] for point in found["points"]))
    by_point = {(point["candidate"], point["images"]): point for point in found["points"]}
    table = new_table(("training images",), [f"{name}\ntest accuracy (95 % interval), seconds" for name in names])
    for images in sorted({point["images"] for point in found["points"]}):
        cells = [by_point.get((name, images)) for name in names]
        table.add_row(f"{images:,}", *(or_dash(cell, _point) for cell in cells))
    how = "tuned anew at every size" if found["retuned"] else "refitted with the parameters tuned on all images"
    out.print()
    out.print(f"{found['run']}: {how}", markup=False)
    out.print(table)
    for failed in found["failed"]:
        out.print(
            f"{failed['candidate']}, {failed['images']:,} images: {failed['reason']}", markup=False, style="yellow"
        )
    for crossing in found["crossover"]:
        out.print(f"{crossing['sentence']}.", markup=False, style="bold", soft_wrap=not out.is_terminal)


def _point(point: dict[str, Any]) -> str:
    from workbench.tuning.specification import format_seconds

    accuracy = f"{point['test_accuracy']:.4f} ({point['low']:.4f} to {point['high']:.4f})"
    return f"{accuracy}, {format_seconds(point['seconds'])}"
