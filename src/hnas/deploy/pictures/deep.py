"""Formats of more than 8 bits that Pillow cuts down, read through imagecodecs."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hnas.errors import HnasError
from hnas.extras import need

#: Pixels and opacity.
Planes = tuple[NDArray[Any], NDArray[Any] | None]


def read_deep_png(stream: BinaryIO, name: str) -> Planes:
    """A PNG of 16 bits.

    Raises:
        HnasError: it is damaged.
    """
    imagecodecs = need("imagecodecs")

    stream.seek(0)
    try:
        array = imagecodecs.png_decode(stream.read())
    except RuntimeError as error:  # PngError is one
        raise HnasError(f"{name}: damaged or truncated ({error})") from error
    return split(array, name)


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
