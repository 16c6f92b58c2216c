"""The report: one HTML file that has everything in it, opens without a network, and can be printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.candidate import BASELINE
from workbench.errors import RunError
from workbench.judge.verdict import format_p, format_parameters, format_points, remarks_of
from workbench.tuning.specification import Specification, format_seconds

if TYPE_CHECKING:
    from markupsafe import Markup

    from workbench.judge import charts
    from workbench.judge.leaderboard import Comparison

#: Text and lines take the colour of the page, so that a chart can be read on light and on dark.
_THEME = {
    "background": None,
    "font": "Arial, Helvetica, sans-serif",
    "padding": {"left": 20, "top": 5, "right": 20, "bottom": 5},
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor", "titleColor": "currentColor", "domainColor": "currentColor",
        "tickColor": "currentColor", "gridColor": "currentColor", "gridOpacity": 0.12, "domainOpacity": 0.5,
        "tickOpacity": 0.5, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
    },
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12, "titleFontSize": 12,
               "titleFontWeight": "normal", "columnPadding": 30},
    "text": {"color": "currentColor"},
}  # fmt: skip
#: Options of ``workbench tune`` by their name in a specification, and what they are if not given.
_OPTIONS = {
    "trials": None, "metric": "accuracy", "folds": 0, "repeats": 1, "seed": 0, "image_size": None, "train_size": None,
}  # fmt: skip
_MATRICES = 6
_NOTHING = "\N{EN DASH}"


def write_report(comparison: Comparison, path: Path) -> None:
    """Writes the report of a run.

    Raises:
        RunError: If the file cannot be written.
    """
    try:
        if path.is_dir():
            raise RunError(f"the report cannot be written: {path} is a folder; name a file: {path / 'report.html'}")
        if not path.parent.is_dir():
            raise RunError(f"the report cannot be written: there is no folder {path.parent}; make it, or name another")
        html = render(comparison)
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise RunError(f"the report cannot be written to {path}: {error.strerror}; name another file") from None


def render(comparison: Comparison) -> str:
    """Returns the report of a run as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from workbench.judge import charts

    document = _printable(comparison.document())
    specification = _printable(comparison.specification.as_dict())
    rows = document["leaderboard"]
    environment = Environment(
        loader=PackageLoader("workbench.judge", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"seconds": _seconds, "percent": _percent, "number": _number, "points": format_points}
    environment.filters |= {"p": format_p, "remarks": remarks_of, "parameters": format_parameters}
    return environment.get_template("report.html").render(
        run=document["run"],
        state=comparison.state,
        document=document,
        data=document["data"],
        rows=rows,
        tested=[row for row in rows if row["test_accuracy"] is not None],
        colors=charts.colors(document["candidates"]),
        front=charts.pareto_front(rows),
        baseline=BASELINE,
        specification=specification,
        command=command(comparison.specification),
        plots=_plots(comparison, document),
        most_matrices=_MATRICES,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def command(specification: Specification) -> str:
    """Returns the command that makes such a run."""
    settings = specification.as_dict()
    words = ["workbench", "tune", settings["source"]]
    for candidate in settings["candidates"]:
        words += ["-c", candidate] if candidate != BASELINE else []
    words += ["--budget", f"{settings['budget_seconds']:g}s"]
    for name, usual in _OPTIONS.items():
        if settings.get(name, usual) != usual:
            words += [f"--{name.replace('_', '-')}", str(settings[name])]
    for excluded in settings["exclude"]:
        words += ["--exclude", excluded]
    audit = settings["data"].get("audit")
    flags = {"--deterministic": settings["deterministic"], "--no-audit": audit is None,
             "--repair": bool(audit and audit["repaired"])}  # fmt: skip
    return shlex.join(words + [flag for flag, given in flags.items() if given])


def _plots(comparison: Comparison, document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the plots that there is something in, drawn."""
    from workbench.judge import charts

    rows, classes = document["leaderboard"], list(document["data"]["classes"])
    colors = charts.colors(document["candidates"])
    tested = [row for row in rows if row["test_accuracy"] is not None and row["family"] != "baseline"]
    metrics = {row["candidate"]: row["metrics"] or {} for row in tested}
    curves = {name: found["reliability"] for name, found in metrics.items() if found.get("reliability")}
    recalls = {name: found.get("per_class_recall") for name, found in metrics.items()}
    curve, anytime = document.get("curve"), document["anytime"]["candidates"]
    drawn: dict[str, charts.Chart | None] = {
        "trade": charts.accuracy_against_time(rows, colors) if tested else None,
        "ledger": charts.ledger({row["candidate"]: document["ledger"][row["candidate"]] for row in tested
                                 if row["candidate"] in document["ledger"]}) if tested else None,
        "anytime": charts.anytime(anytime, colors) if anytime else None,
        "reliability": charts.reliability(curves, colors) if curves else None,
        "recall": charts.class_recall(recalls, colors) if any(recalls.values()) else None,
        "curve": charts.learning_curve(curve["points"], colors, curve["crossover"]) if curve else None,
        "curve_seconds": charts.learning_seconds(curve["points"], colors) if curve else None,
    }  # fmt: skip
    plots: dict[str, Any] = {name: draw(chart) for name, chart in drawn.items() if chart is not None}
    plots["matrices"] = []
    for row in tested[:_MATRICES]:
        counts = comparison.confusion(row["candidate"])
        if counts is not None:
            matrix = charts.confusion_matrix(counts, classes, 480)
            plots["matrices"].append((row["candidate"], draw(matrix, 340)))
    return plots


def draw(chart: charts.Chart, least: int = 440) -> Markup:
    """Draws a chart as SVG to be put into a page.

    Args:
        chart: The chart.
        least: Pixels that it is not made narrower than on a small screen; there it scrolls.
    """
    import vl_convert
    from markupsafe import Markup

    svg = vl_convert.vegalite_to_svg({**chart.to_dict(), "config": _THEME}, allowed_base_urls=[])
    found = re.search(r'<svg [^>]*?width="(\d+)', svg)
    width = int(found[1]) if found else least
    svg = svg.replace("<svg ", f'<svg style="min-width: {min(width, least)}px" ', 1)
    return Markup(svg)


def _seconds(value: float | None) -> str:
    return _NOTHING if value is None else format_seconds(value)


def _percent(share: float | None, digits: int = 1) -> str:
    return _NOTHING if share is None else f"{100 * share:.{digits}f} %"


def _number(value: float | None, form: str = ".3f") -> str:
    return _NOTHING if value is None else f"{value:{form}}"


def _printable(value: Any) -> Any:
    """Replaces what no page can hold and names of files and classes may: control characters, and bytes of no UTF-8."""
    if isinstance(value, str):
        return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "�", value)
    if isinstance(value, Mapping):
        return {_printable(key): _printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(inner) for inner in value]
    return value
