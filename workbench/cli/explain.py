"""``workbench explain``: what candidates see of an image, drawn."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import options


@click.command("explain", short_help="Draw what each candidate sees of an image.")
@click.argument("run")
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="PNG to write.  [default: RUN.png]"
)
@click.option("-c", "--candidate", "candidates", multiple=True, help="Candidate of the run; may be repeated.")
@options.workspace
@options.storage
def command(
    run: str, image: Path, output: Path | None, candidates: tuple[str, ...], workspace: str, storage: str | None
) -> None:
    """Draw what the candidates of RUN see of IMAGE, a picture file, and where they see its class.

    Of hand-crafted features, what each extractor can show of itself; of a network, its feature maps from the first
    layer to the last, and Grad-CAM; of any, what it loses when a place of the image is hidden.
    """
    from workbench import api
    from workbench.judge import explanations, sheet
    from workbench.judge.explanations import Panel

    comparison = api.open_run(run, workspace=workspace, storage=storage)
    pixels = explanations.read_image(comparison, image)
    given = Panel(image.name, explanations.as_colour(pixels))
    rows = []
    for explained in explanations.explain(comparison, pixels, candidates):
        rows.append((explained.sentence, [given, *explained.panels]))
        click.echo(explained.sentence, err=True)
    target = output or Path(f"{run}.png")
    sheet.write(sheet.draw(rows), target)
    click.echo(target)
