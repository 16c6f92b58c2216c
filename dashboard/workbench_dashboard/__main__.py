"""Serves the dashboard: ``python -m workbench_dashboard``; ``workbench dashboard`` starts it."""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import logging
from pathlib import Path
from typing import Any

#: What pages need: imported before the server answers, so that the first visitor does not wait for it.
_PRELOAD = (
    "altair", "pandas", "pyarrow", "optuna", "sqlalchemy", "alembic", "sklearn.metrics", "statsmodels.stats.multitest",
    "scipy.stats", "workbench.judge.leaderboard", "workbench.judge.statistics", "workbench.judge.charts",
)  # fmt: skip

_OPTIONS: dict[str, Any] = {
    "server.address": "127.0.0.1",  # by default it is every interface
    "server.showEmailPrompt": False,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 500,  # MB; see uploads.py for what becomes of them
    "browser.serverAddress": "localhost",
    "browser.gatherUsageStats": False,
    "runner.magicEnabled": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "type",
    "theme.light.primaryColor": "#0072B2",
    "theme.dark.primaryColor": "#2F8FCB",
}


def main() -> None:
    """Imports what is heavy, and serves until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="workbench_dashboard", description=__doc__)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--no-browser", action="store_true")
    arguments = parser.parse_args()
    for module in _PRELOAD:
        importlib.import_module(module)

    from streamlit.web import bootstrap

    _read_newest()
    gc.freeze()  # statsmodels collects garbage with every correction: 0.13 s with all of this to look through
    options = {**_OPTIONS, "server.port": arguments.port, "server.headless": arguments.no_browser}
    bootstrap.load_config_options(options)
    bootstrap.run(str(Path(__file__).with_name("app.py")), False, [], options)


def _read_newest() -> None:
    """Reads the newest run, and draws its first chart: it is what a visitor opens, and it is kept."""
    logging.disable(logging.WARNING)  # Streamlit misses its runtime, which comes later
    from workbench.errors import WorkbenchError
    from workbench_dashboard import data, frame
    from workbench_dashboard.measures import first_chart

    with contextlib.suppress(WorkbenchError):  # the page will say it
        for run in data.run_names()[:1]:
            opened = data.open_run(run)
            if not isinstance(opened, str) and opened.tested:
                frame.picture(first_chart(opened))
    logging.disable(logging.NOTSET)


if __name__ == "__main__":
    main()
