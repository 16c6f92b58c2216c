"""What candidates get wrong: images that one gets right and the other not, confusions, classes, label errors."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.judge import charts
from workbench_dashboard import data, frame, mistakes, pictures
from workbench_dashboard.data import Opened
from workbench_dashboard.mistakes import Answers, Rows

_SHOWN = 24  # images on a page of the gallery


def page() -> None:
    """Draws the page."""
    opened = frame.choose_tested_run()
    if opened is None:
        return
    answers = {row["candidate"]: data.answers(opened, row["candidate"]) for row in opened.tested}
    known = {name: found for name, found in answers.items() if found is not None}
    if len(known) < 2:
        st.info("The predictions of this run are not in the workspace any more.", icon=":material/folder_off:")
        return
    left, right = st.columns(2)
    a = left.selectbox("A", list(known), index=0, key=f"errors_a_{opened.name}")
    family = {row["candidate"]: row["family"] for row in opened.tested}
    others = sorted((name for name in known if name != a), key=lambda name: family[name] in (family[a], "baseline"))
    b = right.selectbox("B", others, index=0, key=f"errors_b_{opened.name}")
    _gallery(opened, a, b, known)
    _confusions(opened, (a, b))
    _classes(opened, (a, b))


def _gallery(opened: Opened, a: str, b: str, known: dict[str, Answers]) -> None:
    found = mistakes.disagreements(known[a], known[b])
    kinds: dict[str, Rows | None] = {
        f"{a} right, {b} wrong": found["only a"],
        f"{b} right, {a} wrong": found["only b"],
        "Both wrong": found["neither"],
        f"Surest mistakes of {a}": mistakes.confident_mistakes(known[a]),
        "Likely label errors": None,
    }
    labels = [kind if rows is None else f"{kind}: {len(rows):,}" for kind, rows in kinds.items()]
    chosen = st.selectbox(
        f"Test images ({len(known[a].labels):,} in all)", labels, key=f"errors_kind_{opened.name}_{a}_{b}"
    )
    rows = list(kinds.values())[labels.index(chosen)]
    if rows is None:
        _label_errors(opened)
        return
    images = data.part_images(opened, "test")
    if images is None or len(images) != len(known[a].labels):
        _gone(opened)
        return
    if not len(rows):
        st.success("There are none.", icon=":material/check:")
        return
    names = opened.class_names
    seen = _one_page(rows, f"errors_page_{chosen}")
    st.image(
        pictures.gallery([images[row] for row in seen]),
        caption=[_caption(row, names, {a: known[a], b: known[b]}) for row in seen],
        width=150,
    )


def _one_page(rows: Rows, key: str) -> Rows:
    pages = -(-len(rows) // _SHOWN)
    if pages == 1:
        return rows
    number = st.number_input(f"Page (of {pages:,})", 1, pages, key=key, width=160)
    return rows[(int(number) - 1) * _SHOWN : int(number) * _SHOWN]


def _caption(row: int, names: Sequence[str], answers: dict[str, Answers]) -> str:
    said = [f"**{frame.plain(names[next(iter(answers.values())).labels[row]])}**"]
    for candidate, of in answers.items():
        sure = "" if of.confidence is None else f" ({of.confidence[row]:.0%})".replace("%", "\u00a0%")
        said.append(f"{frame.plain(candidate)}: {frame.plain(names[of.predictions[row]])}{sure}")
    return "  \n".join(said)


def _label_errors(opened: Opened) -> None:
    with st.spinner("Looking for labels that are likely wrong ..."):
        found = data.label_errors(opened)
    if found is None:
        st.info("No tested candidate gives probabilities, so label errors cannot be looked for.")
        return
    if not found["errors"]:
        st.success("None was found by confident learning.", icon=":material/check:")
        return
    st.caption(
        f"Found by confident learning with {frame.plain(found['candidate'])} in {found['images']:,} images of "
        "validation and test that it had not seen. It is a list to look through: where a candidate is often wrong, it "
        "is often wrong here."
    )
    errors = found["errors"]
    images = data.images_by_name(opened, [(error["part"], error["path"]) for error in errors[:_SHOWN]])
    shown = [(error, image) for error, image in zip(errors, images, strict=False) if image is not None]
    if shown:
        st.image(
            pictures.gallery([image for _, image in shown]),
            caption=[
                f"labelled **{frame.plain(e['label'])}**  \nlikely {frame.plain(e['likely_label'])}" for e, _ in shown
            ],
            width=150,
        )
    st.dataframe(errors, hide_index=True, column_config={"confidence": st.column_config.NumberColumn(format="%.3f")})


def _gone(opened: Opened) -> None:
    st.info(
        "The images of this run are not in the workspace's cache any more. To bring them back, look at the data again "
        "on the **Tune** page; their source was:",
        icon=":material/folder_off:",
    )
    st.text(opened.specification["source"])


def _confusions(opened: Opened, chosen: tuple[str, str]) -> None:
    st.subheader("What is taken for what")
    for column, name in zip(st.columns(2), chosen, strict=True):
        counts = data.confusion(opened, name)
        if counts is not None:
            with column:
                st.text(name)
                frame.draw(charts.confusion_matrix(counts, opened.class_names, width=380), stretch=False)


def _classes(opened: Opened, chosen: tuple[str, str]) -> None:
    rows = {row["candidate"]: row["metrics"] or {} for row in opened.tested if row["candidate"] in chosen}
    colors = charts.colors(opened.document["candidates"])
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Class by class")
        frame.draw(charts.class_recall({name: of.get("per_class_recall") for name, of in rows.items()}, colors))
    with right:
        st.subheader("Can the probabilities be believed?")
        frame.draw(
            charts.reliability({name: of["reliability"] for name, of in rows.items() if of.get("reliability")}, colors)
        )
        for name, of in rows.items():
            if of.get("calibration_error") is not None:
                st.caption(f"{frame.plain(name)}: expected calibration error {of['calibration_error']:.3f}")


page()
