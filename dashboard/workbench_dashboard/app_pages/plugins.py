"""What is installed to compete and to compete on; what is broken, why, and how to mend it."""

from __future__ import annotations

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.registry import KINDS
from workbench_dashboard import data, frame


def page() -> None:
    """Draws the page."""
    st.header("Plugins")
    try:
        described = data.plugins()
    except WorkbenchError as error:
        st.error(frame.plain(error), icon=":material/error:")
        return
    broken = [(found.plugin, found.error) for found in described if found.error]
    if broken:
        st.subheader("Broken")
    for plugin, wrong in broken:
        first, _, rest = wrong.partition("\n")
        with st.container(border=True):
            st.markdown(
                f":material/error: **{plugin.kind} {frame.plain(plugin.name)}** of {frame.plain(plugin.distribution)}"
            )
            st.markdown(frame.plain(first))
            last = rest.strip().splitlines()[-1] if rest.strip() else ""
            if last.startswith("Mend"):
                st.markdown(frame.plain(last))
            st.code(f"workbench plugins check {plugin.name}", language="bash")
            if rest:
                with st.expander("Traceback"):
                    st.code(rest, language=None)
    st.subheader("Installed")
    kinds = st.pills("Kind", list(KINDS), selection_mode="multi", key="plugins_kind")
    rows = [
        {
            "kind": found.plugin.kind,
            "name": found.plugin.name,
            "what it is": found.says,
            "package": f"{found.plugin.distribution} {found.plugin.version}",
        }
        for found in described
        if not found.error and (not kinds or found.plugin.kind in kinds)
    ]
    st.dataframe(rows, hide_index=True, height=min(800, 38 * (len(rows) + 1)))
    st.caption("A package of your own, in ten minutes:")
    st.code("workbench plugins new my-lbp --kind extractor", language="bash")


page()
