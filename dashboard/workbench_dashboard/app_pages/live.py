"""A run while it runs: best so far against time, trials by how they ended, the running trial's learning curve."""

from __future__ import annotations

import time
from datetime import UTC
from typing import Any

import streamlit as st

from workbench.judge import charts
from workbench.tuning.specification import format_seconds
from workbench.tuning.trials import read_running, read_trials
from workbench_dashboard import data, figures, frame, processes
from workbench_dashboard.data import Opened
from workbench_dashboard.measures import share_of_budget
from workbench_dashboard.processes import Process

_WATCHED = "live_run"


def page() -> None:
    """Draws the page, which refreshes itself while something runs."""
    held, process = data.running(), _newest()
    beginning = process is not None and process.running and process.run not in held
    if process is not None and process.running and process.run:
        st.session_state[_WATCHED] = process.run
    elif held:
        st.session_state[_WATCHED] = held[0]
    watched = st.session_state.get(_WATCHED)
    if len(held) > 1:
        watched = st.selectbox("Run", held, key="live_choice")
    if not held and not beginning and watched not in data.run_names():
        st.info("No run is going on.", icon=":material/bedtime:")
        if process is not None:
            _last_words(process)
        st.page_link("app_pages/tune.py", label="Start one", icon=":material/play_arrow:")
        return
    _live(watched)


@st.fragment(run_every=2.0)
def _live(watched: str | None) -> None:
    process = _newest()
    if process is not None and process.running and process.run not in data.running():
        _beginning(process)
        if process.run:
            return
    if watched is None or watched not in data.run_names():
        if process is None or not process.running:
            st.rerun()  # it ended before it made a run
        if process is not None and process.run in data.run_names():
            st.rerun()  # now it has a name
        return
    opened = data.open_run(watched)
    if isinstance(opened, str):
        st.warning(frame.plain(opened))
        return
    if opened.state == "running":
        _going_on(opened, process if process is not None and process.run == watched else None)
    else:
        _ended(opened)


def _beginning(process: Process) -> None:
    st.subheader(f"{frame.plain(process.source)} is about to begin")
    st.caption("Reading the images, looking for copies and leaks, and building every candidate once.")
    st.code("\n".join(process.log.splitlines()[-6:]) or "...", language=None, wrap_lines=True)
    _stop(process)


def _going_on(opened: Opened, process: Process | None) -> None:
    studies = data.comparison(opened.name).studies
    names = [name for name in opened.specification["candidates"] if name in studies]
    curves = {name: curve for name in names for curve in read_running(studies[name]).values()}
    trials = {name: read_trials(studies[name]) for name in names}
    share = share_of_budget(opened.specification)
    used = {name: sum(trial.record["trial_seconds"] for trial in of) for name, of in trials.items()}
    now = [t.datetime_start.replace(tzinfo=UTC).timestamp() for of in trials.values() for t in of
           if t.state == "RUNNING" and t.datetime_start]  # fmt: skip
    busy = time.time() - min(now) if now else 0.0
    left = max(0.0, sum(max(0.0, share - used[name]) for name in names if name != "baseline") - busy)
    tested = {row["candidate"] for row in opened.tested}
    st.subheader(f"{opened.name} is running")
    with st.container(horizontal=True):
        st.metric("Time left, at most", format_seconds(left), border=True, width=180)
        done = sum(len(of) for of in trials.values()) - len(curves)
        st.metric("Trials ended", f"{done:,}", border=True, width=140)
        st.metric("Tested", f"{len(tested.intersection(names))} of {len(names)}", border=True, width=140)
        st.metric("In a trial now", next(iter(curves), "none"), border=True, width=260,
                  help="None: between two trials, or winners are being refitted and tested.")  # fmt: skip
    colors = charts.colors(opened.document["candidates"])
    shown = st.multiselect(
        "Candidates", [n for n in names if n != "baseline"], placeholder="all", key="live_candidates"
    )
    st.markdown("**Best validation accuracy so far**")
    so_far = opened.document["anytime"]["candidates"]
    frame.draw(charts.anytime([of for of in so_far if not shown or of["candidate"] in shown], colors))
    if curves:
        st.markdown("**The running trial**")
        frame.draw(figures.trial_curve({n: c for n, c in curves.items() if not shown or n in shown}, colors))
    st.dataframe([_row(row, used, share) for row in opened.document["leaderboard"]], hide_index=True,
                 column_config=_COLUMNS, placeholder="-")  # fmt: skip
    if process is not None:
        with st.expander("What it says"):
            st.code("\n".join(process.log.splitlines()[-15:]), language=None, wrap_lines=True)
        _stop(process)
    else:
        st.caption("It was started in a terminal: Ctrl-C there stops it.")


_COLUMNS = {
    "best validation accuracy": st.column_config.NumberColumn(format="%.4f"),
    "share of the time used": st.column_config.ProgressColumn(min_value=0, max_value=1, format="percent"),
}


def _row(row: dict[str, Any], used: dict[str, float], share: float) -> dict[str, Any]:
    return {
        "candidate": row["candidate"],
        "best validation accuracy": row["validation_accuracy"],
        **row["trials"],
        "share of the time used": None
        if row["family"] == "baseline"
        else min(1.0, used.get(row["candidate"], 0) / share),
        "tested": "yes" if row["test_accuracy"] is not None else "not yet",
    }


def _ended(opened: Opened) -> None:
    if opened.state == "finished":
        st.success(f"{opened.name} is finished.", icon=":material/check:")
    else:
        st.warning(f"{opened.name} was stopped; the Tune page goes on with it.", icon=":material/pause:")
    st.markdown(frame.plain(opened.document["verdict"]))
    st.page_link("app_pages/compare.py", label="Compare", icon=":material/balance:", query_params={"run": opened.name})
    st.page_link("app_pages/tune.py", label="Start another", icon=":material/play_arrow:")


def _last_words(process: Process) -> None:
    st.caption("What was started last said:")
    said = process.log.strip().splitlines()
    wrong = next((line for line in said if line.startswith("error: ")), None)
    if wrong:
        st.error(frame.plain(wrong.removeprefix("error: ")), icon=":material/error:")
        said = said[said.index(wrong) + 1 :]  # a plugin's traceback, if anything
    if said or not wrong:
        st.code("\n".join(said[-10:]) or "(nothing)", language=None, wrap_lines=True)


def _stop(process: Process) -> None:
    stopping = st.session_state.get("live_stopped") == process.name
    label = "Stop at once" if stopping else "Stop"
    why = "It refits what it has found, then ends; press again to end it at once." if stopping else None
    if st.button(label, icon=":material/stop:", key=f"stop_{process.name}_{stopping}"):
        process.stop()
        st.session_state["live_stopped"] = process.name
        st.rerun(scope="fragment")
    if why:
        st.caption(why)


def _newest() -> Process | None:
    """Returns what was started last to make a run or to go on with one."""
    return next((p for p in processes.started(data.workspace()) if p.kind == "tune"), None)


page()
