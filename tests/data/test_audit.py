"""Every kind of trouble, planted on the spot, is found; and where there is none, none is."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from workbench import data
from workbench.data import AuditReport, duplicates
from workbench.registry import Registry


def photograph(seed: int, side: int = 96) -> Image.Image:
    """Something like a photograph: blurred noise, most of it in low frequencies."""
    rng = np.random.default_rng(seed)
    coarse = [Image.fromarray(rng.integers(0, 256, (n, n, 3), dtype=np.uint8)) for n in (5, 11, 23)]
    layers = [np.asarray(c.resize((side, side), Image.Resampling.BICUBIC), float) for c in coarse]
    return Image.fromarray((30 + 0.75 * (0.5 * layers[0] + 0.3 * layers[1] + 0.2 * layers[2])).astype(np.uint8))


def write(root: Path, classes: dict[str, int], side: int = 96) -> Path:
    """Writes folders of so many photographs, each another one."""
    for number, (name, count) in enumerate(classes.items()):
        root.joinpath(name).mkdir(parents=True)
        for i in range(count):
            photograph(1000 * number + i, side).save(root / name / f"{i:02}.png")
    return root


def audited(source: Path, cache: Path, **settings: Any) -> AuditReport:
    images = data.load(data.resolve(str(source), Registry([])), cache)
    return data.audit_images(images, data.make_split(images, settings.pop("seed", 0)), **settings)


def named(report: AuditReport, kind: str) -> set[frozenset[str]]:
    return {frozenset(family) for family in report.as_dict()[kind]}


def jpeg(image: Image.Image) -> Image.Image:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=60)
    return Image.open(target)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": jpeg,
    "rescaled": lambda image: image.resize((70, 70), Image.Resampling.LANCZOS),
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "darkened": lambda image: ImageEnhance.Brightness(image).enhance(0.5),
    "grey": lambda image: image.convert("L"),
    "mirrored": ImageOps.mirror,
}


def test_random_images_are_clean(tmp_path: Path) -> None:
    report = audited(write(tmp_path / "a", {"x": 30, "y": 30}), tmp_path / "cache")
    assert [len(families) for families in report.families.values()] == [0, 0, 0, 0]
    assert report.leaked_test == ()
    assert report.format_leak is not None
    assert not report.format_leak.found
    assert list(report.sentences()) == []
    assert list(report.table()) == []


def test_exact_copies_are_found_whatever_their_format_and_named(tmp_path: Path) -> None:
    root = write(tmp_path / "a", {"x": 30, "y": 30})
    Image.open(root / "x" / "03.png").save(root / "x" / "copy.bmp")
    Image.open(root / "x" / "03.png").save(root / "x" / "third.tif")
    Image.open(root / "y" / "07.png").save(root / "x" / "wrong.png")
    report = audited(root, tmp_path / "cache")
    assert named(report, "exact_duplicates") == {
        frozenset({"x/03.png", "x/copy.bmp", "x/third.tif"}), frozenset({"y/07.png", "x/wrong.png"}),
    }  # fmt: skip
    assert named(report, "near_duplicates") == set()
    assert named(report, "contradictory") == {frozenset({"y/07.png", "x/wrong.png"})}
    said = "\n".join(report.sentences())
    assert "the same pixels more than once: 2 times, 5 images: x/03.png = x/copy.bmp = x/third.tif" in said
    assert "the same image under different labels: 1 time, 2 images: x/wrong.png (x) = y/07.png (y)" in said


@pytest.mark.parametrize("change", CHANGES)
def test_near_copies_are_found_and_nothing_else(change: str, tmp_path: Path) -> None:
    root = write(tmp_path / "a", {"x": 30, "y": 30})
    planted = set()
    for i in range(4):
        CHANGES[change](Image.open(root / "x" / f"{i:02}.png")).save(root / "x" / f"copy-{i}.png")
        planted.add(frozenset({f"x/{i:02}.png", f"x/copy-{i}.png"}))
    report = audited(root, tmp_path / "cache")
    assert named(report, "near_duplicates") == planted
    assert named(report, "exact_duplicates") == set()
    assert "near copies: 4 times, 8 images: x/00.png = x/copy-0.png" in "\n".join(report.sentences())


def test_blank_images_are_equal_or_nothing_to_compare(tmp_path: Path) -> None:
    stack = np.full((4, 32, 32, 1), 7, np.uint8)
    stack[2:] = 9
    found = duplicates.search(stack)
    assert found.first.tolist() == [0, 0, 2, 2]
    assert len(found.near) == 0


def test_images_of_few_pixels_are_compared_as_well() -> None:
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 256, (50, 6, 7, 3), dtype=np.uint8)
    stack[40] = stack[3] // 2 + 20
    assert duplicates.search(stack).near.tolist() == [[3, 40]]


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 1300),
    side=st.sampled_from([8, 28, 64]),
    seed=st.integers(0, 999),
    how=st.sampled_from(["equal", "darker", "mirrored"]),
    places=st.data(),
)
def test_a_copy_is_found_wherever_it_is(n: int, side: int, seed: int, how: str, places: st.DataObject) -> None:
    stack = np.random.default_rng(seed).integers(0, 256, (n, side, side, 1), dtype=np.uint8)
    a, b = sorted(places.draw(st.lists(st.integers(0, n - 1), min_size=2, max_size=2, unique=True)))
    stack[b] = {"equal": stack[a], "darker": stack[a] // 2 + 3, "mirrored": stack[a][:, ::-1]}[how]
    found = duplicates.search(stack)
    if how == "equal":
        assert (found.first[b], len(found.near)) == (a, 0)
        assert (np.delete(found.first, b) == np.delete(np.arange(n), b)).all()
    else:
        assert found.near.tolist() == [[a, b]]
    family = found.families()
    assert family[a] == family[b]
    assert len(np.unique(family)) == n - 1


def test_no_pair_that_correlates_is_lost_in_the_search() -> None:
    """The hash must bound what is verified: all pairs compared one by one give the same answer."""
    rng = np.random.default_rng(0)
    base = np.stack([np.asarray(photograph(i, 64)) for i in range(40)])
    noise = rng.normal(0, 1, (25, *base.shape)) * np.linspace(1, 25, 25)[:, None, None, None, None]
    stack = np.clip(base + noise, 0, 255).astype(np.uint8).reshape(-1, 64, 64, 3)
    found = duplicates.search(stack)
    grey = (stack @ np.array([0.299, 0.587, 0.114])).reshape(-1, 32, 2, 32, 2).mean(axis=(2, 4))
    pixels = grey.reshape(len(grey), -1)
    edges = np.concatenate([np.diff(grey, axis=a).reshape(len(grey), -1) for a in (1, 2)], axis=1)
    lengths = np.sqrt((edges**2).sum(axis=1))
    close = (np.corrcoef(pixels) >= 0.95) & (edges @ edges.T / np.outer(lengths, lengths) >= 0.92)
    expected = {(int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(close, 1)), strict=True)}
    assert len(expected) > 500
    assert len(expected ^ set(map(tuple, found.near.tolist()))) <= 0.002 * len(expected)  # rounding at the limits


def test_copies_across_the_split_are_leaks_and_repair_puts_them_on_one_side(tmp_path: Path) -> None:
    root = tmp_path / "a"
    for part, count in (("train", 30), ("val", 8), ("test", 8)):
        write(root / part, {"x": count, "y": count})
        for i, path in enumerate(sorted(root.joinpath(part).rglob("*.png"))):
            photograph(10_000 + 1000 * len(part) + i).save(path)  # no image of another part
    jpeg(Image.open(root / "train" / "x" / "00.png")).save(root / "test" / "x" / "copy.png")
    Image.open(root / "train" / "x" / "01.png").save(root / "val" / "x" / "copy.png")
    Image.open(root / "train" / "x" / "02.png").save(root / "train" / "x" / "copy.png")
    Image.open(root / "train" / "y" / "00.png").save(root / "test" / "x" / "wrong.png")
    images = data.load(data.resolve(str(root), Registry([])), tmp_path / "cache")
    split = data.make_split(images, 0)
    report = data.audit_images(images, split)
    leaks = {
        frozenset({"train/x/00.png", "test/x/copy.png"}),
        frozenset({"train/x/01.png", "val/x/copy.png"}),
        frozenset({"train/y/00.png", "test/x/wrong.png"}),
    }
    assert named(report, "leaks") == leaks
    assert set(report.as_dict()["leaked_test_images"]) == {"test/x/copy.png", "test/x/wrong.png"}
    assert "2 of 18 test images have a copy" in "\n".join(report.sentences())
    rows = [row for row in report.table() if row["finding"] == "leaks"]
    assert {(row["path"], row["label"], row["part"]) for row in rows} >= {("test/x/wrong.png", "x", "test")}

    mended = data.make_split(images, 0, report.mend)
    assert mended.hash != split.hash
    assert mended.hash == data.make_split(images, 0, report.mend).hash
    parts = {images.names[row]: part for part in ("train", "val", "test") for row in getattr(mended, part)}
    assert parts["train/x/00.png"] == parts["test/x/copy.png"] == parts["val/x/copy.png"] == "train"
    assert not parts.keys() & {"train/y/00.png", "test/x/wrong.png"}
    assert mended.counts == {"train": 62, "val": 16, "test": 16}
    after = data.audit_images(images, mended)
    assert (after.leaking, after.leaked_test) == ((), ())
    done = replace(report, repaired=mended).repair()
    assert (done["moved"], done["left_out"]) == (2, 2)
    assert (done["split_hash_before"], done["split_hash"]) == (split.hash, mended.hash)


def test_a_group_on_both_sides_of_an_official_split_is_a_leak_and_can_be_repaired(tmp_path: Path) -> None:
    root = write(tmp_path / "a", {"x": 40, "y": 40})
    with (root / "files.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "group"])
        for name in "xy":
            for i in range(40):
                part = "test" if i >= 30 else "val" if i >= 20 else "train"
                writer.writerow([f"{name}/{i:02}.png", name, part, f"{name}{0 if i in (3, 30, 31) else i}"])
    images = data.load(data.resolve(str(root / "files.csv"), Registry([])), tmp_path / "cache")
    report = data.audit_images(images, None, "a group on both sides")
    group = {frozenset(f"{name}/{i:02}.png" for i in (0, 3, 30, 31)) for name in "xy"}
    assert named(report, "leaks") == group
    assert report.leaking == ()
    assert len(report.leaked_test) == 4
    said = "\n".join(report.sentences())
    assert "groups on more than one side of the split: 2 times, 8 images: x/00.png (train)" in said
    assert "no split can be made: a group on both sides" in said
    mended = data.make_split(images, 0, report.mend)
    assert mended.counts == {"train": 44, "val": 20, "test": 16}
    assert data.audit_images(images, mended).leaking_groups == ()


def test_a_format_that_gives_the_label_away_is_told(tmp_path: Path) -> None:
    root = write(tmp_path / "a", {"x": 30, "y": 30})
    for path in sorted(root.joinpath("y").iterdir()):
        Image.open(path).save(path.with_suffix(".jpg"), quality=95)
        path.unlink()
    report = audited(root, tmp_path / "cache")
    assert report.as_dict()["format_leak"] == 1.0
    assert "give its label away: balanced accuracy 1.00 without looking at a pixel" in "\n".join(report.sentences())
    other = write(tmp_path / "b", {"x": 30, "y": 30})
    for path in other.joinpath("y").iterdir():
        Image.open(path).resize((80, 96)).save(path)
    assert audited(other, tmp_path / "cache").format_leak == report.format_leak


def test_small_classes_and_extreme_imbalance_are_told(tmp_path: Path) -> None:
    report = audited(write(tmp_path / "a", {"x": 90, "y": 8, "z": 30}, side=32), tmp_path / "cache")
    assert report.small_classes == {"y": 8}
    said = "\n".join(report.sentences())
    assert "classes of fewer than 20 images: y 8" in said
    assert "classes of fewer than 20 images: y 8" in report.sentences(examples=0)
    assert "extreme imbalance: 90 images of x, 8 of y" in said


def test_arrays_are_named_by_their_place_and_have_no_format(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 256, (60, 28, 28), dtype=np.uint8)
    stack[55] = stack[4]
    labels = np.arange(60) % 2
    np.savez(tmp_path / "one.npz", images=stack, labels=labels)
    report = audited(tmp_path / "one.npz", tmp_path / "cache")
    assert named(report, "exact_duplicates") == {frozenset({"#4", "#55"})}
    assert report.as_dict()["format_leak"] is None
    parts = {"train": slice(0, 40), "test": slice(40, 60)}
    arrays = {
        f"{part}_{what}": a[at] for part, at in parts.items() for what, a in (("images", stack), ("labels", labels))
    }
    np.savez(tmp_path / "two.npz", **arrays)
    report = audited(tmp_path / "two.npz", tmp_path / "cache")
    assert named(report, "contradictory") == named(report, "leaks") == {frozenset({"train[4]", "test[15]"})}


def test_what_was_found_is_kept_with_the_decoded_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "a", {"x": 20, "y": 20}, side=32)
    Image.open(root / "x" / "00.png").save(root / "x" / "copy.png")
    first = audited(root, tmp_path / "cache")
    monkeypatch.setattr(duplicates, "search", None)
    assert first.exact == audited(root, tmp_path / "cache").exact != ()


# -- real data ------------------------------------------------------------------------------------------------------


def unpack(name: str, target: Path) -> Path:
    archive = SHARED / f"{name}.tar.gz"
    if not archive.exists():
        pytest.skip(f"{archive} is not here")
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / name


def test_every_duplicate_planted_in_a_messy_folder_is_found(tmp_path: Path) -> None:
    folder = unpack("messy-pets", tmp_path)
    images = data.load(data.resolve(str(folder), Registry([])), tmp_path / "cache")
    report = data.audit_images(images, None, "rabbit has one image")
    family = {path: f for f in (*named(report, "exact_duplicates"), *named(report, "near_duplicates")) for path in f}
    contradictory = {path for f in named(report, "contradictory") for path in f}
    with (SHARED / "messy-pets.MANIFEST.csv").open(newline="") as file:
        planted = [row for row in csv.DictReader(file) if row["kind"].startswith("duplicate:")]
    assert len(planted) == 16
    for row in planted:
        folder_name, _, name = row["path"].partition("/")
        stem = name.removeprefix("copy_of_").removeprefix("near_")
        original = f"{row['true_label'] if 'other class' in row['kind'] else folder_name}/{stem}"
        assert original in family[row["path"]], row
        if "other class" in row["kind"]:
            assert row["path"] in contradictory
    every = named(report, "exact_duplicates") | named(report, "near_duplicates")
    others = {f for f in every if not any(row["path"] in f for row in planted)}
    blank = frozenset({"cat/fully_transparent.png", "dog/huge_6000x6000_1bit.png"})
    assert blank in others
    assert len(others) == 2  # and an animation, which starts with a picture that is there as a file


def test_the_contradictory_pairs_of_trashnet_are_found(tmp_path: Path) -> None:
    report = audited(unpack("trashnet6", tmp_path), tmp_path / "cache")
    pairs = {
        frozenset({"test/plastic/plastic152.jpg", "train/glass/glass176.jpg"}),
        frozenset({"val/plastic/plastic332.jpg", "train/glass/glass389.jpg"}),
        frozenset({"train/glass/glass115.jpg", "train/metal/metal91.jpg"}),
    }
    assert named(report, "contradictory") == named(report, "exact_duplicates") == pairs
    assert len(named(report, "leaks") & pairs) == 2
