"""By how much networks enlarge, and how the picture itself may be enlarged beside them."""

from __future__ import annotations

from typing import Literal

from hnas.errors import HnasError

SCALES = (2, 3, 4)
ImageSkip = Literal["bicubic", "nearest", "none"]


def refuse_other_scales(scale: object) -> None:
    """Raises :class:`HnasError` unless the scale is one of :data:`SCALES`; a file may hold 2.0 or "2" too."""
    if not isinstance(scale, int) or scale not in SCALES:
        raise HnasError(f"scale is {scale!r}; allowed are {', '.join(map(str, SCALES))}")
