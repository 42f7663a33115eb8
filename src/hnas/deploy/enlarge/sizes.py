"""Any size: by the network of the next scale, and an antialiased resize to what was wanted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hnas.deploy.enlarge.upscale import Enlarging, Progress
from hnas.deploy.pictures.picture import Picture
from hnas.errors import HnasError

#: Pictures become at most so many times as wide.
MOST = 16


@dataclass(frozen=True)
class Wanted:
    """How large a picture is to be: by a factor, or within a width, a height or both, with its proportions.

    Attributes:
        scale: the factor, or None.
        width: most pixels across, or None.
        height: most pixels down, or None.
    """

    scale: Fraction | None = None
    width: int | None = None
    height: int | None = None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of a picture of this width and height when it is done.

        Raises:
            HnasError: it would become smaller, or more than :data:`MOST` times as wide.
        """
        factors = [Fraction(self.width, width)] if self.width else []
        factors += [Fraction(self.height, height)] if self.height else []
        factor = self.scale or min(factors)
        if not 1 <= factor <= MOST:
            times = f"{float(factor):.3g} times as large"
            raise HnasError(f"{width}x{height} would become {times}; pictures are enlarged 1 to {MOST} times")
        return max(1, round(width * factor)), max(1, round(height * factor))

    @property
    def words(self) -> str:
        """For names of files: ``x1.5`` or ``1920x1080``."""
        if self.scale:
            return f"x{float(self.scale):g}"
        return f"{self.width or ''}x{self.height or ''}"


def parse_size(text: str) -> Wanted:
    """A size such as ``1920x``, ``x1080`` or ``1920x1080``.

    Raises:
        HnasError: it is written otherwise.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})?x([1-9]\d{0,5})?", text.lower())
    if not found or not any(found.groups()):
        raise HnasError(f"--size is {text}; write 1920x for a width, x1080 for a height, or 1920x1080 for both at most")
    width, height = (int(number) if number else None for number in found.groups())
    return Wanted(width=width, height=height)


def scales_for(factor: Fraction, there: Sequence[int]) -> list[int]:
    """Scales of networks, one after the other, that enlarge by no less than a factor, and by little more.

    Args:
        factor: by which a picture is to be enlarged, 1 or more.
        there: the scales that there are networks of.
    """
    chosen = []
    while factor > 1:
        enough = [scale for scale in there if scale >= factor]
        chosen.append(min(enough) if enough else max(there))
        factor /= chosen[-1]
    return chosen


@dataclass(frozen=True)
class SizedUpscaler:
    """Enlarges pictures to a size, as :class:`~hnas.deploy.enlarge.upscale.Upscaler` does by a whole number.

    Attributes:
        network: gives the network of a scale.
        there: the scales that there are networks of.
        wanted: the size.
    """

    network: Callable[[int], Enlarging]
    there: Sequence[int]
    wanted: Wanted

    @property
    def scale(self) -> int:
        """By how much pictures are enlarged at most on the way."""
        return math.ceil(self.wanted.scale) if self.wanted.scale else max(self.there)

    def upscale_picture(self, picture: Picture, *, progress: Progress | None = None) -> Picture:
        """Enlarges a picture with all that it carries.

        Raises:
            HnasError: the wanted size is smaller than the picture, or too large.
        """
        height, width = picture.pixels.shape[:2]
        size = self.wanted.size(width, height)
        factor = max(Fraction(size[0], width), Fraction(size[1], height))
        for scale in scales_for(factor, self.there):
            picture = self.network(scale).upscale_picture(picture, progress=progress)
        if (picture.pixels.shape[1], picture.pixels.shape[0]) == size:
            return picture
        alpha = None if picture.alpha is None else resized(picture.alpha, size)
        return replace(picture, pixels=resized(picture.pixels, size), alpha=alpha)


def resized(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """An antialiased resize (Lanczos) of (H, W) or (H, W, 3), uint8 or uint16, to (width, height)."""
    if array.dtype == np.uint8:
        return np.asarray(Image.fromarray(np.ascontiguousarray(array)).resize(size, Image.Resampling.LANCZOS))
    if array.ndim == 3:
        return np.dstack([resized(array[..., index], size) for index in range(array.shape[2])])
    image = Image.fromarray(array.astype(np.float32)).resize(size, Image.Resampling.LANCZOS)
    large: NDArray[Any] = np.clip(np.rint(np.asarray(image)), 0, np.iinfo(array.dtype).max).astype(array.dtype)
    return large
