"""``workbench tune``: compare candidates on a data set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import options
from workbench.tuning.specification import ACCURACY, METRICS

if TYPE_CHECKING:
    from workbench.judge.leaderboard import Comparison


@click.command("tune", short_help="Compare candidates on a data set.")
@click.argument("source", required=False)
@click.option(
    "-c",
    "--candidate",
    "candidates",
    multiple=True,
    metavar="PATH",
    help="What competes: extractors/classifier (hog+color/svm), extractors/selector/classifier (hog/kbest/svm) or a "
    "network (cnn). Repeat it. Default: hog/svm, hog+color+edges/xgboost and cnn. A most-frequent-class baseline "
    "always competes.",
)
@click.option("--budget", metavar="TIME", help="Wall-clock time for the whole run: 90s, 10m, 1h.  [default: 10m]")
@click.option("--trials", type=click.IntRange(min=1), help="Most trials for a candidate.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split, samplers and estimators.")
@click.option("--image-size", type=int, metavar="PIXELS", help="Stretch every image to a square of this side.")
@click.option("--exclude", multiple=True, metavar="CLASS", help="Leave a class out. Repeat it.")
@click.option(
    "--metric",
    type=click.Choice(list(METRICS)),
    default=ACCURACY,
    show_default=True,
    help="What is tuned and ranked.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="Tune by cross-validation in so many folds, the same for all.  [default: one validation part]",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Refit and test each winner so often, with other seeds.",
)
@click.option("--train-size", type=click.IntRange(min=2), metavar="N", help="Train and validate on N images only.")
@click.option("--deterministic", is_flag=True, help="Equal seeds give equal results for networks too, on the CPU.")
@click.option(
    "--cache-size",
    metavar="SIZE",
    help="Most features to keep in the workspace for later trials and runs: 5GB; 0 for none.  [default: 20GB, or half "
    "of the free disk]",
)
@click.option("--no-audit", is_flag=True, help="Do not look for duplicates and leaks first.")
@click.option(
    "--repair",
    is_flag=True,
    help="Repair the split: copies and groups on more than one side go to training, images under different labels are "
    "left out.",
)
@click.option("--resume", metavar="RUN", help="Go on where a run stopped, instead of starting one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout; progress goes to stderr.")
@options.workspace
@options.storage
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: str | None,
    candidates: tuple[str, ...],
    resume: str | None,
    as_json: bool,
    budget: str | None,
    cache_size: str | None,
    workspace: str,
    storage: str | None,
    no_audit: bool,
    folds: int | None,
    **settings: Any,
) -> int:
    """Compare hand-crafted candidates and networks on SOURCE: same images, split, seeds and time.

    SOURCE is the name of a data set plugin (workbench plugins lists them), a folder with a folder for each class (with
    or without train/ val/ test/ above them), a table (.csv or .parquet with the columns path and label, and optionally
    split and group), an .npz or a folder of IDX files.
    """
    if (source is None) == (resume is None):
        raise click.UsageError("give either SOURCE or --resume RUN: workbench tune digits")
    if resume is not None:
        given = [
            name
            for name in (
                *("candidates", "trials", "seed", "image_size", "exclude", "metric", "folds", "repeats", "train_size"),
                *("deterministic", "no_audit", "repair"),
            )
            if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        ]
        if given:
            flag = "--" + ("candidate" if given[0] == "candidates" else given[0].replace("_", "-"))
            raise click.UsageError(f"--resume goes on with the run's own settings; {flag} cannot be changed")

    from workbench import api
    from workbench.cli import INTERRUPTED
    from workbench.errors import WorkbenchError

    code = None
    place: dict[str, Any] = {"workspace": workspace, "storage": storage, "cache_size": cache_size}
    try:
        if resume is not None:
            comparison = api.resume(resume, budget=budget, **place)
        else:
            assert source is not None
            comparison = api.tune(
                source,
                candidates or None,
                budget=budget or "10m",
                audit=not no_audit,
                folds=folds or 0,
                **place,
                **settings,
            )
    except api.Interrupted as interrupted:
        comparison, code = interrupted.comparison, INTERRUPTED
    except WorkbenchError as error:
        skipped = getattr(error, "skipped", ())
        if as_json:  # also a failure is one document
            listed = [{"path": path, "reason": reason} for path, reason in skipped]
            click.echo(json.dumps({"error": str(error), "data": {"skipped": listed}}, indent=2))
        else:
            from workbench.loading import say_skipped
            from workbench.tuning.progress import Display

            say_skipped(skipped, Display())
        raise
    _print(comparison, as_json, workspace, storage)
    return code if code is not None else exit_code(comparison)


def exit_code(comparison: Comparison) -> int:
    """Returns 0, or 1 if no candidate but the baseline has a test accuracy."""
    from workbench.cli import DONE, NO_RESULT

    rows = comparison.rows()
    judged = [row for row in rows if row["test_accuracy"] is not None and row["family"] != "baseline"]
    return DONE if judged or all(row["family"] == "baseline" for row in rows) else NO_RESULT


def _print(comparison: Comparison, as_json: bool, workspace: str, storage: str | None) -> None:
    if as_json:
        click.echo(json.dumps(comparison.document(), indent=2))
        return
    from workbench.cli.tables import print_comparison

    print_comparison(comparison)
    where = "" if workspace == "workbench-runs" else f" --workspace {workspace}"
    where += f" --storage {storage}" if storage else ""
    click.echo()
    click.echo(f"This table again:    workbench show {comparison.name}{where}")
    if not comparison.finished:
        click.echo(f"Go on with the run:  workbench tune --resume {comparison.name}{where}")
    click.echo(f"In the dashboard:    workbench dashboard{where}")
