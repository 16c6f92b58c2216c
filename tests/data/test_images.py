from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.data import Images, arrange, decode, load, resolve
from workbench.data.images import _choose_size
from workbench.errors import DataError
from workbench.registry import Registry

Make = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Make:
    def make(name: str = "photos", size: tuple[int, int] = (40, 30), mode: str = "RGB", n: int = 6) -> Path:
        for i in range(n):
            path = tmp_path / name / "ab"[i % 2] / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", size, 40 * i).convert(mode).save(path)
        return tmp_path / name

    return make


def read(path: Path, cache: Path, **settings: int) -> Images:
    return load(resolve(str(path), Registry([])), cache, **settings)


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ([(24, 128)] * 3, (24, 128)),  # their own where all share one of 24 to 128
        ([(25, 25)] * 3, (25, 25)),
        ([(8, 8)] * 3, (32, 32)),  # smaller ones are enlarged to 32
        ([(20, 10), (12, 12)], (32, 32)),
        ([(600, 450)] * 3, (128, 128)),  # else the largest that the median image fills
        ([(128, 96), (96, 128), (90, 128)], (96, 96)),
        ([(128, 95), (94, 128), (90, 128)], (64, 64)),
        ([(40, 50), (60, 50), (40, 40)], (32, 32)),
    ],
)
def test_the_size_follows_from_the_images(sizes: list[tuple[int, int]], chosen: tuple[int, int]) -> None:
    assert _choose_size(np.array(sizes), None) == chosen
    assert _choose_size(np.array(sizes), 48) == (48, 48)


def test_images_are_a_read_only_memory_map_in_their_own_channels(folder: Make, tmp_path: Path) -> None:
    colour = read(folder(), tmp_path / "cache")
    assert isinstance(colour.pixels, np.memmap)
    assert not colour.pixels.flags.writeable
    assert colour.shape == (30, 40, 3)
    assert colour.pixels[:, 0, 0, 0].tolist() == [0, 80, 160, 40, 120, 200]
    grey = read(folder("grey", mode="L"), tmp_path / "cache", image_size=16)
    assert grey.shape == (16, 16, 1)


def test_images_are_decoded_once(folder: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder()
    first = read(path, tmp_path / "cache")
    monkeypatch.setattr(decode, "decode_into", lambda *_: pytest.fail("decoded again"))
    second = read(path, tmp_path / "cache")
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.pixels, first.pixels)
    assert second.names == first.names


def test_the_fingerprint_is_made_of_content(folder: Make, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = read(folder("one"), cache)
    assert read(folder("two"), cache).fingerprint == first.fingerprint  # another place, the same images
    assert read(folder("one"), cache, image_size=16).fingerprint != first.fingerprint
    Image.new("RGB", (40, 30), (1, 2, 3)).save(tmp_path / "two" / "a" / "0.png")
    assert read(tmp_path / "two", cache).fingerprint != first.fingerprint


def test_an_undecodable_file_leaves_no_gap(folder: Make, tmp_path: Path) -> None:
    path = folder()
    whole = (path / "a" / "2.png").read_bytes()
    (path / "a" / "2.png").write_bytes(whole[:60])  # its header is whole
    images = read(path, tmp_path / "cache")
    assert [name for name, _ in images.skipped] == ["a/2.png"]
    assert images.names == ("a/0.png", "a/4.png", "b/1.png", "b/3.png", "b/5.png")
    assert images.labels.tolist() == [0, 0, 1, 1, 1]
    assert images.pixels[:, 0, 0, 0].tolist() == [0, 160, 40, 120, 200]


def test_a_folder_without_a_single_image_says_so(tmp_path: Path) -> None:
    (tmp_path / "texts" / "a").mkdir(parents=True)
    (tmp_path / "texts" / "a" / "x.txt").write_text("x")
    with pytest.raises(DataError, match=r"none of its 1 files is an image; a/x.txt: not an image"):
        read(tmp_path / "texts", tmp_path / "cache")
    with pytest.raises(DataError, match="must lie between 8 and 1024"):
        read(tmp_path / "texts", tmp_path / "cache", image_size=2000)


def test_progress_is_told_to_its_end(folder: Make, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    load(
        resolve(str(folder()), Registry([])),
        tmp_path / "cache",
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    assert max(t for t in told if t[0] == "reading files")[1:] == (6, 6)
    assert max(t for t in told if t[0] == "decoding images")[1:] == (6, 6)


def test_an_order_is_written_once_so_that_parts_are_slices(folder: Make, tmp_path: Path) -> None:
    images = read(folder(), tmp_path / "cache")
    path = arrange(images, np.array([5, 0, 3]), "key")
    written = np.load(path, mmap_mode="r")
    np.testing.assert_array_equal(written, images.pixels[[5, 0, 3]])
    before = path.stat().st_mtime_ns
    assert arrange(images, np.array([5, 0, 3]), "key") == path
    assert path.stat().st_mtime_ns == before
