from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.data import decode

PATTERN = np.zeros((24, 40, 3), np.uint8)  # no two of its eight orientations are alike
PATTERN[:8, :10] = (250, 10, 10)
PATTERN[16:, :20] = (10, 250, 10)
PATTERN[:, 36:] = (10, 10, 250)


def save(path: Path, image: Image.Image, **settings: Any) -> str:
    image.save(path, **settings)
    return str(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(tmp_path: Path, orientation: int) -> None:
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # how a camera that was held so stores the scene
    stored = Image.fromarray(PATTERN)
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(turn[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "photo.png", stored, exif=exif)
    header = decode.read_header(path)
    assert (header.height, header.width) == (24, 40)
    np.testing.assert_array_equal(decode.read_pixels(path, (24, 40, 3)), PATTERN)


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(PATTERN).save(data, "PNG")
    for name in ("lies.jpg", "no_extension", "Käse 100%.Jpeg"):
        (tmp_path / name).write_bytes(data.getvalue())
        np.testing.assert_array_equal(decode.read_pixels(str(tmp_path / name), (24, 40, 3)), PATTERN)


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime", "blue")]
    path = save(tmp_path / "moving.gif", frames[0], save_all=True, append_images=frames[1:])
    assert decode.read_pixels(path, (20, 20, 3))[10, 10].tolist() == [255, 0, 0]


def test_sixteen_bits_and_floats_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 256).reshape(16, 16)
    deep = save(tmp_path / "deep.png", Image.fromarray((ramp * 65535).astype(np.uint16)))
    unit = save(tmp_path / "unit.tiff", Image.fromarray(ramp.astype(np.float32)))
    wide = save(tmp_path / "wide.tiff", Image.fromarray((ramp * 9000 - 4000).astype(np.float32)))
    for path in (deep, unit, wide):
        assert decode.read_header(path).grey
        np.testing.assert_allclose(decode.read_pixels(path, (16, 16, 1))[..., 0], ramp * 255, atol=1)


def test_transparent_pixels_lie_over_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (16, 16), (200, 0, 0, 0))
    clear.paste((0, 0, 200, 255), (0, 0, 8, 16))
    for image in (clear, clear.quantize()):
        pixels = decode.read_pixels(save(tmp_path / "clear.png", image), (16, 16, 3))
        assert pixels[8, 12].min() >= 250
        assert pixels[8, 2, 2] > 150
        assert pixels[8, 2, 0] < 30


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_mode_becomes_three_or_one_channels(tmp_path: Path, mode: str) -> None:
    image = Image.new("L", (20, 10), 0)
    image.paste(255, (10, 0, 20, 10))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    else:
        image = image.convert("RGB").convert(mode)
    path = save(tmp_path / ("image.tiff" if mode in ("CMYK", "YCbCr") else "image.png"), image)
    for channels in (1, 3):
        pixels = decode.read_pixels(path, (10, 20, channels))
        assert pixels.shape == (10, 20, channels)
        assert pixels[:, :9].max() < 40
        assert pixels[:, 11:].min() > 215


def test_a_broken_exif_block_does_not_spoil_the_picture(tmp_path: Path) -> None:
    path = save(tmp_path / "photo.jpg", Image.fromarray(PATTERN), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    assert decode.read_pixels(path, (24, 40, 3)).shape == (24, 40, 3)


def png(size: tuple[int, int] = (60, 60)) -> bytes:
    data = io.BytesIO()
    Image.effect_noise(size, 50).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"not a picture", "not an image in a supported format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image in a supported format"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS pointer"),
        (png()[:1500], "broken or truncated image"),
    ],
)
def test_an_unreadable_file_has_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file.png"
    path.write_bytes(content)
    with pytest.raises(decode.Unreadable, match=reason):
        decode.read_pixels(str(path), (32, 32, 1))


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = save(tmp_path / "bomb.png", Image.new("1", (9000, 9000)))
    assert Path(path).stat().st_size < 100_000
    with pytest.raises(decode.Unreadable, match=r"more than 64 million pixels \(a decompression bomb\?\)"):
        decode.read_header(path)


def test_a_missing_file_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(decode.Unreadable, match="no such file"):
        decode.read_header(str(tmp_path / "none.png"))


def test_a_file_that_kills_its_decoder_is_reported_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os\ndef read(path):\n    if path == '37':\n        os._exit(1)\n    return int(path)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    import deadly

    done: list[int] = []
    answers = decode._in_processes(deadly.read, [str(i) for i in range(100)], done.append)
    assert str(answers.pop(37)) == "the file crashed the decoder"
    assert answers == [i for i in range(100) if i != 37]
    assert sum(done) == 99
