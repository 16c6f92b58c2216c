"""A visitor's way through the dashboard, in a real browser: from starting a comparison to trying a photo.

It needs Playwright and chromium, and skips without them: ``pip install playwright`` and Debian's ``chromium``.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A dashboard on an empty workspace."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "workbench",
        "dashboard",
        "--no-browser",
        f"--port={port}",
        f"--workspace={tmp_path}",
    ]
    server = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5)
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def test_from_tune_to_the_verdict_and_a_photo(address: str) -> None:
    with playwright.sync_playwright() as driver:
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *camera]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/tune")
        candidates = page.get_by_role("combobox", name="Candidates")
        candidates.wait_for()
        for _ in range(3):
            candidates.press("Backspace")
        for name in ("pixels/logistic", "pixels/knn"):
            candidates.fill(name)
            page.get_by_role("option", name=name, exact=True).click()
            page.get_by_text(f"-c {name}").wait_for()
        page.get_by_test_id("stTextInputField").fill("20s")
        page.get_by_test_id("stTextInputField").press("Enter")
        page.get_by_text("--budget 20s").wait_for()
        page.get_by_role("button", name="Start").click()
        page.get_by_text("is about to begin").wait_for(timeout=30_000)
        page.get_by_text("digits-1 is running").wait_for(timeout=120_000)
        page.reload()  # loses nothing
        page.get_by_text("digits-1 is finished").wait_for(timeout=120_000)
        page.get_by_role("link", name="Compare").last.click()
        page.get_by_role("heading", name="Leaderboard").wait_for(timeout=30_000)
        assert "beats" in page.locator("h4").inner_text() or "difference" in page.locator("h4").inner_text()
        page.get_by_role("link", name="Explain").click()
        page.get_by_text("Orange speaks for the answer").wait_for(timeout=60_000)
        page.get_by_role("link", name="Try it").click()
        picture = io.BytesIO()
        Image.new("L", (30, 30), 200).save(picture, "PNG")
        photo = {"name": "photo.png", "mimeType": "image/png", "buffer": picture.getvalue()}
        page.locator("input[type=file]").set_input_files(photo)
        page.get_by_text("Latency: of this one image").wait_for(timeout=60_000)
        page.get_by_role("radio", name="Camera").click()
        page.wait_for_function("document.querySelector('video')?.readyState >= 2", timeout=30_000)
        page.get_by_role("button", name="Take Photo").click()
        page.get_by_text("Latency: of this one image").wait_for(timeout=60_000)
        page.get_by_role("link", name="Learning curve").click()
        page.get_by_role("button", name="Measure it").click()
        page.get_by_text("Every point is a training").wait_for(timeout=240_000)
        assert page.locator("h4").count() >= 1
        assert page.locator("[data-testid=stVegaLiteChart] svg").count() == 2
        browser.close()
