"""JPEG XL (ISO/IEC 18181), through imagecodecs: its header here, its pixels there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from hnas.deploy.pictures.deep import Planes, scaled, split
from hnas.errors import HnasError
from hnas.extras import need

#: How a bare codestream and a file of boxes begin.
_CODESTREAM, _BOXES = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
#: Width through height, by the number in the header.
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


@dataclass(frozen=True)
class JpegXlHeader:
    """What a header says: size in pixels, bits of a value, and whether values are floating point."""

    width: int
    height: int
    bits: int
    floating: bool


def is_jpeg_xl(head: bytes) -> bool:
    """Whether a file that begins so is a JPEG XL."""
    return head.startswith((_CODESTREAM, _BOXES))


def read_header(data: bytes) -> JpegXlHeader:
    """Size and depth (18181-1, D.2 and D.3)."""
    return _header(_bits(_codestream(data)))


def _header(read: Callable[[int], int]) -> JpegXlHeader:
    small = read(1)

    def length() -> int:
        return (1 + read(5)) * 8 if small else 1 + read((9, 13, 18, 30)[read(2)])

    height = length()
    ratio = read(3)
    width = height * _RATIOS[ratio][0] // _RATIOS[ratio][1] if ratio else length()
    bits, floating = 8, False
    if not read(1):  # not all as usual
        if read(1):  # extra fields
            read(3)  # the orientation, which the decoder applies
            if read(1) or read(1) or read(1):  # an intrinsic size, a preview, an animation
                return JpegXlHeader(width, height, 0, False)
        floating = bool(read(1))
        choice = read(2)
        if floating:
            bits = (32, 16, 24)[choice] if choice < 3 else 1 + read(6)
        else:
            bits = (8, 10, 12)[choice] if choice < 3 else 1 + read(6)
    return JpegXlHeader(width, height, bits, floating)


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream."""
    if data.startswith(_CODESTREAM):
        return data[2:64]
    place = 0
    while place + 8 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        body = place + (16 if length == 1 else 8)
        if kind in (b"jxlc", b"jxlp"):
            return data[body + (6 if kind == b"jxlp" else 2) : body + 64]
        if length == 1:
            length = int.from_bytes(data[place + 8 : place + 16], "big")
        if length < 8:
            break
        place += length
    raise ValueError("no codestream")


def _bits(data: bytes) -> Callable[[int], int]:
    """Reads so many bits, the lowest first."""
    left, number = 8 * len(data), int.from_bytes(data, "little")

    def read(count: int) -> int:
        nonlocal number, left
        left -= count
        if left < 0:
            raise ValueError("the header ends early")
        value = number & ((1 << count) - 1)
        number >>= count
        return value

    return read


def read_jpeg_xl(stream: BinaryIO, header: JpegXlHeader, name: str) -> Planes:
    """The picture, upright.

    Raises:
        HnasError: its values are floating point, or it is damaged.
    """
    imagecodecs = need("imagecodecs", where=name)

    if header.floating or header.bits > 16:
        kind = "float " if header.floating else ""
        raise HnasError(f"{name}: {header.bits}-bit {kind}JPEG XL is not handled; save it as 8-bit or 16-bit")
    stream.seek(0)
    try:
        array = np.asarray(imagecodecs.jpegxl_decode(stream.read()))
    except RuntimeError as error:  # JpegxlError is one
        raise HnasError(f"{name}: damaged or truncated ({error})") from error
    if array.ndim == 4:  # an animation
        array = array[0]
    return split(scaled(array, header.bits), name)
