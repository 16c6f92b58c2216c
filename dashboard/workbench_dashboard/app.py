"""The dashboard reads what runs have recorded, and starts runs in processes of their own. It never trains."""

from __future__ import annotations

import streamlit as st


def main() -> None:
    """Draws the frame and the chosen page."""
    st.set_page_config(page_title="Workbench", page_icon=":material/balance:", layout="wide")
    page = st.navigation(
        {
            "Result": [
                st.Page("app_pages/compare.py", title="Compare", icon=":material/balance:", default=True),
                st.Page("app_pages/errors.py", title="Errors", icon=":material/image_search:"),
                st.Page("app_pages/explain.py", title="Explain", icon=":material/visibility:"),
                st.Page("app_pages/learning_curve.py", title="Learning curve", icon=":material/timeline:"),
                st.Page("app_pages/trials.py", title="Trials", icon=":material/scatter_plot:"),
            ],
            "Run": [
                st.Page("app_pages/tune.py", title="Tune", icon=":material/play_arrow:"),
                st.Page("app_pages/live.py", title="Live", icon=":material/show_chart:"),
                st.Page("app_pages/try_it.py", title="Try it", icon=":material/photo_camera:"),
            ],
            "Material": [
                st.Page("app_pages/data_set.py", title="Data", icon=":material/photo_library:"),
                st.Page("app_pages/plugins.py", title="Plugins", icon=":material/extension:"),
            ],
        }
    )
    page.run()


main()
