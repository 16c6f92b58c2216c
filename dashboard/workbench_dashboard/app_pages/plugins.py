"""What is installed to compete and to compete on; what is broken, why, and how to mend it."""

from __future__ import annotations

import streamlit as st

from workbench.errors import PluginError
from workbench.registry import KINDS, Plugin, Registry
from workbench_dashboard import frame


def page() -> None:
    """Draws the page."""
    st.header("Plugins")
    with st.spinner("Looking at each ..."):
        described = _describe(tuple(Registry.discover()))
    broken = [(plugin, error) for plugin, _, error in described if error]
    if broken:
        st.subheader("Broken")
    for plugin, error in broken:
        first, _, rest = error.partition("\n")
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
            "kind": plugin.kind,
            "name": plugin.name,
            "what it is": says,
            "package": f"{plugin.distribution} {plugin.version}",
        }
        for plugin, says, error in described
        if not error and (not kinds or plugin.kind in kinds)
    ]
    st.dataframe(rows, hide_index=True, height=min(800, 38 * (len(rows) + 1)))
    st.caption("A package of your own, in ten minutes:")
    st.code("workbench plugins new my-lbp --kind extractor", language="bash")


@st.cache_data(show_spinner=False)
def _describe(plugins: tuple[Plugin, ...]) -> list[tuple[Plugin, str, str]]:
    """Returns each plugin with what it says of itself, or with what is wrong with it. It imports them."""
    described = []
    for plugin in plugins:
        try:
            described.append((plugin, plugin.describe(), ""))
        except PluginError as error:
            described.append((plugin, "", str(error)))
    return described


page()
