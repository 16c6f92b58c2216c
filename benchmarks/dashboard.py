"""How long the dashboard takes to draw and to answer a click, beside optuna-dashboard on the same storage.

    python benchmarks/dashboard.py [--runs 20] [--trials 10000] [--repeat 5]

Makes a workspace of so many runs and trials, starts both servers, and opens them in chromium (Playwright; both must be
installed). A page counts as drawn when its text, its charts and its tables are there; times are the browser's own, from
the start of the navigation, or from the click. "cold" is a browser that was never there before.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

CANDIDATES = ("baseline", "hog/svm", "hog+color+edges/xgboost", "cnn")
SKILL = dict(zip(CANDIDATES, (0.1, 0.93, 0.95, 0.97), strict=True))
CLASSES = tuple(f"class {i}" for i in range(10))
TEST_IMAGES = 2000
PORT = 8787


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--workspace", type=Path, help="use this one, or make it here; default: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = arguments.workspace or Path(folder)
        if not workspace.joinpath("storage.db").exists():
            make_workspace(workspace, arguments.runs, arguments.trials)
        measure(workspace, arguments.repeat)


# -- a workspace of many trials -----------------------------------------------------------------------------------


def make_workspace(path: Path, runs: int, trials: int) -> None:
    from workbench.judge.metrics import accuracy_interval, further_metrics
    from workbench.tuning.specification import Specification
    from workbench.tuning.workspace import Workspace

    place, rng = Workspace(path), np.random.default_rng(0)
    labels = np.arange(TEST_IMAGES) % len(CLASSES)
    for number in range(runs):
        specification = Specification(
            run=f"many-{number + 1}", source="many", candidates=CANDIDATES, budget_seconds=1200.0, trials=None, seed=0,
            image_size=None, exclude=(), train_size=None, deterministic=False, metric="accuracy", folds=0,
            repeats=1, n_jobs=2,
            data={
                "name": "many", "fingerprint": "f" * 24, "split_hash": "s" * 24, "official_split": False,
                "counts": {"images": 10_000, "train": 6000, "val": 2000, "test": TEST_IMAGES},
                "classes": dict.fromkeys(CLASSES, 1000), "image_shape": [32, 32, 3], "skipped": [], "audit": None,
                "load_seconds": 1.0,
            },
            hardware={}, versions={"workbench": "0"}, created="2026-01-01T00:00:00+00:00",
        )  # fmt: skip
        run = place.create(specification)
        for name, study in run.studies.items():
            add_trials(place, study, name, 1 if name == "baseline" else trials // runs // (len(CANDIDATES) - 1), rng)
            predictions = np.where(rng.random(TEST_IMAGES) < SKILL[name], labels, (labels + 1) % len(CLASSES))
            probabilities = np.full((TEST_IMAGES, len(CLASSES)), 0.02, np.float32)
            probabilities[np.arange(TEST_IMAGES), predictions] = 0.82
            correct = int((predictions == labels).sum())
            low, high = accuracy_interval(correct, TEST_IMAGES)
            arrays = {"predictions": predictions, "probabilities": probabilities}
            run.record_result(name, {
                "trial": 0, "status": "ok", "repeats": [],
                "test_accuracy": correct / TEST_IMAGES, "test_accuracy_low": low,
                "test_accuracy_high": high, "test_accuracy_clean": None, "test_roc_auc": 0.99,
                "metrics": further_metrics(labels, predictions, probabilities, None, CLASSES), "train_fraction": 1.0,
                "seconds": {"extract": 1.0, "select": 0.1, "warmup": 0.0, "fit": 10 * SKILL[name], "predict": 0.5},
                "refit_seconds": 1 + 10 * SKILL[name], "warmup_seconds": 0.0, "latency_ms": 1.0, "parameters": 10_000,
                "flops": None, "images_per_second": None, "remarks": [], "peak_memory_mb": 500.0,
                "test_predictions": place.save_arrays(study, "test", labels=labels, **arrays),
            })  # fmt: skip
        run.record_finished(True)


def add_trials(place: Any, study: Any, name: str, count: int, rng: np.random.Generator) -> None:
    """Writes finished trials, with five parameters and five reports each, straight into Optuna's tables."""
    import json
    from datetime import datetime, timedelta

    from optuna.distributions import FloatDistribution, distribution_to_json
    from optuna.storages._rdb import models
    from sqlalchemy import func, insert, select

    distribution = distribution_to_json(FloatDistribution(0.0, 1.0))
    with place.storage.engine.begin() as connection:
        first = (connection.execute(select(func.max(models.TrialModel.trial_id))).scalar() or 0) + 1
        rows: dict[Any, list[dict[str, Any]]] = {}
        began = datetime(2026, 1, 1)
        for number in range(count):
            trial_id, value = first + number, float(rng.uniform(0.5, 0.9))
            end = began + timedelta(seconds=2)
            record = {
                "state": "complete", "reason": "", "trial_seconds": 2.0, "saved_seconds": 0.0, "fraction": 1.0,
                "seconds": {"extract": 1.0, "select": 0.0, "warmup": 0.0, "fit": 0.7, "predict": 0.3, "rungs": 0.0},
                "validation_accuracy": value, "fold_values": [], "cpu_seconds": {},
                "best_step": None, "parameters": None, "flops": None, "images_per_second": None, "remarks": [],
                "features": 324, "peak_memory_mb": 400.0,
            }  # fmt: skip
            rows.setdefault(models.TrialModel, []).append(
                {"trial_id": trial_id, "number": number, "study_id": study._study_id, "state": "COMPLETE",
                 "datetime_start": began, "datetime_complete": end}
            )  # fmt: skip
            rows.setdefault(models.TrialValueModel, []).append(
                {"trial_id": trial_id, "objective": 0, "value": value, "value_type": "FINITE"}
            )
            rows.setdefault(models.TrialUserAttributeModel, []).append(
                {"trial_id": trial_id, "key": "workbench", "value_json": json.dumps(record)}
            )
            for i in range(5):
                rows.setdefault(models.TrialParamModel, []).append(
                    {"trial_id": trial_id, "param_name": f"{name}.p{i}", "param_value": float(rng.random()),
                     "distribution_json": distribution}
                )  # fmt: skip
                rows.setdefault(models.TrialIntermediateValueModel, []).append(
                    {"trial_id": trial_id, "step": i, "intermediate_value": value - 0.1 / (i + 1),
                     "intermediate_value_type": "FINITE"}
                )  # fmt: skip
            began = end
        for model, values in rows.items():
            connection.execute(insert(model.__table__), values)


# -- in the browser -----------------------------------------------------------------------------------------------

#: What is on the screen without scrolling: the verdict, the controls and the chart, at first as a picture.
FIRST = """document.querySelector('h4') && document.querySelector('[data-testid=stMultiSelect]')
  && (document.querySelector('[data-testid=stVegaLiteChart] svg')
      || [...document.querySelectorAll('[data-testid=stMarkdown] img')].some(image => image.complete))"""
#: All of the page, down to its last button.
COMPARE = """document.querySelectorAll('[data-testid=stDownloadButton]').length >= 2
  && document.querySelectorAll('[data-testid=stVegaLiteChart] svg').length >= 2
  && document.querySelectorAll('[data-testid=stDataFrame] canvas').length >= 2"""
STUDIES = "document.body && document.body.textContent.includes('many-1/hog/svm')"


def measure(workspace: Path, repeat: int) -> None:
    from playwright.sync_api import sync_playwright

    ours = [sys.executable, "-m", "workbench", "dashboard", "--no-browser", f"--port={PORT}",
            f"--workspace={workspace}"]  # fmt: skip
    theirs = [shutil.which("optuna-dashboard", path=os.path.dirname(sys.executable)) or "optuna-dashboard",
              f"sqlite:///{workspace / 'storage.db'}", f"--port={PORT + 1}"]  # fmt: skip
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    us, them = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}"
    figures: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        with serving(ours, f"{us}/_stcore/health"):
            figures |= loads(browser, "workbench dashboard, verdict and chart", us, FIRST, repeat)
            figures |= loads(browser, "all of that page", us, COMPARE, repeat)
            figures |= clicks(browser, us, repeat)
        with serving(theirs, f"{them}/dashboard"):
            figures |= loads(browser, "optuna-dashboard, list of studies", f"{them}/dashboard", STUDIES, repeat)
        browser.close()
    width = max(map(len, figures))
    for what, seconds in figures.items():
        print(f"{what:{width}}  median {statistics.median(seconds):.2f} s  of {len(seconds)}: "
              + " ".join(f"{s:.2f}" for s in seconds))  # fmt: skip
    medians = {what: statistics.median(seconds) for what, seconds in figures.items()}
    for kind in ("first ever", "cold", "warm"):
        ours_first, all_of_it, theirs_first = (m for what, m in medians.items() if what.endswith(kind))
        print(f"optuna-dashboard's list, {kind}, takes {theirs_first / ours_first:.1f}x the time of verdict and chart, "
              f"{theirs_first / all_of_it:.1f}x that of all of the page")  # fmt: skip
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def loads(browser: Any, what: str, url: str, drawn: str, repeat: int) -> dict[str, list[float]]:
    """Opens a page: the server's first, then in new browsers, then again in one that knows it."""
    cold = [load(browser.new_context(viewport={"width": 1280, "height": 800}), url, drawn) for _ in range(repeat + 1)]
    known = browser.new_context(viewport={"width": 1280, "height": 800})
    warm = [load(known, url, drawn) for _ in range(repeat + 1)]
    return {f"{what}: first ever": cold[:1], f"{what}: cold": cold[1:], f"{what}: warm": warm[1:]}


def load(context: Any, url: str, drawn: str) -> float:
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.wait_for_function(drawn, polling="raf", timeout=60_000)
    seconds = page.evaluate("performance.now()") / 1000
    page.close()
    return float(seconds)


def clicks(browser: Any, url: str, repeat: int) -> dict[str, list[float]]:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(url)
    page.wait_for_function(COMPARE, polling="raf")
    found: dict[str, list[float]] = {"click: another run": [], "click: another metric": [], "click: another page": []}
    for i in range(repeat):
        run = f"many-{i + 3}"
        choose(page, "Run", run)
        verdict = page.locator("h4").inner_text()
        found["click: another run"].append(
            timed(page, lambda run=run: option(page, run), f"document.querySelector('h4').innerText != `{verdict}`"
                  " && document.querySelector('[data-testid=stApp]').dataset.testScriptState == 'notRunning'")
        )  # fmt: skip
        metric = ("macro F1", "ROC AUC")[i % 2]
        choose(page, "Metric", metric)
        found["click: another metric"].append(
            timed(page, lambda metric=metric: option(page, metric), f"[...document.querySelectorAll("
                  f"'[data-testid=stVegaLiteChart] svg text, [data-testid=stVegaLiteChart] [aria-label]')].some("
                  f"e => ((e.textContent || '') + (e.getAttribute('aria-label') || '')).includes('{metric}'))")
        )  # fmt: skip
        found["click: another page"].append(
            timed(
                page,
                page.get_by_role("link", name="Plugins").click,
                "document.body.textContent.includes('Installed')",
            )
        )
        page.get_by_role("link", name="Compare").click()
        page.wait_for_function(COMPARE, polling="raf")
    return found


def choose(page: Any, label: str, value: str) -> None:
    """Opens a select box and writes what is looked for."""
    box = page.get_by_role("combobox", name=label).first
    box.click()
    box.fill(value)
    page.get_by_role("option", name=value, exact=True).wait_for()


def option(page: Any, value: str) -> None:
    page.get_by_role("option", name=value, exact=True).click()


_TIME_IT = "() => { window.clicked = performance.now() }, {capture: true, once: true}"


def timed(page: Any, click: Callable[[], None], done: str) -> float:
    """Returns the seconds from when the browser is told of the click to when it has drawn the answer."""
    page.evaluate(f"addEventListener('pointerdown', {_TIME_IT})")
    click()
    seconds = page.wait_for_function(f"({done}) && performance.now() - window.clicked", polling="raf", timeout=60_000)
    return float(seconds.json_value()) / 1000


@contextmanager
def serving(command: list[str], health: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(health, timeout=5).read()
                break
            except OSError:
                time.sleep(0.25)
        else:
            raise SystemExit(f"{command[0]} does not answer at {health}")
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait()


if __name__ == "__main__":
    main()
