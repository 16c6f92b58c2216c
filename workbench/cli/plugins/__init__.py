"""``workbench plugins``: what is installed, broken ones with their error; and what plugin authors need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from workbench.cli import LazyGroup

if TYPE_CHECKING:
    from workbench.registry import Plugin

#: Our own plugins are called by our own tests; a listing need not wait for their frameworks.
_OURS = "image-workbench"


@click.group(
    "plugins",
    cls=LazyGroup,
    package="workbench.cli.plugins",
    names=("show", "check", "new"),
    invoke_without_command=True,
    short_help="List the plugins; show, check or start one.",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List every plugin with its description, its distribution and its state.

    A stranger's plugin is called once, in a process of its own, to see that it returns an estimator.
    """
    if ctx.invoked_subcommand is None:
        _list()


def _list() -> None:
    from rich.markup import escape
    from rich.table import Table

    from workbench.cli.tables import console
    from workbench.errors import PluginError
    from workbench.registry import Registry

    plugins, descriptions, errors = list(Registry.discover()), {}, {}
    for plugin in plugins:
        try:
            descriptions[id(plugin)] = plugin.describe()
        except PluginError as error:
            errors[id(plugin)] = str(error)
    strangers = [p for p in plugins if id(p) not in errors and p.distribution != _OURS]
    errors |= {id(plugin): error for plugin, error in zip(strangers, _check(strangers), strict=True) if error}

    table = Table(header_style="bold")
    for heading in ("kind", "name"):
        table.add_column(heading, no_wrap=True)
    table.add_column("description", overflow="fold")
    table.add_column("distribution", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for plugin in plugins:
        wrong = errors.get(id(plugin))
        description = f"[red]{escape(wrong.splitlines()[0])}[/red]" if wrong else escape(descriptions[id(plugin)])
        state = "[red]broken[/red]" if wrong else "ok"
        table.add_row(plugin.kind, plugin.name, description, f"{plugin.distribution} {plugin.version}", state)
    out = console()
    out.print(table)
    for text in dict.fromkeys(errors.values()):
        out.print()
        out.print(text, markup=False, style="red")


def _check(plugins: Sequence[Plugin]) -> list[str]:
    """Calls plugins in a process that may die of it; returns what is wrong with each."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from workbench.candidate import check

    found = []
    for plugin in plugins:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            try:
                found.append(pool.submit(check, plugin).result())
            except BrokenProcessPool:
                found.append(f"{plugin}: calling it ended its process")
    return found
