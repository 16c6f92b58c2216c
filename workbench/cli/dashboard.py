"""``workbench dashboard``: look at runs in the browser."""

from __future__ import annotations

from typing import NoReturn

import click

from workbench.cli import options


@click.command("dashboard")
@options.workspace
@options.storage
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--no-browser", is_flag=True, help="Do not open the browser.")
def command(workspace: str, storage: str | None, port: int, no_browser: bool) -> NoReturn:
    """Open the dashboard, on this machine only."""
    import importlib.util
    import os
    import sys
    from pathlib import Path

    from workbench.errors import WorkbenchError

    if importlib.util.find_spec("workbench_dashboard") is None or importlib.util.find_spec("streamlit") is None:
        raise WorkbenchError("the dashboard is not installed; pip install image-workbench brings it and streamlit")
    _refuse_taken(port)
    environment = {**os.environ, "WORKBENCH_WORKSPACE": str(Path(workspace).absolute())}
    if storage:
        environment["WORKBENCH_STORAGE"] = storage
    arguments = [sys.executable, "-m", "workbench_dashboard", f"--port={port}", *["--no-browser"] * no_browser]
    os.execve(sys.executable, arguments, environment)  # in its place, so that whoever ends this process ends the server


def _refuse_taken(port: int) -> None:
    """Looks at once whether the port is free: the server would say it after all that it imports."""
    import os
    import socket

    from workbench.errors import WorkbenchError

    with socket.socket() as probe:
        if os.name == "posix":  # a port that was just closed is free; on Windows this option means something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise WorkbenchError(
                f"the port {port} cannot be used ({error.strerror}), perhaps another dashboard has it; choose another: "
                f"workbench dashboard --port {port + 1 if port < 65535 else port - 1}"
            ) from None
