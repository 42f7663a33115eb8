"""A PNG that has fewer bytes than its pixels take is no picture, however flat the picture is."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from hnas.data.pictures import read_picture
from hnas.data.png_size import refuse_hollow_png
from hnas.errors import HnasError


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def hollow(width: int, height: int) -> bytes:
    """The first row alone."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1 + 3 * width))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_more_pixels_than_bytes_unfold_to_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(hollow(13_000, 13_000))
    with pytest.raises(HnasError, match=r"a\.png: damaged or truncated \(\d+ bytes cannot hold 13000x13000 pixels\)"):
        read_picture(path)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (3000, 2000), (5, 9000)])
def test_flat_pictures_pass(mode: str, size: tuple[int, int]) -> None:
    """Nothing takes less room than these."""
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, "PNG", compress_level=9)
    stream.seek(7)
    refuse_hollow_png(stream, "a.png")
    assert stream.tell() == 7


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(40)])
def test_other_files_pass(content: bytes) -> None:
    refuse_hollow_png(io.BytesIO(content), "a")
