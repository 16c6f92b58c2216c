"""``workbench report``: one HTML file with all there is to say of a run."""

from __future__ import annotations

import click

from workbench.cli import options


@click.command("report", short_help="Write a run's report: one HTML file.")
@click.argument("run")
@click.option("-o", "--out", type=click.Path(), metavar="FILE", help="The file to write.  [default: RUN.html]")
@options.workspace
@options.storage
def command(run: str, out: str | None, workspace: str, storage: str | None) -> None:
    """Write the report of RUN: verdict, leaderboard, plots, data audit and what was run, in one file.

    It holds everything that it shows and opens without a network. A file of that name is written over.
    """
    from workbench import api

    written = api.open_run(run, workspace=workspace, storage=storage).report(out or f"{run}.html")
    click.echo(f"wrote {written} ({written.stat().st_size / 1000:,.0f} KB)")
