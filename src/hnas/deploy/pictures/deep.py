"""Formats of more than 8 bits that Pillow cuts down, read through imagecodecs."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hnas.errors import HnasError
from hnas.extras import need

#: Pixels and opacity.
Planes = tuple[NDArray[Any], NDArray[Any] | None]
#: The marker before the size of a JPEG 2000 and, behind that, the place of the first component's depth in it.
_SIZ, _DEPTH = b"\xff\x4f\xff\x51", 4 + 2 + 2 + 8 * 4 + 2
_SIGNED = 0x80


def read_deep_png(stream: BinaryIO, name: str) -> Planes:
    """A PNG of 16 bits.

    Raises:
        HnasError: it is damaged.
    """
    return split(_decoded("png", stream, name), name)


def jpeg_2000_bits(stream: BinaryIO, name: str) -> int:
    """Bits of a value of a JPEG 2000 (ISO/IEC 15444-1, A.5.1); 8 where the file does not say. The position stays.

    Raises:
        HnasError: its values have signs.
    """
    place = stream.tell()
    stream.seek(0)
    head = stream.read(1 << 16)
    stream.seek(place)
    start = head.find(_SIZ)
    depth = head[start + _DEPTH] if 0 <= start < len(head) - _DEPTH else 7
    if depth & _SIGNED:
        raise HnasError(f"{name}: signed JPEG 2000 is not handled; save it as 8-bit or 16-bit")
    return depth + 1


def read_deep_jpeg_2000(stream: BinaryIO, bits: int, name: str) -> Planes:
    """A JPEG 2000 of 9 to 16 bits, scaled to 16.

    Raises:
        HnasError: it has more bits, or is damaged.
    """
    if bits > 16:
        raise HnasError(f"{name}: {bits}-bit JPEG 2000 is not handled; save it as 8-bit or 16-bit")
    return split(scaled(_decoded("jpeg2k", stream, name), bits), name)


def _decoded(codec: str, stream: BinaryIO, name: str) -> NDArray[Any]:
    imagecodecs = need("imagecodecs", where=name)

    stream.seek(0)
    try:
        return np.asarray(getattr(imagecodecs, f"{codec}_decode")(stream.read()))
    except RuntimeError as error:  # those of imagecodecs are such
        raise HnasError(f"{name}: damaged or truncated ({error})") from error


def scaled(array: NDArray[Any], bits: int) -> NDArray[Any]:
    """Values of 9 to 16 bits, scaled so that the largest is 65535; others as they are."""
    if array.dtype != np.uint16 or bits in (0, 16):
        return array
    most = (1 << bits) - 1
    return ((array.astype(np.uint32) * 65_535 + most // 2) // most).astype(np.uint16)


def split(array: NDArray[Any], name: str) -> Planes:
    """Pixels and opacity of (H, W) or (H, W, 1 to 4).

    Raises:
        HnasError: another shape or type.
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype not in (np.uint8, np.uint16) or channels not in (1, 2, 3, 4):
        raise HnasError(f"{name}: {array.dtype} with {channels} channels; allowed are 16-bit gray and RGB")
    if array.ndim == 2:
        return array, None
    pixels = array[..., :3] if channels >= 3 else array[..., 0]
    return pixels, array[..., -1] if channels in (2, 4) else None
