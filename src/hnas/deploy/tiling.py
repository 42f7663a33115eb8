"""Cutting a picture into tiles whose joined results equal the picture run at once.

An output pixel depends on the input within the network's receptive radius only. A tile that is read with a margin of
at least that radius, and cut at the picture's edge where the margin would leave it, therefore gives exactly the
pixels that the whole picture would give.
"""

from __future__ import annotations

import copy
import itertools
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, isqrt
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hnas.nets import Network, model_scale, receptive_radius

#: Convolution libraries reorder and pad beside the tensors: measured 1.03 times these with 64 channels, 2.2 with 16.
_SCRATCH = 1.5
#: Larger tiles are no faster on a CPU, and this leaves room for the pictures themselves (measured: docs/upscale.md).
_CPU_TILE_BYTES = 512 << 20
#: In margins: a tile of this side costs four times its own pixels.
_WORTHWHILE_SIDE = 2
#: A network that looks further than this is treated as one that looks everywhere.
_PROBE_RADIUS = 256


@dataclass(frozen=True)
class Tile:
    """A part of a picture, in low-resolution pixels.

    Attributes:
        top, left, bottom, right: the pixels that the tile is responsible for.
        window: top, left, bottom and right of the pixels that it reads: these and the margin, within the picture.
    """

    top: int
    left: int
    bottom: int
    right: int
    window: tuple[int, int, int, int]


def plan_tiles(height: int, width: int, side: int, margin: int) -> Iterator[Tile]:
    """Covers a picture with tiles of about equal size, row by row.

    Args:
        height: of the picture.
        width: of the picture.
        side: most pixels of a tile's side, without the margin; 0 is one tile for everything.
        margin: pixels read around a tile, at least the network's receptive radius.
    """
    rows, columns = (_cuts(length, side) for length in (height, width))
    for top, bottom in rows:
        for left, right in columns:
            window = (
                max(0, top - margin), max(0, left - margin), min(height, bottom + margin), min(width, right + margin)
            )  # fmt: skip
            yield Tile(top, left, bottom, right, window)


def _cuts(length: int, side: int) -> list[tuple[int, int]]:
    count = ceil(length / side) if side else 1
    places = [length * index // count for index in range(count + 1)]
    return list(itertools.pairwise(places))


def model_radius(model: nn.Module) -> int:
    """The receptive radius of any of our models in low-resolution pixels, pooled attention aside.

    Computed from the genotype for searched networks. Others are probed: a pixel that is not a number spoils exactly
    the pixels that depend on it.
    """
    if isinstance(model, Network):
        return receptive_radius(model)
    scale = model_scale(model)
    parameter = next(model.parameters())
    radius = 16
    while True:
        picture = parameter.new_zeros(1, 3, 8, 2 * radius + 1)
        picture[:, :, 4, radius] = torch.nan
        with torch.inference_mode():
            spoilt = model(picture).isnan().any(dim=(0, 1, 2)).nonzero() // scale
        found = max(radius - int(spoilt.min()), int(spoilt.max()) - radius)
        if found < radius or radius >= _PROBE_RADIUS:
            return found
        radius *= 2


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors alive while a model runs (on the meta device, so without running it)."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self.seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self.seen:
            self.seen.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size


def bytes_per_pixel(model: nn.Module) -> int:
    """Memory that running a model takes for every low-resolution pixel, weights aside."""
    side = 64
    shadow = copy.deepcopy(model).to("meta")
    with torch.inference_mode(), _LiveBytes() as live:
        shadow(torch.empty(1, 3, side, side, device="meta"))
    peak: int = live.peak
    return ceil(peak / side**2 * _SCRATCH)


def free_bytes(device: torch.device, bytes_for_pixel: int, margin: int) -> int:
    """Memory that a tile may take on this device: half of what is free at most.

    On a CPU it is no more than :data:`_CPU_TILE_BYTES`, unless tiles were then so small beside their margins that most
    of the work would go into these.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]) // 2
    worthwhile = (_WORTHWHILE_SIDE + 2) ** 2 * margin**2 * bytes_for_pixel
    return min(int(psutil.virtual_memory().available) // 2, max(_CPU_TILE_BYTES, worthwhile))


def automatic_side(bytes_for_pixel: int, margin: int, memory: int) -> int:
    """The largest side of a square tile, without its margins, that fits into so many bytes (at least 16)."""
    return max(16, isqrt(memory // max(1, bytes_for_pixel)) - 2 * margin)
