"""What ``workbench dashboard`` says before it serves; what it serves is in ``tests/dashboard``."""

from __future__ import annotations

import socket

from conftest import Command


def test_a_port_that_is_taken_is_said_with_the_mend(workbench: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = workbench("dashboard", "--no-browser", "--port", str(port))
    assert result.returncode == 2
    assert f"the port {port} cannot be used" in result.stderr
    assert "choose another: workbench dashboard --port" in result.stderr
    assert "Traceback" not in result.stderr
