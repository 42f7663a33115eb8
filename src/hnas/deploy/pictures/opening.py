"""Which of Pillow's readers opens a file; HEIC's comes with an extra."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from hnas.extras import need

#: Pillow's modules of the formats that are read; one that an installed Pillow lacks is passed over.
_PLUGINS = ("Png", "Jpeg", "Mpo", "WebP", "Tiff", "Bmp", "Gif", "Avif", "Jpeg2K", "Tga")
_NAMES = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000")
#: Brands of HEIF files whose pictures are coded by HEVC (ISO/IEC 23008-12), and those that say nothing of the coding.
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
#: A TGA has no mark at its beginning, and one at its end only where it is of version 2.
_TGA_MARK = b"TRUEVISION-XFILE.\0"


@cache
def _known() -> tuple[str, ...]:
    for plugin in _PLUGINS:
        with suppress(ImportError):
            import_module(f"PIL.{plugin}ImagePlugin")
    return tuple(name for name in _NAMES if name in Image.OPEN)


def open_image(stream: BinaryIO, name: str) -> Image.Image:
    """Opens a picture, and decodes no more than its head.

    Args:
        stream: the file, at its beginning.
        name: of the file; a TGA of version 1 is known by its ending alone.

    Raises:
        UnidentifiedImageError: it is none that Pillow reads.
        HnasError: it is a HEIC, and the package that reads those is not installed.
    """
    known = _known()
    if name.lower().endswith(".tga") or _has_tga_mark(stream):
        known += ("TGA",)
    try:
        return Image.open(stream, formats=known)
    except UnidentifiedImageError:
        stream.seek(0)
        head = stream.read(12)
        stream.seek(0)
        if head[4:8] != b"ftyp" or head[8:12] not in _HEIC:
            raise
        need("pillow_heif", where=name).register_heif_opener()
        return Image.open(stream, formats=("HEIF",))


def _has_tga_mark(stream: BinaryIO) -> bool:
    place = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(max(0, end - len(_TGA_MARK)))
    found = stream.read() == _TGA_MARK
    stream.seek(place)
    return found
