"""What a workspace keeps to save time is shown, and goes when it is told to."""

from __future__ import annotations

from pathlib import Path

from conftest import Command, load_json


def test_a_second_run_finds_the_features_of_the_first(workbench: Command, shapes: Path, tmp_path: Path) -> None:
    tune = ("tune", str(shapes), "-c", "hog/svm", "--trials", "1", "--budget", "60s", "--json")
    first = load_json(workbench(*tune))["leaderboard"]
    shown = workbench("cache").stdout
    assert "hog" in shown
    assert "cells=8" in shown
    assert "in 1 sets" in shown
    second = load_json(workbench(*tune))["leaderboard"]
    assert "in 1 sets" in workbench("cache").stdout
    billed = [next(row["extract_seconds"] for row in rows if row["candidate"] == "hog/svm") for rows in (first, second)]
    assert billed[0] == billed[1] > 0  # what it took when it was done

    cleared = workbench("cache", "--clear")
    assert "removed" in cleared.stdout
    assert not (tmp_path / "workbench-runs" / "cache").exists()
    assert "in 0 sets" in workbench("cache").stdout


def test_without_a_cache_nothing_is_kept(workbench: Command, shapes: Path) -> None:
    workbench("tune", str(shapes), "-c", "hog/svm", "--trials", "2", "--budget", "60s", "--cache-size", "0")
    assert "in 0 sets" in workbench("cache").stdout
    wrong = workbench("tune", str(shapes), "--cache-size", "lots")
    assert wrong.returncode == 2
    assert "'lots' is not a size" in wrong.stderr
