"""Pictures before and after, inlined for the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hnas.data.pictures import read_picture
from hnas.errors import HnasError
from hnas.report.run import ComparedPicture

#: No more pictures than this in one page, none of more pixels (a larger one is cut to its middle).
MAX_PICTURES = 6
MAX_PIXELS = 1_500_000
#: Side of the detail that is shown enlarged, pixels.
DETAIL = 64


@dataclass(frozen=True)
class PictureView:
    """One picture before and after, each version a data URI of one size.

    Attributes:
        versions: "bicubic", "sr" and perhaps "hr".
        focus: middle of the detail that changed most from bicubic to the network, x and y in pixels.
        cut: only the middle of the picture is shown.
    """

    name: str
    width: int
    height: int
    versions: dict[str, str]
    focus: tuple[int, int]
    cut: bool


def picture_views(pictures: Sequence[ComparedPicture]) -> list[PictureView]:
    """The first few pictures of a run.

    Raises:
        HnasError: a picture cannot be read, or its versions differ in size.
    """
    return [_view(picture) for picture in pictures[:MAX_PICTURES]]


def _view(picture: ComparedPicture) -> PictureView:
    paths = {kind: picture.files[kind] for kind in ("bicubic", "sr", "hr") if kind in picture.files}
    arrays = {kind: read_picture(path) for kind, path in paths.items()}
    size = arrays["sr"].shape[:2]
    for kind, array in arrays.items():
        if array.shape[:2] != size:
            raise HnasError(
                f"{paths[kind]}: {array.shape[1]}x{array.shape[0]} pixels, but {paths['sr'].name} has "
                f"{size[1]}x{size[0]}; the versions of a picture are of one size"
            )
    height, width = _within(*size)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    cut = (height, width) != size
    arrays = {kind: array[top : top + height, left : left + width] for kind, array in arrays.items()}
    return PictureView(
        name=picture.name,
        width=width,
        height=height,
        versions={kind: _uri(array, None if cut else paths[kind]) for kind, array in arrays.items()},
        focus=_focus(arrays["bicubic"], arrays["sr"]),
        cut=cut,
    )


def _within(height: int, width: int) -> tuple[int, int]:
    """The largest middle part of at most MAX_PIXELS with these proportions."""
    shrink = min(1.0, (MAX_PIXELS / (height * width)) ** 0.5)
    return max(int(height * shrink), 1), max(int(width * shrink), 1)


def _uri(array: NDArray[np.uint8], path: Path | None) -> str:
    """PNG as a data URI: the file itself where it is shown whole."""
    if path is not None:
        data = path.read_bytes()
    else:
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, format="png")
        data = buffer.getvalue()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def _focus(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[int, int]:
    """Middle of the block of half a detail's side with the largest mean change."""
    change = np.abs(before.astype(np.int16) - after).sum(axis=2)
    block = DETAIL // 2
    rows, columns = change.shape[0] // block, change.shape[1] // block
    if not rows or not columns:
        return change.shape[1] // 2, change.shape[0] // 2
    means = change[: rows * block, : columns * block].reshape(rows, block, columns, block).mean(axis=(1, 3))
    row, column = divmod(int(means.argmax()), columns)
    return column * block + block // 2, row * block + block // 2
