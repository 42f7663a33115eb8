"""Pictures that lie in a device's memory, and patches that are cut out of them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hnas.data.folders import Pair
from hnas.data.places import Place
from hnas.views import VIEWS, turned

#: Part of a GPU's free memory that pictures may take.
_PART_OF_MEMORY = 4


class ResidentPictures:
    """Gives the patches that :class:`hnas.data.patches.PatchSampler` cuts on a CPU, to the bit.

    A batch costs one small copy to the device, of its places, and waits for nothing there.

    Args:
        pairs: the pictures, uint8 H x W x 3.
        taught: the same with a teacher's HR; may be empty.
        scale: enlargement.
        patch: side of an LR patch, pixels.
        device: where they lie.
    """

    def __init__(
        self, pairs: Sequence[Pair], taught: Sequence[Pair], *, scale: int, patch: int, device: torch.device
    ) -> None:
        self._scale, self._device, self._pictures = scale, device, len(pairs)
        self._lr = _Joined([pair.lr for pair in pairs], patch, device)
        self._hr = _Joined([pair.hr for pair in (*pairs, *taught)], patch * scale, device)

    def batch(self, places: Sequence[Place]) -> tuple[Tensor, Tensor]:
        """LR (N, 3, patch, patch) and HR (N, 3, scale * patch, scale * patch), float32 in [0, 1], channels-last."""
        picture, top, left, variant, taught = np.array(places, dtype=np.int64).T
        lr = self._lr.starts(picture, top, left)
        hr = self._hr.starts(picture + self._pictures * taught, top * self._scale, left * self._scale)
        told = torch.from_numpy(np.stack([variant, *lr, *hr]))
        if self._device.type == "cuda":
            told = told.pin_memory().to(self._device, non_blocking=True)  # from other memory it would wait
        which, lr_start, lr_row, hr_start, hr_row = told
        return self._lr.patches(lr_start, lr_row, which), self._hr.patches(hr_start, hr_row, which)


def fits(pairs: Sequence[Pair], taught: Sequence[Pair], device: torch.device) -> bool:
    """Whether pictures fit into a quarter of the memory that a GPU has free."""
    needed = sum(pair.lr.nbytes + pair.hr.nbytes for pair in pairs) + sum(pair.hr.nbytes for pair in taught)
    return needed * _PART_OF_MEMORY <= torch.cuda.mem_get_info(device)[0]


class _Joined:
    """The bytes of many pictures in one tensor, and patches of one size out of them."""

    def __init__(self, pictures: Sequence[np.ndarray[Any, Any]], side: int, device: torch.device) -> None:
        # What a value of a byte is, divided on the CPU: a GPU multiplies by the reciprocal, which rounds differently.
        self._levels = torch.arange(256).float().div_(255).to(device)
        once = {id(picture): picture for picture in pictures}  # degraded copies share their large picture
        self._bytes = torch.from_numpy(np.concatenate([picture.reshape(-1) for picture in once.values()])).to(device)
        self._rows = np.array([3 * picture.shape[1] for picture in pictures], dtype=np.int64)
        ends = np.cumsum([0, *(picture.size for picture in once.values())], dtype=np.int64)
        first_byte = dict(zip(once, ends[:-1], strict=True))
        self._starts = np.array([first_byte[id(picture)] for picture in pictures], dtype=np.int64)
        # Row and place in the row of every value of a patch, in each of the eight variants.
        row, column = np.mgrid[:side, :side]
        rows = np.stack([turned(row, view) for view in range(VIEWS)])
        columns = np.stack([turned(column, view) for view in range(VIEWS)])
        self._row = torch.from_numpy(rows)[..., None].to(device)
        self._inside = torch.from_numpy(3 * columns[..., None] + np.arange(3)).to(device)

    def starts(self, picture: Any, top: Any, left: Any) -> tuple[Any, Any]:
        """Of each patch: where its first byte is, and how many bytes a row of its picture has."""
        row = self._rows[picture]
        return self._starts[picture] + top * row + 3 * left, row

    def patches(self, start: Tensor, row: Tensor, variant: Tensor) -> Tensor:
        """(N, 3, side, side), float32 in [0, 1], channels-last."""
        start, row = start[:, None, None, None], row[:, None, None, None]
        values = self._bytes[start + row * self._row[variant] + self._inside[variant]]
        return self._levels[values.long()].permute(0, 3, 1, 2)
