"""The data of a run: class balance, images of each class, the split, the audit."""

from __future__ import annotations

import streamlit as st

from workbench_dashboard import data_view, frame
from workbench_dashboard.data import Opened


def page() -> None:
    """Draws the page."""
    opened = frame.choose_run()
    if opened is None:
        return
    recorded = opened.document["data"]
    _facts(opened)
    st.subheader("What the audit found")
    audit = recorded.get("audit")
    if audit is None:
        st.info("This run was made without an audit. Look for copies and leaks with:", icon=":material/search_off:")
        st.code(f"workbench audit {opened.specification['source']}", language="bash")
    else:
        data_view.findings(audit["findings"])
        if audit["repaired"]:
            done = audit["repaired"]
            st.success(
                f"The split was repaired: {done['moved']:,} images moved to training, {done['left_out']:,} under "
                "different labels left out.",
                icon=":material/build:",
            )
    data_view.skipped(recorded["skipped"])
    st.subheader("Images of each class")
    if not data_view.samples(recorded["fingerprint"], opened.class_names, "data"):
        st.info(
            "The images are not in the workspace's cache any more. To bring them back, look at the data again on the "
            "**Tune** page; their source was:",
            icon=":material/folder_off:",
        )
        st.text(opened.specification["source"])
    st.subheader("How large the classes are")
    data_view.class_balance(recorded["classes"])


def _facts(opened: Opened) -> None:
    recorded = opened.document["data"]
    counts, (height, width, channels) = recorded["counts"], recorded["image_shape"]
    split = "official" if recorded["official_split"] else f"stratified by seed {opened.specification['seed']}"
    facts = {
        "source": opened.specification["source"],
        "images": f"{counts['images']:,} of {width}x{height} pixels, {'grey' if channels == 1 else 'colour'}",
        "training, validation, test": f"{counts['train']:,}, {counts['val']:,}, {counts['test']:,} images",
        "split": f"{split}, hash {recorded['split_hash'][:8]}",
    }
    st.markdown("  \n".join(f"**{what}**: {frame.plain(value)}" for what, value in facts.items()))


page()
