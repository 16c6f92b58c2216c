"""Test accuracy and seconds against the number of training images: how many images does a network need to win?"""

from __future__ import annotations

import streamlit as st

from workbench.judge import charts
from workbench_dashboard import data, frame, processes
from workbench_dashboard.data import Opened
from workbench_dashboard.processes import Process


def page() -> None:
    """Draws the page."""
    opened = frame.choose_run()
    if opened is None:
        return
    curve = opened.document.get("curve")
    if curve and curve["points"]:
        colors = charts.colors(opened.document["candidates"])
        for met in curve["crossover"]:
            st.markdown(f"#### {frame.plain(met['sentence'])}")
        frame.draw(charts.learning_curve(curve["points"], colors, curve["crossover"]))
        frame.draw(charts.learning_seconds(curve["points"], colors))
        how = "was tuned anew" if curve["retuned"] else "is a training with the parameters found on all images"
        st.caption(f"Every point {how}; bars: 95 % intervals.")
        number = st.column_config.NumberColumn
        st.dataframe(
            curve["points"],
            hide_index=True,
            column_config={
                "images": number("training images", format="localized"),
                "repeats": "subsets",
                "test_accuracy": number("test accuracy", format="%.4f"),
                "low": number("95 % interval from", format="%.4f"),
                "high": number("to", format="%.4f"),
                "seconds": number("training (s)", format="%.2f"),
            },
        )
        return
    if frame.no_result(opened):
        frame.why_nothing(opened)
        return
    _compute(opened)


def _compute(opened: Opened) -> None:
    arguments = ["curve", opened.name, *data.place_arguments()]
    st.info("The learning curve of this run has not been measured.", icon=":material/show_chart:")
    st.markdown(
        "It trains the best of each candidate again on more and more of the images, and tells from how many on a "
        "network is worth it."
    )
    st.code(processes.command_line(arguments), language="bash", wrap_lines=True)
    process = next((p for p in processes.started(data.workspace()) if list(p.arguments) == arguments), None)
    if process is not None and process.running:
        _watch(process)
        return
    busy = data.running()
    if busy:
        st.caption(f"{frame.plain(busy[0])} is running: two at once would spoil each other's times.")
    if st.button("Measure it", type="primary", icon=":material/play_arrow:", disabled=bool(busy)):
        processes.start(data.workspace(), arguments)
        st.rerun()
    if process is not None:
        st.caption("The last time it said:")
        st.code("\n".join(process.log.splitlines()[-10:]) or "(nothing)", language=None, wrap_lines=True)


@st.fragment(run_every=2.0)
def _watch(process: Process) -> None:
    if not process.running:
        st.rerun()
    st.info("It is being measured ...", icon=":material/hourglass_top:")
    st.code("\n".join(process.log.splitlines()[-6:]) or "...", language=None, wrap_lines=True)
    if st.button("Stop", icon=":material/stop:"):
        process.stop()


page()
