"""The same image through both families: what their features and layers see, and which places and families count."""

from __future__ import annotations

import numpy as np
import streamlit as st

from workbench.errors import WorkbenchError
from workbench.judge import charts
from workbench_dashboard import data, figures, frame, pictures
from workbench_dashboard.data import Opened
from workbench_dashboard.pictures import Pixels

_TEST, _UPLOAD = "A test image", "An upload"
_WIDTH = 170  # pixels of a panel: two fit a phone


def page() -> None:
    """Draws the page."""
    found = frame.choose_run_with_models()
    if found is None:
        return
    opened, names = found
    image = _image(opened)
    if image is None:
        return
    family = {row["candidate"]: row["family"] for row in opened.tested}
    left, right = st.columns(2, gap="large")
    with left:
        a = st.selectbox("A", names, key=f"explain_a_{opened.name}")
        _explanation(opened, a, image)
    with right:
        others = sorted((name for name in names if name != a), key=lambda name: family.get(name) == family.get(a))
        if others:
            _explanation(opened, st.selectbox("B", others, key=f"explain_b_{opened.name}_{a}"), image)
    st.caption(
        "Orange speaks for the answer, blue against it. Occlusion: what the answer loses when a place is hidden. "
        "Grad-CAM: where the last layer sees the class. Feature maps go from edges and spots in the first layer to "
        "parts of things in the last."
    )


def _image(opened: Opened) -> Pixels | None:
    """Lets the visitor choose an image; returns it as the candidates take it, or None."""
    left, right = st.columns([3, 1], vertical_alignment="top")
    with left:
        way = st.segmented_control("Image", [_TEST, _UPLOAD], default=_TEST, key="explain_way")
        image, caption = _upload(opened) if way == _UPLOAD else _test_image(opened)
    if image is not None:
        right.image(pictures.enlarge(image), caption=caption, width=_WIDTH)
    return image


def _test_image(opened: Opened) -> tuple[Pixels | None, str]:
    images = data.part_images(opened, "test")
    said = next((found for row in opened.tested if (found := data.answers(opened, row["candidate"]))), None)
    if images is None or not len(images):
        st.info(
            "The images of this run are not in the workspace's cache any more; upload one instead.",
            icon=":material/folder_off:",
        )
        return None, ""
    key = f"explain_row_{opened.name}"
    st.session_state.setdefault(key, 1)
    st.number_input(f"Number (of {len(images):,})", 1, len(images), key=key, width=200)

    def another() -> None:
        st.session_state[key] = int(np.random.default_rng().integers(len(images))) + 1

    st.button("Another, at random", icon=":material/shuffle:", on_click=another)
    row = int(st.session_state[key]) - 1
    label = "" if said is None else f"labelled **{frame.plain(opened.class_names[said.labels[row]])}**"
    return np.array(images[row]), label


def _upload(opened: Opened) -> tuple[Pixels | None, str]:
    photo = frame.ask_for_photo("explain_upload")
    if photo is None:
        st.info("Choose a photo; it is brought to the size that the candidates were trained on.")
        return None, ""
    try:
        return data.photo(opened, photo.getvalue(), photo.name), frame.plain(photo.name)
    except WorkbenchError as error:
        st.error(frame.plain(error), icon=":material/broken_image:")
        return None, ""


def _explanation(opened: Opened, candidate: str, image: Pixels) -> None:
    try:
        found, panels = data.explanation(opened, candidate, image)
    except WorkbenchError as error:
        st.warning(frame.plain(error), icon=":material/error:")
        return
    sure = "" if found.probability is None else f", probability {found.probability:.2f}"
    st.markdown(f"{frame.plain(candidate)}: **{frame.plain(opened.class_names[found.label])}**{sure}")
    with st.container(horizontal=True, gap="small"):
        for panel in panels:
            st.image(pictures.enlarge(panel.pixels), caption=frame.plain(panel.title), width=_WIDTH)
    if "+" in candidate.partition("/")[0] or candidate.startswith("auto/"):
        _families(opened, candidate)


def _families(opened: Opened, candidate: str) -> None:
    key = f"explain_families_{opened.name}_{candidate}"

    def want() -> None:
        st.session_state[key] = True

    if not st.session_state.get(key, False):
        st.button("Which feature family matters?", icon=":material/leaderboard:", key=f"{key}_button", on_click=want)
        return
    rows = data.family_importance(opened, candidate)
    if rows is None:
        st.info("The test images are not in the workspace's cache any more.", icon=":material/folder_off:")
        return
    frame.draw(figures.family_importance(rows, charts.colors(opened.document["candidates"])[candidate]))
    st.caption(
        f"What is lost when a family's features are permuted over up to {data.MOST_PERMUTED} test images; the line is "
        "one standard deviation either way. Families that say the same stand in for each other: then neither seems to "
        "matter."
    )


page()
