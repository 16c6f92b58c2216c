"""What may be uploaded, and in which words the rest is refused."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from workbench_dashboard import uploads
from workbench_dashboard.uploads import UploadError, unpack


def packed(files: dict[str, bytes], **attributes: int) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.filename = name  # as it is: ZipInfo turns what it takes for separators
            for attribute, value in attributes.items():
                setattr(member, attribute, value)
            archive.writestr(member, data)
    return buffer


def test_a_zip_of_class_folders_is_unpacked_once_and_its_root_found(tmp_path: Path) -> None:
    files = {"pets/cat/1.png": b"1", "pets/dog/2.png": b"2", "__MACOSX/pets/cat/._1.png": b"", "pets/.DS_Store": b"x"}
    found = unpack(packed(files), "My pets.zip", tmp_path)
    assert found.name == "pets"
    assert sorted(str(p.relative_to(found)) for p in found.rglob("*") if p.is_file()) == ["cat/1.png", "dog/2.png"]
    found.joinpath("cat/1.png").write_bytes(b"touched")
    assert unpack(packed(files), "My pets.zip", tmp_path) == found
    assert found.joinpath("cat/1.png").read_bytes() == b"touched"
    assert unpack(packed({"cat/1.png": b"1", "dog/2.png": b"2"}), "My pets.zip", tmp_path).name == "My-pets"


@pytest.mark.parametrize(
    "name", ["../evil.png", "cat/../../evil.png", "/etc/evil.png", "cat\\..\\evil.png", "C:/evil.png"]
)
def test_paths_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="leads out of its folder"):
        unpack(packed({"cat/1.png": b"1", name: b"evil"}), "x.zip", tmp_path / "uploads")
    assert [p.name for p in tmp_path.rglob("*")] == ["uploads"]  # nothing is left


def test_links_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"holds the link 'cat/1\.png'; pack the files themselves"):
        unpack(packed({"cat/1.png": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16), "x.zip", tmp_path)
    with pytest.raises(UploadError, match="no plain file"):
        unpack(packed({"cat/1.png": b""}, external_attr=(stat.S_IFIFO | 0o777) << 16), "x.zip", tmp_path)


def test_bombs_are_refused_by_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UploadError, match="200 times its size or more: a zip bomb"):
        unpack(packed({"cat/1.png": bytes(50 * uploads.MEGABYTE)}), "x.zip", tmp_path)
    monkeypatch.setattr(uploads, "MOST_UNZIPPED", 3 * uploads.MEGABYTE)
    with pytest.raises(UploadError, match=r"unpacks to 4 MB; 3 MB is the most \(a zip bomb\?\)"):
        unpack(packed({f"cat/{i}.png": bytes(10**6) for i in range(4)}), "x.zip", tmp_path)
    monkeypatch.setattr(uploads, "MOST_FILES", 3)
    with pytest.raises(UploadError, match="holds 4 files; 3 is the most"):
        unpack(packed({f"cat/{i}.png": b"1" for i in range(4)}), "x.zip", tmp_path)


def test_a_bomb_that_lies_is_refused_while_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = bytearray(packed({"cat/1.png": bytes(900_000)}).getvalue())
    at = bomb.rindex(b"PK\x01\x02")
    bomb[at + 24 : at + 28] = (10).to_bytes(4, "little")  # the directory says 10 bytes
    with pytest.raises(UploadError):
        unpack(io.BytesIO(bomb), "x.zip", tmp_path)
    monkeypatch.setattr(uploads, "_check", lambda members: None)
    monkeypatch.setattr(uploads, "MOST_FILE", 1000)
    with pytest.raises(UploadError, match="more than it says: a zip bomb"):
        unpack(packed({"cat/1.png": bytes(900_000)}), "x.zip", tmp_path)


@pytest.mark.parametrize(
    ("upload", "message"),
    [
        (io.BytesIO(b"no zip at all"), "no zip that can be read"),
        (io.BytesIO(packed({"cat/1.png": bytes(range(256)) * 9}).getvalue()[:200]), "no zip that can be read"),
        (packed({}), "there are no files in the zip"),
        (packed({"a": b"2", "a/1.png": b"1"}), "cannot be unpacked"),
        (packed({"a" * 300 + "/1.png": b"1"}), "cannot be unpacked"),
    ],
)
def test_what_cannot_be_unpacked_is_said(upload: io.BytesIO, message: str, tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=message):
        unpack(upload, "x.zip", tmp_path)


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_ZIPPED", 100)
    with pytest.raises(UploadError, match="larger than 0 MB; put it in a folder"):
        unpack(packed({"cat/1.png": bytes(range(256))}), "x.zip", tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(uploads, "MOST_FILE", 100)
    with pytest.raises(UploadError, match=r"'cat/1\.png' in the zip is larger than 0 MB"):
        unpack(packed({"cat/1.png": bytes(range(256))}), "x.zip", tmp_path)


def test_a_photo_is_brought_to_the_size_of_the_run(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20), (255, 0, 0)).save(buffer, "PNG")
    assert (uploads.read_photo(buffer.getvalue(), "a.png", (8, 8, 3)) == (255, 0, 0)).all()
    assert uploads.read_photo(buffer.getvalue(), "a.png", (16, 8, 1)).shape == (16, 8, 1)


def test_a_photo_that_could_do_harm_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UploadError, match=r"a\.png cannot be used: not an image in a supported format; give"):
        uploads.read_photo(b"<svg/>", "a.png", (8, 8, 3))
    bomb = io.BytesIO()
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    with pytest.raises(UploadError, match="more than 64 million pixels"):
        uploads.read_photo(bomb.getvalue(), "a.png", (8, 8, 3))
    monkeypatch.setattr(uploads, "MOST_PHOTO", 10)
    with pytest.raises(UploadError, match=r"a\.png is larger than 0 MB; make it smaller first"):
        uploads.read_photo(bomb.getvalue(), "a.png", (8, 8, 3))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    locked = bytearray(packed({"cat/1.png": b"1"}).getvalue())
    at = locked.rindex(b"PK\x01\x02")
    locked[at + 8] |= 1
    with pytest.raises(UploadError, match="encrypted; pack it without a password"):
        unpack(io.BytesIO(locked), "x.zip", tmp_path)
