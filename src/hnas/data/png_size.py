"""Whether the bytes of a PNG can hold its pixels: decoders fill what is missing at its end with black."""

from __future__ import annotations

import os
from typing import BinaryIO

from hnas.errors import HnasError

#: What a byte of deflate unfolds to at most (zlib, Technical Details: 1032:1).
_UNFOLDED = 1032
#: The signature and the head of a PNG up to its kind of colour, and values for each pixel by that kind (PNG, 11.2.1).
_HEAD, _VALUES = 26, {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def refuse_hollow_png(stream: BinaryIO, name: str) -> None:
    """Refuses a PNG whose head speaks of more pixels than all its bytes could unfold to; other files pass.

    Args:
        stream: the file; its place stays.
        name: of the file, for the message.

    Raises:
        HnasError: it is one.
    """
    place = stream.tell()
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(_HEAD)
    stream.seek(place)
    if len(head) < _HEAD or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return
    width, height = (int.from_bytes(head[start : start + 4], "big") for start in (16, 20))
    bits = head[24] * _VALUES.get(head[25], 1)
    if height * (1 + -(-width * bits // 8)) > _UNFOLDED * size:
        raise HnasError(f"{name}: damaged or truncated ({size} bytes cannot hold {width}x{height} pixels)")
