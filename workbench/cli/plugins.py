"""``workbench plugins``: what is installed, broken ones with their error."""

from __future__ import annotations

import click


@click.command("plugins", short_help="List the plugins, broken ones with their error.")
def command() -> None:
    """List every plugin with its description, its distribution and its state."""
    from rich.markup import escape
    from rich.table import Table

    from workbench.cli.tables import console
    from workbench.errors import PluginError
    from workbench.registry import Registry

    table = Table(header_style="bold")
    for heading in ("kind", "name"):
        table.add_column(heading, no_wrap=True)
    table.add_column("description", overflow="fold")
    table.add_column("distribution", no_wrap=True)
    table.add_column("state", no_wrap=True)
    errors = []
    for plugin in Registry.discover():
        try:
            description, state = escape(plugin.describe()), "ok"
        except PluginError as error:
            errors.append(str(error))
            description, state = f"[red]{escape(str(error).splitlines()[0])}[/red]", "[red]broken[/red]"
        table.add_row(plugin.kind, plugin.name, description, f"{plugin.distribution} {plugin.version}", state)
    out = console()
    out.print(table)
    for text in dict.fromkeys(errors):
        out.print()
        out.print(text, markup=False, style="red")
