"""How far a network looks and what memory it takes, as torch tells; :mod:`hnas.deploy.running.footprint` keeps it."""

from __future__ import annotations

import copy
import weakref
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hnas.deploy.running.footprint import Footprint
from hnas.nets import model_margins, model_pools, model_scale

#: What a process grows by, over the tensors that live at a time: memory that is kept has holes of the wrong size
#: (measured for one tile: 2.6 to 2.8 with 16 channels).
_SCRATCH = 2.8


def footprint_of(model: nn.Module) -> Footprint:
    """What tiles of a model need to know where a runtime runs it that cannot pool over tiles.

    Args:
        model: any, on whatever device.
    """
    margins = model_margins(model)
    can_tile = margins is not None and not model_pools(model)
    radius = margins[0] if margins else 0
    return Footprint(model_scale(model), radius, bytes_per_pixel(shadow_of(model)), can_tile)


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
