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
    from workbench.cli.tables import print_curve

    print_curve(found)
    return DONE
