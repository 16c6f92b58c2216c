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
    from workbench.cli.tables import print_transfer

    print_transfer(found)
    return DONE
