"""Options that several commands share."""

from __future__ import annotations

import click

workspace = click.option(
    "--workspace",
    default="workbench-runs",
    show_default=True,
    type=click.Path(file_okay=False),
    help="Folder where runs are recorded.",
)
storage = click.option(
    "--storage",
    metavar="URL",
    help="Optuna storage to use instead of SQLite in the workspace (postgresql://...).",
)
