"""``workbench plugins new``: a package to start from."""

from __future__ import annotations

import click


@click.command("new", short_help="Start a plugin: write a small package.")
@click.argument("name")
@click.option(
    "--kind",
    required=True,
    type=click.Choice(["extractor", "selector", "classifier", "network", "dataset"]),
    help="What the plugin is.",
)
def command(name: str, kind: str) -> None:
    """Write a package NAME with a plugin that works, its test and a README into a new folder of that name."""
    from workbench.scaffold import example, write

    folder = write(name, kind)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        click.echo(f"wrote {file}")
    click.echo(f"\nNext:\n  pip install -e {name}\n  pytest {name}\n  {example(name, kind)}")
