"""A data set as pages show it: what the audit found, how large the classes are, and some images of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from workbench_dashboard import data, figures, frame, pictures

_MOST_CLASSES = 12


def findings(sentences: Sequence[str]) -> None:
    """Shows what the audit found."""
    if not sentences:
        st.success("The audit found nothing: no copies, no leaks, no contradictory labels.", icon=":material/check:")
        return
    with st.container(border=True):
        st.markdown("**The audit found**")
        for sentence in sentences:
            st.markdown(f"- {frame.plain(sentence)}")


def skipped(files: Sequence[Mapping[str, str]]) -> None:
    """Shows the files that were left out."""
    if files:
        with st.expander(f"{len(files):,} file{'s' * (len(files) > 1)} left out"):
            st.dataframe([{"file": f["path"], "reason": f["reason"]} for f in files], hide_index=True)


def class_balance(classes: Mapping[str, int]) -> None:
    """Shows how many images each class has."""
    if len(classes) <= 40:
        frame.draw(figures.class_balance(classes))
    else:
        st.dataframe([{"class": name, "images": count} for name, count in classes.items()], hide_index=True)


def samples(fingerprint: str, class_names: Sequence[str], key: str) -> bool:
    """Shows some images of each class; returns whether there are any in the cache."""
    found = pictures.open_cache(data.workspace(), fingerprint)
    if found is None:
        return False
    shown = list(class_names)
    if len(shown) > _MOST_CLASSES:
        shown = st.multiselect("Classes", shown, default=shown[:_MOST_CLASSES], key=f"{key}_classes")
    seed = int(st.session_state.get(f"{key}_seed", 0))
    for name, rows in zip(class_names, pictures.samples(found.labels, len(class_names), 6, seed), strict=True):
        if name not in shown:
            continue
        st.text(name)
        if len(rows):
            st.image(pictures.gallery([found.pixels[row] for row in rows]), width=80)
        else:
            st.caption("no image")
    if st.button("Others", icon=":material/refresh:", key=f"{key}_others"):
        st.session_state[f"{key}_seed"] = seed + 1
        st.rerun()
    return True
