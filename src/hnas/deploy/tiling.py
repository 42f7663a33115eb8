"""Cutting a picture into tiles whose joined results equal the picture run at once.

An output pixel depends on the input within the network's receptive radius only. A tile that is read with a margin of
at least that radius, and cut at the picture's edge where the margin would leave it, therefore gives exactly the
pixels that the whole picture would give.
"""

from __future__ import annotations

import copy
import itertools
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hnas.nets import Network, model_scale, receptive_radius
from hnas.nets.trim import Around

#: What a process grows by, over the tensors that live at a time: memory that is kept has holes of the wrong size
#: (measured for one tile: 2.6 to 2.8 with 16 channels).
_SCRATCH = 2.8
#: Larger tiles are no faster on a CPU, and this leaves room for the pictures themselves (measured: docs/speed.md).
CPU_TILE_BYTES = 448 << 20
#: In margins: of a smaller tile, most of the work would go into the margin.
_WORTHWHILE_SIDE = 1
#: Pixels; automatic tiles are so large at least and at most.
SMALLEST_TILE, _LARGEST_TILE = 16, 1024
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

    @property
    def around(self) -> Around:
        """Pixels that it reads above, left of, below and right of its own."""
        top, left, bottom, right = self.window
        return self.top - top, self.left - left, bottom - self.bottom, right - self.right


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


def looks_everywhere(model: nn.Module, radius: int) -> bool:
    """Whether a probed network of this radius depends on the whole picture, channel attention included."""
    return not isinstance(model, Network) and radius >= _PROBE_RADIUS


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


def shadow_of(model: nn.Module) -> nn.Module:
    """The model without its numbers, on the meta device: it can be run to see what that takes."""
    return copy.deepcopy(model).to("meta")


def bytes_taken(shadow: nn.Module, height: int, width: int) -> int:
    """Memory that running a model on a picture of this size (low resolution) takes, weights aside."""
    with torch.inference_mode(), _LiveBytes() as live:
        shadow(torch.empty(1, 3, height, width, device="meta"))
    peak: int = live.peak
    return ceil(peak * _SCRATCH)


def bytes_per_pixel(shadow: nn.Module) -> int:
    """The same for every low-resolution pixel."""
    side = 64
    return ceil(bytes_taken(shadow, side, side) / side**2)


def free_bytes(device: torch.device) -> int:
    """Memory that a picture or tile may take on this device: half of what is free."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]) // 2
    return int(psutil.virtual_memory().available) // 2


def tile_side(tile_bytes: Callable[[int], int], margin: int, *, usual: int, free: int) -> int:
    """The side of a square tile (its own pixels), by the memory that it takes.

    Args:
        tile_bytes: memory that a tile of a side takes; it grows with the side.
        margin: pixels that are read around a tile. One smaller than its margin would be mostly margin, so it may take
            more than the usual.
        usual: bytes that a tile should not take more of.
        free: bytes that it cannot take more of.
    """
    worthwhile = min(_WORTHWHILE_SIDE * margin, automatic_side(tile_bytes, free))
    return max(automatic_side(tile_bytes, usual), worthwhile)


def automatic_side(tile_bytes: Callable[[int], int], memory: int) -> int:
    """The largest side of a square tile (its own pixels) that fits into so many bytes, to 16 pixels; at least 16.

    Args:
        tile_bytes: memory that a tile of a side takes; it grows with the side.
        memory: what there is, bytes.
    """
    steps = range(2, _LARGEST_TILE // SMALLEST_TILE + 1)
    return SMALLEST_TILE * (1 + bisect_right(steps, memory, key=lambda step: tile_bytes(step * SMALLEST_TILE)))
