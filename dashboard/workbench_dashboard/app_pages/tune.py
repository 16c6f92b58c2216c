"""Choose data, candidates and a budget; look at the data; start, stop and resume runs in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from workbench.api import DEFAULT_CANDIDATES
from workbench.candidate import BASELINE, Candidate, parse
from workbench.errors import PluginError, WorkbenchError
from workbench.registry import Registry
from workbench.tuning.specification import ACCURACY, METRICS, parse_budget
from workbench_dashboard import data, data_view, frame, processes, uploads
from workbench_dashboard.processes import Process

_WAYS = ("Data set", "Folder or file", "Upload a zip")


def page() -> None:
    """Draws the page."""
    st.header("Compare candidates on your images")
    source = _choose_source()
    flags = ["--seed", "0"]
    if source:
        flags = _look(source)
    st.subheader("What competes")
    arguments = _choose_rest(source, flags)
    if arguments:
        st.caption("This is what will be started; in a terminal it does the same.")
        st.code(processes.command_line(arguments), language="bash", wrap_lines=True)
    _start(arguments)
    _resume()
    _recent()


def _choose_source() -> str | None:
    st.subheader("Data")
    way = st.segmented_control("Where the images are", _WAYS, default=_WAYS[0], key="tune_way")
    if way == _WAYS[0]:
        names = Registry.discover().names("dataset")
        return st.selectbox("Data set", names, index=names.index("digits") if "digits" in names else 0, key="tune_name")
    if way == _WAYS[1]:
        path = st.text_input(
            "Path on this machine",
            placeholder="/home/me/photos",
            help="A folder with a folder for each class, a table (.csv, .parquet), an .npz or a folder of IDX files.",
            key="tune_path",
        ).strip()
        if path and not Path(path).expanduser().exists():
            st.error(f"There is no {frame.plain(path)} on this machine.", icon=":material/error:")
            return None
        return str(Path(path).expanduser().absolute()) if path else None
    if way == _WAYS[2]:
        most = uploads.MOST_ZIPPED // uploads.MEGABYTE
        upload = st.file_uploader(
            f"A zip with a folder for each class, at most {most} MB", type="zip", max_upload_size=most, key="tune_zip"
        )
        if upload is None:
            return st.session_state.get("tune_unpacked")
        try:
            with st.spinner("Unpacking ..."):
                unpacked = str(uploads.unpack(upload, upload.name, data.workspace().path / "uploads"))
        except WorkbenchError as error:
            st.error(frame.plain(error), icon=":material/error:")
            return None
        st.session_state["tune_unpacked"] = unpacked  # another page drops the upload, not what was unpacked
        return unpacked
    return None


def _look(source: str) -> list[str]:
    """Lets the visitor look at the data first; returns the options that say what becomes of them."""
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    seed = int(left.number_input("Seed", min_value=0, value=0, help="Of the split, the samplers and the estimators."))
    arguments = ["audit", source, "--json", "--seed", str(seed), "--workspace", str(data.workspace().path)]
    looks = [p for p in processes.started(data.workspace()) if list(p.arguments) == arguments]
    pressed = right.button("Look at the data", icon=":material/search:", disabled=bool(looks) and looks[0].running)
    if pressed:
        looks = [processes.start(data.workspace(), arguments)]
    classes = _seen(looks[0], looks[0].running) if looks else []
    exclude = st.multiselect("Leave classes out", classes, key="tune_exclude") if classes else []
    repair = st.checkbox(
        "Repair the split",
        help="Copies and groups that are on more than one side go to training; images under different labels are left "
        "out.",
        key="tune_repair",
    )
    excluded = [word for name in exclude for word in ("--exclude", name)]
    return ["--seed", str(seed), *excluded, *["--repair"] * repair]


def _seen(look: Process, running: bool) -> list[str]:
    """Shows what was found; returns the names of the classes, once they are known."""
    if running:
        _watch(look)
        return []
    try:
        found = json.loads(look.output)
    except ValueError:
        st.error("Looking at the data failed.", icon=":material/error:")
        st.code(look.log[-2000:], language=None)
        return []
    if "error" in found:
        st.error(frame.plain(found["error"]), icon=":material/error:")
        data_view.skipped(found["skipped"])
        return []
    st.markdown(f"**{found['images']:,} images, {len(found['classes']):,} classes**")
    data_view.findings(found.get("findings", []))
    data_view.skipped(found["skipped"])
    balance, images = st.tabs(["Images", "Classes"])[::-1]
    with balance:
        data_view.class_balance(found["classes"])
    with images:
        data_view.samples(found["fingerprint"], list(found["classes"]), "tune")
    return list(found["classes"])


@st.fragment(run_every=1.0)
def _watch(look: Process) -> None:
    if not look.running:
        st.rerun()
    st.info("Reading the images, looking for copies and leaks ...", icon=":material/hourglass_top:")
    st.code(_last_lines(look.log, 3), language=None)


def _choose_rest(source: str | None, flags: list[str]) -> list[str] | None:
    registry = Registry.discover()
    offered = [
        *DEFAULT_CANDIDATES,
        *registry.names("network"),
        *(f"{e}/{c}" for e in registry.names("extractor") for c in registry.names("classifier")),
    ]
    candidates = st.multiselect(
        "Candidates",
        list(dict.fromkeys(offered)),
        default=list(DEFAULT_CANDIDATES),
        accept_new_options=True,
        help="Write a path of your own: hog+color/kbest/svm. The most-frequent-class baseline always competes besides.",
        key="tune_candidates",
    )
    left, right = st.columns(2)
    budget = left.text_input(
        "Budget", "10m", help="Wall-clock time for the whole run: 90s, 10m, 1h.", key="tune_budget"
    )
    trials = right.number_input(
        "Most trials for a candidate",
        min_value=1,
        value=None,
        placeholder="as many as the budget gives",
        key="tune_trials",
    )
    left, right = st.columns(2)
    metric = left.selectbox("Tune and rank by", list(METRICS), help="In accuracy, a large class counts for more.",
                            key="tune_metric")  # fmt: skip
    repeats = int(right.number_input("Refits of each winner", min_value=1, value=1, key="tune_repeats",
                                     help="With other seeds, to see how much is chance."))  # fmt: skip
    try:
        for candidate in candidates:
            _refuse_broken(parse(candidate, registry, load=False))
        parse_budget(budget)
    except WorkbenchError as error:
        st.error(frame.plain(str(error).splitlines()[0]), icon=":material/error:")
        return None
    if not [name for name in candidates if name != BASELINE]:
        st.info("Pick at least one candidate.")
        return None
    if source is None:
        st.info("Choose the data first.")
        return None
    arguments = ["tune", source]
    for candidate in candidates:
        arguments += ["-c", candidate]
    arguments += ["--budget", budget.strip(), *flags]
    arguments += ["--trials", str(int(trials))] if trials else []
    arguments += ["--metric", metric] if metric != ACCURACY else []
    arguments += ["--repeats", str(repeats)] if repeats > 1 else []
    return [*arguments, *data.place_arguments()]


def _refuse_broken(candidate: Candidate) -> None:
    if all(plugin.is_ours for plugin in candidate.plugins):
        return
    wrong = {found.plugin: found.error for found in data.plugins() if found.error}
    for plugin in candidate.plugins:
        if plugin in wrong:
            raise PluginError(wrong[plugin])


def _start(arguments: list[str] | None) -> None:
    busy = data.running() or [p.source for p in processes.started(data.workspace()) if p.kind == "tune" and p.running]
    if busy:
        st.warning(
            f"{frame.plain(busy[0])} is being worked on. Two runs at once would slow each other down and spoil each "
            "other's times: wait for it, or stop it on the **Live** page.",
            icon=":material/hourglass_top:",
        )
    if st.button("Start", type="primary", icon=":material/play_arrow:", disabled=bool(busy) or arguments is None):
        assert arguments is not None
        processes.start(data.workspace(), arguments)
        st.switch_page("app_pages/live.py")


def _resume() -> None:
    held = data.running()
    stopped = [run for run in data.unfinished() if run not in held]
    if not stopped:
        return
    st.subheader("Go on with a run that was stopped")
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    run = left.selectbox("Run", stopped, key="tune_resume")
    arguments = ["tune", "--resume", run, *data.place_arguments()]
    if right.button("Resume", icon=":material/resume:", disabled=bool(held)):
        processes.start(data.workspace(), arguments)
        st.switch_page("app_pages/live.py")
    st.code(processes.command_line(arguments), language="bash", wrap_lines=True)


def _recent() -> None:
    tunes = [p for p in processes.started(data.workspace()) if p.kind == "tune"][:5]
    if not tunes:
        return
    st.subheader("Started from here")
    for process in tunes:
        state = "running" if process.running else "ended"
        with st.expander(f"{frame.plain(process.run or process.source)}: {state}"):
            st.code(process.command, language="bash", wrap_lines=True)
            st.code(_last_lines(process.log, 15) or "(it said nothing)", language=None)


def _last_lines(text: str, count: int) -> str:
    return "\n".join(line for line in text.splitlines()[-count:])


page()
