"""Panels of pictures on one sheet, row by row, as one image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from workbench.errors import RunError
from workbench.judge.explanations import Panel

if TYPE_CHECKING:
    from PIL import Image

_SIDE, _GAP, _LINE = 240, 16, 18  # pixels
_HEADING, _TITLE = 17, 13  # sizes of letters
_INK, _PAPER = (40, 40, 40), (255, 255, 255)


def draw(rows: Sequence[tuple[str, Sequence[Panel]]], columns: int = 5) -> Image.Image:
    """Draws rows of panels, each under its heading.

    Args:
        rows: Heading and panels of each.
        columns: So many panels beside each other; a longer row is broken.
    """
    from PIL import Image, ImageDraw, ImageFont

    columns = min(columns, max(len(panels) for _, panels in rows))
    heading, small = ImageFont.load_default(_HEADING), ImageFont.load_default(_TITLE)
    step = _SIDE + 2 * _LINE + _GAP
    lines = [-(-len(panels) // columns) for _, panels in rows]
    height = _GAP + sum(2 * _LINE + count * step for count in lines)
    sheet = Image.new("RGB", (_GAP + columns * (_SIDE + _GAP), height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    top = _GAP
    for (title, panels), count in zip(rows, lines, strict=True):
        pen.text((_GAP, top), title, _INK, heading)
        top += 2 * _LINE - 6
        for number, panel in enumerate(panels):
            left, down = _GAP + number % columns * (_SIDE + _GAP), top + number // columns * step
            pen.multiline_text((left, down), "\n".join(wrap(panel.title, 36)[:2]), _INK, small)
            picture = Image.fromarray(panel.pixels)
            scale = _SIDE / max(picture.size)
            size = round(picture.width * scale), round(picture.height * scale)
            smooth = Image.Resampling.NEAREST if scale > 2 else Image.Resampling.LANCZOS
            sheet.paste(picture.resize(size, smooth), (left, down + 2 * _LINE))
        top += count * step + 6
    return sheet


def write(sheet: Image.Image, path: Path) -> None:
    """Writes a sheet as PNG.

    Raises:
        RunError: If it cannot be written.
    """
    try:
        sheet.save(path, format="PNG")
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from None
