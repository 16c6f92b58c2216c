"""``workbench audit``: duplicates, contradictory labels, leaks and lopsided classes, before any compute is spent."""

from __future__ import annotations

import json

import click

from workbench.cli import options


@click.command("audit", short_help="Look for duplicates, leaks and contradictory labels.")
@click.argument("source")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout; progress goes to stderr.")
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write every finding as a table (CSV).")
@click.option(
    "--repair",
    is_flag=True,
    help="Say what tune --repair makes of the split: copies and groups on more than one side go to training, images "
    "under different labels are left out.",
)
@click.option("--exclude", multiple=True, metavar="CLASS", help="Leave a class out. Repeat it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
@click.option("--image-size", type=int, metavar="PIXELS", help="Stretch every image to a square of this side.")
@options.workspace
def command(
    source: str,
    as_json: bool,
    out: str | None,
    repair: bool,
    exclude: tuple[str, ...],
    seed: int,
    image_size: int | None,
    workspace: str,
) -> None:
    """Look for trouble in SOURCE before compute is spent on it; tune does so first.

    Exact duplicates (by decoded pixels) and near duplicates (re-encoded, rescaled, brightened, mirrored), one image
    under different labels, copies and groups on more than one side of the split, formats and sizes that give labels
    away, classes too small, extreme imbalance. What is found is no error: the exit code is 0.
    """
    from workbench import api
    from workbench.errors import DataError

    try:
        report = api.audit_source(
            source, seed=seed, image_size=image_size, exclude=exclude, repair=repair, workspace=workspace
        )
    except DataError as error:
        if as_json:  # also a failure is one document
            listed = [{"path": path, "reason": reason} for path, reason in error.skipped]
            click.echo(json.dumps({"error": str(error), "skipped": listed}, indent=2))
        raise
    if out is not None:
        import pandas as pd

        from workbench.errors import WorkbenchError

        columns = ["finding", "family", "path", "label", "part", *(["repaired_part"] if repair else [])]
        try:
            pd.DataFrame(list(report.table()), columns=columns).to_csv(out, index=False, errors="surrogateescape")
        except OSError as error:
            raise WorkbenchError(f"--out {out}: cannot be written: {error.strerror or error}") from None
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2))
        return
    click.echo(f"{report.source}: {len(report.names):,} images, {len(report.classes):,} classes")
    if report.skipped:
        click.echo(f"files left out ({len(report.skipped):,}):")
        for path, reason in report.skipped:
            click.echo(f"  {path}: {reason}")
    for kind, families in report.families.items():
        if families:
            click.echo(f"{kind.replace('_', ' ')} ({len(families):,}):")
        for family in families:
            click.echo("  " + report.describe(family, with_labels=True, with_parts=kind == "leaks", most=20))
    findings = list(report.sentences(examples=0))
    click.echo("In short:" if findings else "Nothing was found.")
    for sentence in findings:
        click.echo(f"  {sentence}")
    if repair:
        from workbench.loading import describe_repair

        click.echo(describe_repair(report))
    elif report.families["leaks"] or report.contradictory:
        click.echo(f"workbench tune {source} --repair keeps copies together and leaves contradictory images out.")
    if out is not None:
        click.echo(f"The table is in {out}.")
