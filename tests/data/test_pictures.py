"""Reading and writing pictures: what is understood, what is refused by name, nothing half-written."""

from __future__ import annotations

import contextlib
import errno
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hnas.data.pictures import read_header, read_picture, write_picture
from hnas.errors import HnasError

RGB = np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)
GRAY = RGB[:, :, 0]


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "ppm", "webp", "PNG"])
def test_what_is_written_without_loss_is_read_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"picture.{ending}"
    write_picture(path, RGB)
    assert np.array_equal(read_picture(path), RGB)
    assert read_header(path) == (13, 17, False)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_jpeg_is_written_at_high_quality(tmp_path: Path) -> None:
    smooth = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (64, 1, 3))
    write_picture(tmp_path / "a.jpg", smooth)
    assert np.abs(read_picture(tmp_path / "a.jpg").astype(int) - smooth).max() <= 3


def _save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_gray_palette_and_opaque_pictures_become_rgb(tmp_path: Path) -> None:
    gray = np.repeat(GRAY[:, :, None], 3, axis=2)
    assert np.array_equal(read_picture(_save(tmp_path / "gray.png", Image.fromarray(GRAY))), gray)
    assert read_header(tmp_path / "gray.png") == (13, 17, True)
    opaque = np.dstack([RGB, np.full_like(GRAY, 255)])
    assert np.array_equal(read_picture(_save(tmp_path / "rgba.png", Image.fromarray(opaque))), RGB)
    opaque_gray = np.dstack([GRAY, np.full_like(GRAY, 255)])
    assert np.array_equal(read_picture(_save(tmp_path / "la.png", Image.fromarray(opaque_gray, "LA"))), gray)
    palette = Image.fromarray(RGB).quantize(256, dither=Image.Dither.NONE)
    assert palette.mode == "P"
    assert np.array_equal(read_picture(_save(tmp_path / "p.png", palette)), RGB)
    black_and_white = Image.fromarray(GRAY).point(lambda value: 255 * (value > 127), "1")
    read = read_picture(_save(tmp_path / "1.png", black_and_white))
    assert np.array_equal(read, np.where(gray > 127, 255, 0))


def test_a_cameras_orientation_is_followed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    path = _save(tmp_path / "turned.png", Image.fromarray(RGB), exif=exif)
    assert np.array_equal(read_picture(path), np.rot90(RGB, -1))


def _png_by_hand(path: Path, size: int, depth: int) -> Path:
    """A black RGB PNG as Pillow does not write it: 16 bits a channel, or a header that promises too much."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", size, size, depth, 2, 0, 0, 0)
    rows = zlib.compress(4 * (b"\0" + bytes(4 * 3 * depth // 8)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def test_what_uint8_rgb_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    deep = _save(tmp_path / "deep.png", Image.fromarray(GRAY.astype(np.uint16) * 257))
    floating = _save(tmp_path / "float.tif", Image.fromarray(GRAY.astype(np.float32)))
    clear = _save(tmp_path / "clear.png", Image.fromarray(np.dstack([RGB, GRAY])))
    indexed = Image.fromarray(RGB).quantize(16)
    indexed_clear = _save(tmp_path / "indexed.png", indexed, transparency=indexed.getpixel((0, 0)))
    cmyk = _save(tmp_path / "print.jpg", Image.fromarray(RGB).convert("CMYK"))
    pages = _save(tmp_path / "pages.tif", Image.fromarray(RGB), save_all=True, append_images=[Image.fromarray(RGB)])
    for path, words in [
        (deep, "8 bits"),
        (_png_by_hand(tmp_path / "deep-rgb.png", 4, 16), "8 bits"),
        (floating, "8 bits"),
        (clear, "transparent"),
        (indexed_clear, "transparent"),
        (cmyk, "CMYK"),
        (pages, "2 pictures"),
    ]:
        with pytest.raises(HnasError, match=words) as caught:
            read_picture(path)
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_damaged_missing_and_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    whole = _save(tmp_path / "whole.png", Image.fromarray(np.tile(RGB, (8, 8, 1))))
    truncated = tmp_path / "truncated.png"
    truncated.write_bytes(whole.read_bytes()[:-3000])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture at all")
    (tmp_path / "folder.png").mkdir()
    for name, words in [
        ("truncated.png", "truncated"),
        ("empty.png", "empty"),
        ("text.png", "not a picture"),
        ("missing.png", "does not exist"),
        ("folder.png", "cannot be read"),
    ]:
        with pytest.raises(HnasError, match=words) as caught:
            read_picture(tmp_path / name)
        assert name in str(caught.value)


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = _png_by_hand(tmp_path / "bomb.png", 20_000, 8)
    with pytest.raises(HnasError, match="too large"):
        read_picture(path)


@given(cut=st.integers(0, 800), value=st.integers(0, 255))
def test_no_damage_gets_past_the_one_exception(tmp_path_factory: pytest.TempPathFactory, cut: int, value: int) -> None:
    path = _save(tmp_path_factory.mktemp("damage") / "picture.png", Image.fromarray(RGB))
    damaged = bytearray(path.read_bytes())
    damaged[cut % len(damaged)] = value
    path.write_bytes(damaged)
    with contextlib.suppress(HnasError):  # anything else fails the test
        picture = read_picture(path)
        assert picture.dtype == np.uint8
        assert picture.shape[2:] == (3,)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("a.gif", RGB, "gif"),
        ("a.png", RGB.astype(np.float32), "float32"),
        ("a.png", RGB[:, :, :2], r"\(13, 17, 2\)"),
    ],
)
def test_what_is_not_written(tmp_path: Path, name: str, array: np.ndarray, words: str) -> None:
    with pytest.raises(HnasError, match=words):
        write_picture(tmp_path / name, array)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    write_picture(path, RGB)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(HnasError, match=r"a\.png: cannot write it \(No space left on device\)"):
        write_picture(path, RGB[::-1])
    assert np.array_equal(read_picture(path), RGB)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
