"""``workbench show``: the leaderboard of a run, again."""

from __future__ import annotations

import click

from workbench.cli import options


@click.command("show", short_help="Show the leaderboard of a run.")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the leaderboard as CSV.")
@options.workspace
@options.storage
def command(run: str, as_json: bool, as_csv: bool, workspace: str, storage: str | None) -> None:
    """Show the leaderboard of RUN."""
    if as_json and as_csv:
        raise click.UsageError("give --json or --csv, not both")
    from workbench import api

    comparison = api.open_run(run, workspace=workspace, storage=storage)
    if as_json:
        import json

        click.echo(json.dumps(comparison.document(), indent=2))
    elif as_csv:
        import json

        import pandas as pd

        table = comparison.leaderboard()
        table["best_params"] = table["best_params"].map(json.dumps)
        trials = pd.DataFrame(table.pop("trials").tolist()).add_prefix("trials_")
        click.echo(table.join(trials).to_csv(index=False), nl=False)
    else:
        from workbench.cli.tables import print_comparison

        print_comparison(comparison)
