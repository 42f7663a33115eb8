"""Enlarging pictures in memory: planes through tiles, opacity as its own plane, an average over turns and flips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from hnas.around import Around
from hnas.deploy.enlarge.opacity import filled, within_neighbourhood
from hnas.deploy.enlarge.tiling import CPU_TILE_BYTES, SMALLEST_TILE, Tile, plan_tiles, tile_side
from hnas.deploy.pictures.picture import Picture
from hnas.deploy.running.backends import Backend
from hnas.deploy.running.runtimes import Floats
from hnas.errors import HnasError
from hnas.memory import is_out_of_memory
from hnas.views import VIEWS, turned, turned_back

#: Is told the share done, 0 to 1.
Progress = Callable[[float], None]
#: Pictures after which what is kept of memory is given back: what does not fit the next sizes would add up.
_RELEASED_EVERY = 100


class Enlarging(Protocol):
    """A network; or networks and a resize, or a choice by the picture."""

    @property
    def scale(self) -> int:
        """By how much it enlarges, at most."""
        ...

    def upscale_picture(self, picture: Picture, *, progress: Progress | None = None) -> Picture:
        """Enlarges a picture with all that it carries."""
        ...


@dataclass(frozen=True)
class Upscaler:
    """A network ready to enlarge pictures.

    Attributes:
        backend: what runs it.
        tile: side of a tile in low-resolution pixels; None chooses by the free memory, 0 is the whole picture.
        margin: pixels read around a tile, at least; never fewer than the receptive radius, so that no seam shows.
        self_ensemble: average over the 8 turns and flips of the picture: slower, a little better.
    """

    backend: Backend
    tile: int | None = None
    margin: int = 0
    self_ensemble: bool = False
    _pictures: Iterator[int] = field(default_factory=lambda: count(1), init=False, repr=False, compare=False)

    @property
    def scale(self) -> int:
        """By how much it enlarges."""
        return self.backend.scale

    def upscale(self, image: NDArray[Any], *, progress: Progress | None = None) -> NDArray[Any]:
        """Enlarges a picture.

        Args:
            image: (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGB with opacity; uint8, uint16, or float in [0, 1].
            progress: is told the share done.

        Returns:
            The same kind and type of array, ``scale`` times as high and wide; floats are clipped to [0, 1].

        Raises:
            HnasError: another shape or type, or not enough memory for even the smallest tile.
        """
        if image.ndim == 3 and image.shape[2] == 4:
            picture = Picture(image[..., :3], image[..., 3])
            enlarged = self.upscale_picture(picture, progress=progress)
            return np.dstack([enlarged.pixels, cast(NDArray[Any], enlarged.alpha)])
        return self._enlarge(image, progress or _quiet)

    def upscale_picture(self, picture: Picture, *, progress: Progress | None = None) -> Picture:
        """Enlarges a picture with all that it carries; see :meth:`upscale`."""
        progress = progress or _quiet
        if picture.alpha is None:
            return replace(picture, pixels=self._enlarge(picture.pixels, progress))
        pixels = self._enlarge(filled(picture.pixels, picture.alpha), lambda share: progress(share / 2))
        alpha = self._enlarge_opacity(picture.alpha, lambda share: progress(0.5 + share / 2))
        return replace(picture, pixels=pixels, alpha=alpha)

    def _enlarge_opacity(self, alpha: NDArray[Any], progress: Progress) -> NDArray[Any]:
        """Opacity stays within its neighbourhood: what is fully opaque or fully clear remains so.

        Where pictures are restored at their own size there is nothing to restore in it.
        """
        if self.scale == 1:
            progress(1)
            return alpha
        if alpha.min() == alpha.max():
            progress(1)
            return alpha.repeat(self.scale, 0).repeat(self.scale, 1)
        enlarged = self._enlarge(alpha, progress)
        return within_neighbourhood(enlarged, alpha, self.scale)

    def _enlarge(self, image: NDArray[Any], progress: Progress) -> NDArray[Any]:
        _check(image)
        height, width = image.shape[:2]
        result = np.empty((height * self.scale, width * self.scale, *image.shape[2:]), image.dtype)
        side = self._side(height, width)
        while True:
            try:
                self._run_tiles(image, result, side, progress)
                # A large picture wants the memory a second time, to be written; pictures of many sizes leave holes.
                if side or next(self._pictures) % _RELEASED_EVERY == 0:
                    self.backend.release_memory()
                return result
            except Exception as error:  # those of runtimes derive from nothing narrower
                if not is_out_of_memory(error):
                    raise
                if not self.backend.can_tile:
                    raise HnasError(
                        f"{width}x{height} needs more memory than {self.backend.device} has free, and this model looks "
                        "at the whole picture, or does not say how far, so tiles would show; it needs a smaller "
                        "picture or more memory"
                    ) from error
                side = (side or max(height, width)) // 2
                if side < SMALLEST_TILE:
                    name = self.backend.device
                    raise HnasError(f"{name} has too little free memory for even the smallest tile") from error
            # Outside the except clause, since its traceback keeps the failed tile's tensors alive.
            self.backend.release_memory()

    @property
    def _margin(self) -> int:
        return max(self.margin, self.backend.radius)

    def _side(self, height: int, width: int) -> int:
        """The side of a tile; 0 where the whole picture fits."""
        backend = self.backend
        if self.tile is not None and backend.can_tile:
            return self.tile
        usual = free = backend.free_bytes()
        if backend.can_tile and backend.device == "cpu":
            usual = min(free, CPU_TILE_BYTES)
        if height * width * backend.bytes_per_pixel <= usual:
            return 0
        if not backend.can_tile:
            raise HnasError(
                f"{width}x{height} is too large to be run at once, and this model looks at the whole picture, or does "
                "not say how far; --backend torch can tile channel attention (rcab), all else needs a smaller picture "
                "or more memory"
            )
        return tile_side(backend.tile_bytes, self._margin, usual=usual, free=free)

    def _run_tiles(self, image: NDArray[Any], result: NDArray[Any], side: int, progress: Progress) -> None:
        tiles = list(plan_tiles(image.shape[0], image.shape[1], side, self._margin))
        pooled = bool(self.backend.pooled) and len(tiles) > 1
        runs = 2 if pooled else 1  # the first one for the means of channel attention
        with self.backend.pooled.replaced() if pooled else nullcontext():
            for run in range(runs):
                for index, tile in enumerate(tiles):
                    values = self._run_tile(image, tile, pooled)
                    if run == runs - 1:
                        _place(values, tile, result, self.scale)
                    progress((run + (index + 1) / len(tiles)) / runs)
                if pooled:
                    self.backend.pooled.settle()

    def _run_tile(self, image: NDArray[Any], tile: Tile, pooled: bool) -> Floats:
        """The tile's own pixels, (3, scale * h, scale * w), in [0, 1]."""
        top, left, bottom, right = tile.window
        x = _to_floats(image[top:bottom, left:right])
        total: Floats | None = None
        views = range(VIEWS) if self.self_ensemble else range(1)
        for view in views:
            around = _turned_around(tile.around, view)
            if pooled:
                size = (tile.bottom - tile.top, tile.right - tile.left)
                self.backend.pooled.tile(size if view % 2 == 0 else size[::-1], around, view)
            y = turned_back(self.backend(np.ascontiguousarray(turned(x, view)), around), view)
            total = y if total is None else total + y
        assert total is not None
        if not np.isfinite(total.sum()):
            raise HnasError("the network gives numbers that are not finite for this picture; its weights are damaged")
        own: Floats = np.clip(total[0] / len(views), 0, 1)
        return own


def _quiet(_: float) -> None:
    pass


def _check(image: NDArray[Any]) -> None:
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or 0 in image.shape:
        raise HnasError(f"a picture has the shape (H, W), (H, W, 3) or (H, W, 4), not {image.shape}")
    if image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise HnasError(f"a picture is uint8, uint16, or floats in [0, 1], not {image.dtype}")


def _to_floats(window: NDArray[Any]) -> Floats:
    """(h, w) or (h, w, 3) to (1, 3, h, w) in [0, 1]."""
    most = np.iinfo(window.dtype).max if window.dtype.kind == "u" else 1
    values = window.astype(np.float32) / np.float32(most)
    values = np.stack([values] * 3) if values.ndim == 2 else np.moveaxis(values, 2, 0)
    return np.ascontiguousarray(values[None])


def _place(values: Floats, tile: Tile, result: NDArray[Any], scale: int) -> None:
    """Writes a tile, (3, h, w) in [0, 1], to its place; gray is the mean of the three."""
    pixels = values.mean(0) if result.ndim == 2 else np.moveaxis(values, 0, 2)
    if result.dtype.kind == "u":
        pixels = np.rint(pixels * np.float32(np.iinfo(result.dtype).max))
    result[tile.top * scale : tile.bottom * scale, tile.left * scale : tile.right * scale] = pixels


def _turned_around(around: Around, view: int) -> Around:
    """What lies around a tile of the turned picture."""
    top, left, bottom, right = around
    for _ in range(view % 4):  # counterclockwise: what was right is above
        top, left, bottom, right = right, top, left, bottom
    return (top, right, bottom, left) if view >= 4 else (top, left, bottom, right)
