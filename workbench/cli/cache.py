"""``workbench cache``: what a workspace keeps to save time, and how large it is."""

from __future__ import annotations

import click

from workbench.cli import options


@click.command("cache", short_help="Show or clear the cached images and features of a workspace.")
@click.option("--clear", is_flag=True, help="Remove it all. Nothing is lost: it is computed again when it is needed.")
@options.workspace
def command(clear: bool, workspace: str) -> None:
    """Show what a workspace keeps to save time: decoded images, and features by extractor, last used first."""
    import shutil
    import time

    from rich.table import Table

    from workbench.cli.tables import console
    from workbench.errors import RunError
    from workbench.tuning.features import format_size
    from workbench.tuning.specification import format_seconds
    from workbench.tuning.workspace import Workspace

    place = Workspace(workspace)
    entries = place.features.entries()
    images = sum(file.stat().st_size for file in place.cache.glob("images/**/*") if file.is_file())
    total = images + sum(entry.bytes for entry in entries)
    if clear:
        busy = [run for run in place.runs() if place.is_held(run)]
        if busy:
            raise RunError(f"the run {busy[0]!r} is using the cache of {place.path}; wait for it or stop it")
        shutil.rmtree(place.cache, ignore_errors=True)
        click.echo(f"removed {format_size(total)} from {place.cache}")
        return
    out = console()
    if entries:
        table = Table(header_style="bold")
        for heading in ("features of", "images", "parameters"):
            table.add_column(heading, overflow="fold")
        for heading in ("size", "saves", "last used"):
            table.add_column(heading, justify="right", no_wrap=True)
        for entry in entries:
            about = entry.about
            settings = ", ".join(f"{key.partition('.')[2]}={value}" for key, value in about["params"].items())
            age = format_seconds(max(0.0, time.time() - entry.used))
            saves = format_seconds(about["seconds"])
            table.add_row(
                about["plugin"].split("'")[1], about["images"], settings, format_size(entry.bytes), saves, f"{age} ago"
            )
        out.print(table)
    click.echo(
        f"{format_size(total)} in {place.cache}: {format_size(images)} of decoded images, "
        f"{format_size(total - images)} of features in {len(entries)} sets (at most "
        f"{format_size(place.features.limit_bytes)}); workbench cache --clear removes it all"
    )
