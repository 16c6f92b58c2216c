"""``workbench audit`` as a user types it, and what ``tune`` makes of what it finds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import Command, load_json
from PIL import Image

KEYS = {"exact_duplicates", "near_duplicates", "contradictory", "leaks", "format_leak", "skipped"}


@pytest.fixture
def leaky(shapes: Path, tmp_path: Path) -> Path:
    """The folder of bars with an official split; two of 16 test images are in training, one wrongly labelled."""
    root = tmp_path / "leaky"
    for name in ("across", "upright"):
        for i in range(40):
            part = "test" if i >= 32 else "val" if i >= 24 else "train"
            root.joinpath(part, name).mkdir(parents=True, exist_ok=True)
            shutil.copy(shapes / name / f"{i:02}.png", root / part / name)
    Image.open(root / "train" / "across" / "00.png").save(root / "test" / "across" / "32.png")
    Image.open(root / "train" / "across" / "01.png").save(root / "test" / "upright" / "32.png")
    (root / "train" / "across" / "notes.txt").write_text("no image")
    return root


def test_the_document_names_families_of_paths(workbench: Command, leaky: Path) -> None:
    found = load_json(workbench("audit", leaky, "--json"))
    assert set(found) >= KEYS
    kept, wrong = ["test/across/32.png", "train/across/00.png"], ["test/upright/32.png", "train/across/01.png"]
    assert found["exact_duplicates"] == [kept, wrong]
    assert found["near_duplicates"] == []
    assert found["contradictory"] == [wrong]
    assert found["leaks"] == [kept, wrong]
    assert 0.3 < found["format_leak"] < 0.7
    assert found["skipped"] == [{"path": "train/across/notes.txt", "reason": "not an image in a supported format"}]
    assert "repaired" not in found


def test_people_read_file_names_and_the_table_has_them(workbench: Command, leaky: Path, tmp_path: Path) -> None:
    result = workbench("audit", leaky, "--out", "found.csv", "--repair")
    assert result.returncode == 0, result.stderr
    assert "exact duplicates (2):" in result.stdout
    assert "  test/upright/32.png (upright, test) = train/across/01.png (across, train)" in result.stdout
    assert "2 of 16 test images have a copy" in result.stdout
    assert "repaired: 1 images moved to training, 2 under different labels left out; the split " in result.stdout
    table = pd.read_csv(tmp_path / "found.csv")
    assert list(table.columns) == ["finding", "family", "path", "label", "part", "repaired_part"]
    moved = table[(table["finding"] == "leaks") & (table["path"] == "test/across/32.png")].iloc[0]
    assert (moved["part"], moved["repaired_part"], moved["label"]) == ("test", "train", "across")
    assert "skipped: not an image in a supported format" in set(table["finding"])
    lost = workbench("audit", leaky, "--out", "no/such/folder.csv")
    assert lost.returncode == 2
    assert "--out no/such/folder.csv: cannot be written" in lost.stderr


def test_clean_data_and_wrong_sources(workbench: Command, shapes: Path) -> None:
    assert "Nothing was found." in workbench("audit", shapes).stdout
    result = workbench("audit", "no-such-thing", "--json")
    assert result.returncode == 2
    assert "neither a path nor a data set plugin" in json.loads(result.stdout)["error"]
    assert "no such class" in workbench("audit", shapes, "--exclude", "zebra").stderr


def test_what_cannot_be_split_is_audited_all_the_same(workbench: Command, shapes: Path, tmp_path: Path) -> None:
    root = shutil.copytree(shapes, tmp_path / "rare")
    root.joinpath("dot").mkdir()
    Image.open(root / "across" / "00.png").save(root / "dot" / "00.png")
    result = workbench("audit", root)
    assert result.returncode == 0, result.stderr
    assert "  across/00.png (across) = dot/00.png (dot)" in result.stdout
    assert "no split can be made: " in result.stdout
    found = load_json(workbench("audit", root, "--json"))
    assert (found["leaks"], found["split_hash"]) == ([], None)
    assert "class 'dot' is too small" in found["split_problem"]


def test_tune_audits_first_and_shows_the_accuracy_without_leaks(workbench: Command, leaky: Path) -> None:
    tune = ("tune", leaky, "-c", "hog/svm", "--trials", "1", "--budget", "60s")
    result = workbench(*tune)
    assert result.returncode == 0, result.stderr
    assert "audit: the same pixels more than once: 2 times, 4 images: test/across/32.png" in result.stderr
    assert f"workbench audit {leaky} for all of it" in result.stderr
    assert "Test accuracy without the 2 test images that have a copy" in result.stdout
    shown = load_json(workbench("show", "leaky-1", "--json"))
    row = next(row for row in shown["leaderboard"] if row["candidate"] == "hog/svm")
    assert row["test_accuracy"] == 15 / 16  # the bar under the wrong label
    assert row["test_accuracy_clean"] == 1.0
    audit = shown["data"]["audit"]
    assert (audit["exact_duplicates"], audit["leaks"], audit["leaked_test_images"]) == (2, 2, 2)
    assert audit["repaired"] is None


def test_tune_without_audit_and_with_repair(workbench: Command, leaky: Path) -> None:
    tune = ("tune", leaky, "-c", "hog/svm", "--trials", "1", "--budget", "60s")
    plain = workbench(*tune, "--no-audit", "--json")
    assert "audit" not in plain.stderr
    document = load_json(plain)
    assert document["data"]["audit"] is None
    assert {row["test_accuracy_clean"] for row in document["leaderboard"]} == {None}

    repaired = workbench(*tune, "--repair", "--json")
    assert "audit: repaired: 1 images moved to training, 2 under different labels left out" in repaired.stderr
    after = load_json(repaired)
    assert after["data"]["counts"] == {"images": 80, "train": 48, "val": 16, "test": 14}
    assert after["data"]["split_hash"] == after["data"]["audit"]["repaired"]["split_hash"]
    assert after["data"]["audit"]["repaired"]["split_hash_before"] == document["data"]["split_hash"]
    row = next(row for row in after["leaderboard"] if row["candidate"] == "hog/svm")
    assert row["test_accuracy"] == row["test_accuracy_clean"] == 1.0
    resumed = load_json(workbench("tune", "--resume", "leaky-2", "--json"))
    assert resumed["data"]["split_hash"] == after["data"]["split_hash"]

    both = workbench(*tune, "--repair", "--no-audit")
    assert both.returncode == 2
    assert "a repair needs the audit" in both.stderr
