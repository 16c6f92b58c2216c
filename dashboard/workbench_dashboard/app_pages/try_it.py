"""A photo, and what every candidate says of it: answer, confidence and latency side by side."""

from __future__ import annotations

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.judge import explanations
from workbench_dashboard import data, frame, pictures
from workbench_dashboard.data import Opened
from workbench_dashboard.pictures import Pixels

_UPLOAD, _CAMERA = "Upload", "Camera"


def page() -> None:
    """Draws the page."""
    found = frame.choose_run_with_models()
    if found is None:
        return
    opened, names = found
    left, right = st.columns([3, 1], vertical_alignment="top")
    with left:
        way = st.segmented_control("Photo from", [_UPLOAD, _CAMERA], default=_UPLOAD, key="try_way")
        by_camera = way == _CAMERA
        photo = st.camera_input("Camera", key="try_camera") if by_camera else frame.ask_for_photo("try_upload")
    if photo is None:
        st.info(
            "Give a photo of one of the classes, and see what each candidate takes it for. The candidates know "
            f"{_listed(opened.class_names)}, and nothing else: they take any picture for one of these.",
            icon=":material/photo_camera:",
        )
        return
    try:
        image = data.photo(opened, photo.getvalue(), photo.name)
    except WorkbenchError as error:
        st.error(frame.plain(error), icon=":material/broken_image:")
        return
    right.image(pictures.enlarge(image), caption="as the candidates get it", width=170)
    rows = [_row(opened, name, image) for name in names]
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "probability": st.column_config.ProgressColumn(width="small", format="%.2f", min_value=0.0, max_value=1.0),
            "latency": st.column_config.NumberColumn("latency (ms)", width="small", format="%.1f"),
            "test accuracy": st.column_config.NumberColumn(width="small", format="%.4f"),
        },
    )
    without = [str(row["candidate"]) for row in rows if row["latency"] is not None and row["probability"] is None]
    if without:
        st.caption(f"Without a probability: {frame.plain(', '.join(without))}; its classifier tells none.")
    st.caption(
        "Latency: of this one image, here and now, in the dashboard's process. The leaderboard's was measured alone on "
        "the machine. A picture of something else than the classes gets an answer too, and may get a confident one."
    )


def _row(opened: Opened, candidate: str, image: Pixels) -> dict[str, object]:
    accuracy = next(row["test_accuracy"] for row in opened.tested if row["candidate"] == candidate)
    try:
        found = explanations.answer(data.model(opened, candidate)[0], image)
    except WorkbenchError as error:
        return {"candidate": candidate, "answer": str(error), "probability": None, "latency": None}
    return {
        "candidate": candidate,
        "answer": opened.class_names[found.label],
        "probability": found.probability,
        "latency": found.latency_ms,
        "test accuracy": accuracy,
    }


def _listed(names: list[str], most: int = 12) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(f"**{frame.plain(name)}**" for name in names[:most]) + more


page()
