"""``workbench plugins``: what is installed, broken ones with their error; and what plugin authors need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from workbench.cli import LazyGroup

if TYPE_CHECKING:
    from workbench.registry import Plugin


@click.group(
    "plugins",
    cls=LazyGroup,
    package="workbench.cli.plugins",
    names=("show", "check", "new"),
    invoke_without_command=True,
    short_help="List the plugins; show, check or start one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List every plugin with its description, its distribution and its state.

    A stranger's plugin is imported and called once in a process of its own, to see that it returns an estimator.
    """
    if ctx.invoked_subcommand is None:
        from workbench.registry import Registry

        plugins = list(Registry.discover())
        described = [_describe(plugin) if plugin.is_ours else _in_a_process(plugin) for plugin in plugins]
        (_print_json if as_json else _print_table)(plugins, described)


def _print_json(plugins: Sequence[Plugin], described: Sequence[tuple[str, str]]) -> None:
    import json
    from dataclasses import asdict

    found = [
        {**asdict(plugin), "description": says, "error": error}
        for plugin, (says, error) in zip(plugins, described, strict=True)
    ]
    click.echo(json.dumps(found, indent=2))


def _print_table(plugins: Sequence[Plugin], described: Sequence[tuple[str, str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from workbench.cli.tables import console

    table = Table(header_style="bold")
    for heading in ("kind", "name"):
        table.add_column(heading, no_wrap=True)
    table.add_column("description", overflow="fold")
    table.add_column("distribution", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for plugin, (says, wrong) in zip(plugins, described, strict=True):
        description = f"[red]{escape(wrong.splitlines()[0])}[/red]" if wrong else escape(says)
        state = "[red]broken[/red]" if wrong else "ok"
        table.add_row(plugin.kind, plugin.name, description, f"{plugin.distribution} {plugin.version}", state)
    out = console()
    out.print(table)
    for text in dict.fromkeys(error for _, error in described if error):
        out.print()
        out.print(text, markup=False, style="red")


def _describe(plugin: Plugin) -> tuple[str, str]:
    """Imports a plugin; returns what it says of itself, or nothing and what is wrong with it."""
    from workbench.errors import PluginError

    try:
        return plugin.describe(), ""
    except PluginError as error:
        return "", str(error)


def _describe_and_call(plugin: Plugin) -> tuple[str, str]:
    import os

    from workbench.candidate import check

    os.dup2(2, 1)  # what it prints is no part of the list
    says, error = _describe(plugin)
    return says, error or check(plugin)


def _in_a_process(plugin: Plugin) -> tuple[str, str]:
    """Describes a plugin, and calls it once, in a process that may die of it."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    if plugin.error:
        return "", plugin.error
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_describe_and_call, plugin).result()
        except BrokenProcessPool:
            return "", (
                f"{plugin}: importing or calling it ended its process\n"
                f"Mend the plugin, or uninstall it: pip uninstall {plugin.distribution}"
            )
