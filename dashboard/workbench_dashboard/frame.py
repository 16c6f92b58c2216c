"""What pages share: the choice of a run, words for where there is nothing to show, and text that stays text."""

from __future__ import annotations

import base64
import json
import re
import shlex
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.tuning.specification import format_seconds
from workbench_dashboard import data, uploads
from workbench_dashboard.data import Opened

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from workbench.judge.charts import Chart

#: What Vega-Lite draws.
Specification = dict[str, Any]

_RUN, _CHOSEN = "run", "chosen_run"  # the select box, which lives on its page, and what was chosen, on all pages
_GREY = "#8A8A8A"
_PICTURE = 700  # pixels, as wide as it fits beside the menu of a small laptop
_MOMENT = 0.3  # seconds, in which a browser draws the picture
_ICONS = {"running": ":material/progress_activity:", "finished": ":material/check:", "stopped": ":material/pause:"}


def plain(text: object) -> str:
    """Returns text for Markdown that shows it letter by letter: names of classes and files are never markup."""
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(str(text).split()))
    return re.sub(r":(?=[\w+-]+\\?:)", ":\u2060", escaped)  # no emoji either


def draw_at_once(chart: Specification, key: str) -> None:
    """Draws a chart; on a visit's first time as a picture, which the browser has long before it can draw charts.

    It fetches and reads 2 MB of scripts for charts and tables. Meanwhile the picture is there.

    Args:
        chart: The chart.
        key: Names it in the session.
    """
    place = st.empty()
    if not st.session_state.get(key):
        encoded = base64.b64encode(picture(chart).encode()).decode()
        place.markdown(f"![](data:image/svg+xml;base64,{encoded})")  # what shows Markdown is there already
        time.sleep(_MOMENT)
        st.session_state[key] = True
    with place:
        draw(chart)


def picture(chart: Specification) -> str:
    """Returns a chart as SVG that can be read on a light and on a dark page."""
    return _svg(json.dumps({**chart, "width": _PICTURE}))


@lru_cache(maxsize=64)
def _svg(specification: str) -> str:
    import vl_convert

    axis = {"labelColor": _GREY, "titleColor": _GREY, "gridColor": _GREY, "gridOpacity": 0.3, "domain": False,
            "tickColor": _GREY, "titleFontWeight": "normal"}  # fmt: skip
    config = {"background": "transparent", "view": {"stroke": None}, "axis": axis, "text": {"color": _GREY},
              "legend": {"labelColor": _GREY}, "font": "sans-serif"}  # fmt: skip
    svg: str = vl_convert.vegalite_to_svg({**json.loads(specification), "config": config}, allowed_base_urls=[])
    return svg


def specification(chart: Chart) -> Specification:
    """Returns a chart as Vega-Lite reads it. The tests see that it is valid: to look every time takes as long again."""
    found: Specification = chart.to_dict(validate=False)
    return {name: value for name, value in found.items() if name != "config"}  # Altair's theme; pages have their own


def draw(chart: Chart | Specification, stretch: bool = True) -> None:
    """Draws a chart as wide as the page, or as it is, with text that can be read on its background."""
    drawn = chart if isinstance(chart, dict) else specification(chart)
    text = "#EDEBE8" if st.context.theme.type == "dark" else "#2F2D2B"
    autosize = {"type": "fit-x", "contains": "padding"} if stretch else {"type": "pad"}
    st.vega_lite_chart(
        {**drawn, "config": {"text": {"color": text}}, "autosize": autosize}, width="stretch" if stretch else "content"
    )


def choose_run() -> Opened | None:
    """Lets the visitor choose a run, the newest first, and keeps the choice in the address.

    Returns:
        The run; None if there is none to show, and the page has said why.
    """
    try:
        names = data.run_names()
    except WorkbenchError as error:
        st.error(plain(error), icon=":material/error:")
        return None
    if not names:
        st.info("There are no runs in this workspace yet.", icon=":material/inbox:")
        st.text(str(data.workspace().path))
        st.markdown("Start one on the **Tune** page, or in a terminal:")
        st.code("workbench tune digits", language="bash")
        return None
    wanted = st.query_params.get("run", st.session_state.get(_CHOSEN))
    if wanted not in names:
        if "run" in st.query_params:
            st.warning(f"There is no run {plain(wanted)} in this workspace; this is the newest.")
        wanted = names[0]
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    st.session_state[_RUN] = wanted  # not index=: a select box whose default changes forgets what was chosen
    run = left.selectbox("Run", names, key=_RUN, on_change=_remember_choice)
    st.session_state[_CHOSEN] = run
    st.query_params["run"] = run
    opened = data.open_run(run)
    if isinstance(opened, str):
        st.warning(plain(opened[:1].upper() + opened[1:]), icon=":material/lock:")
        return None
    right.badge(opened.state, icon=_ICONS[opened.state], color="green" if opened.state == "finished" else "orange")
    right.caption(_describe(opened))
    return opened


def _remember_choice() -> None:
    st.query_params["run"] = st.session_state[_RUN]


def choose_tested_run() -> Opened | None:
    """Lets a visitor choose a run; of one without a test accuracy it says why, and returns None."""
    opened = choose_run()
    if opened is not None and no_result(opened):
        why_nothing(opened)
        return None
    return opened


def choose_run_with_models() -> tuple[Opened, list[str]] | None:
    """Lets a visitor choose a run; returns it with the candidates whose models were kept, if any were."""
    opened = choose_tested_run()
    if opened is None:
        return None
    names = data.models(opened)
    if not names:
        no_models(opened)
        return None
    return opened, names


def ask_for_photo(key: str) -> UploadedFile | None:
    """Lets the visitor upload one image file."""
    most = uploads.MOST_PHOTO // uploads.MEGABYTE
    photo: UploadedFile | None = st.file_uploader("Photo", type=list(uploads.PHOTOS), max_upload_size=most, key=key)
    return photo


def _describe(opened: Opened) -> str:
    recorded = opened.document["data"]
    counts = recorded["counts"]
    parts = [
        plain(recorded["name"]),
        f"{counts['images']:,} images, {len(recorded['classes']):,} classes",
        f"{counts['train']:,} to train, {counts['val']:,} to validate, {counts['test']:,} to test",
        f"budget {format_seconds(opened.specification['budget_seconds'])}",
        f"seed {opened.specification['seed']}",
    ]
    return " · ".join(parts)


def why_nothing(opened: Opened) -> None:
    """Says why a run has nothing to show yet, candidate by candidate."""
    if opened.state == "running":
        st.info(
            "No candidate has been tested yet: the run is going on. The **Live** page shows how far it is; this page "
            "fills when the first candidate has been refitted.",
            icon=":material/hourglass_top:",
        )
    elif opened.state == "stopped":
        st.info(
            "No candidate has been tested: the run was stopped before. Go on with it on the **Tune** page, or in a "
            "terminal:",
            icon=":material/pause:",
        )
        st.code(f"workbench tune --resume {opened.name}", language="bash")
    else:
        st.warning("No candidate has been tested. This is what became of each:", icon=":material/error:")
    for row in opened.document["leaderboard"]:
        if row["test_accuracy"] is None:
            st.markdown(f"- **{plain(row['candidate'])}**: {plain(row['status'])}")


def no_models(opened: Opened) -> None:
    """Says that a run has kept no models, and how to get some."""
    st.info(
        "This run has kept no model of its candidates: they could not be stored, or an older version of the workbench "
        "made the run. Run the comparison again to have them, on the **Tune** page or in a terminal:",
        icon=":material/folder_off:",
    )
    st.code(f"workbench tune {shlex.quote(opened.specification['source'])}", language="bash")


def no_result(opened: Opened) -> bool:
    """Whether no candidate but the baseline has a test accuracy."""
    return all(row["family"] == "baseline" for row in opened.tested)
