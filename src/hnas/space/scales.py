"""By how much networks enlarge, and how the picture itself may be enlarged beside them."""

from __future__ import annotations

from typing import Literal

from hnas.errors import HnasError

#: Of networks that make pictures larger.
SCALES = (2, 3, 4)
#: Of networks that restore a picture at its own size: compression, noise, blur.
RESTORATION = 1
#: Of chains, which do either.
ALL_SCALES = (RESTORATION, *SCALES)
ImageSkip = Literal["bicubic", "nearest", "none"]


def refuse_other_scales(scale: object, allowed: tuple[int, ...] = SCALES) -> None:
    """Raises :class:`HnasError` unless the scale is one of those allowed; a file may hold 2.0, "2" or true too."""
    if type(scale) is not int or scale not in allowed:
        raise HnasError(f"scale is {scale!r}; allowed are {', '.join(map(str, allowed))}")
