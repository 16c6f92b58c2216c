"""``workbench runs``: the runs of a workspace."""

from __future__ import annotations

import click

from workbench.cli import options


@click.command("runs", short_help="List the runs of a workspace.")
@options.workspace
@options.storage
def command(workspace: str, storage: str | None) -> None:
    """List the runs of a workspace, oldest first."""
    from rich.table import Table

    from workbench.cli.tables import console
    from workbench.errors import RunError
    from workbench.judge.leaderboard import Comparison
    from workbench.tuning.workspace import Workspace

    place = Workspace(workspace, storage)
    names = place.runs()
    if not names:
        click.echo(f"There are no runs in {place.path} yet. Start one: workbench tune digits")
        return
    table = Table(header_style="bold")
    for heading in ("run", "started (UTC)", "images", "best candidate", "test accuracy", "state"):
        table.add_column(heading, no_wrap=True)
    for name in names:
        try:
            run = place.open(name)
        except RunError as error:
            table.add_row(name, "", "", "", "", str(error))
            continue
        comparison = Comparison(run, place)
        best = comparison.rows()[0]
        state = "running" if place.is_held(name) else "done" if comparison.finished else "stopped (tune --resume)"
        table.add_row(
            name,
            run.specification.created[:16].replace("T", " "),
            f"{run.specification.data['counts']['images']:,}",
            best["candidate"] if best["test_accuracy"] is not None else "-",
            "-" if best["test_accuracy"] is None else f"{best['test_accuracy']:.4f}",
            state,
        )
    console().print(table)
