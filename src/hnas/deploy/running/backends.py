"""What runs a network, behind one call; the runtimes that take exported files, which need no torch."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import psutil

from hnas.around import WHOLE, Around
from hnas.deploy.running.footprint import Footprint
from hnas.deploy.running.runtimes import Floats, Run
from hnas.memory import return_memory


class Pooling(Protocol):
    """What is pooled over all tiles of a picture (:mod:`hnas.deploy.running.pooling`); false where there is nothing."""

    def __bool__(self) -> bool: ...

    def replaced(self) -> AbstractContextManager[None]:
        """While this lasts, tiles are given what was pooled."""
        ...

    def tile(self, size: tuple[int, int], around: Around, view: int) -> None:
        """Announces the next tile: height and width of its own pixels, what lies around, the picture's turn."""
        ...

    def settle(self) -> None:
        """Ends a run over the picture."""
        ...


class Backend(Protocol):
    """Runs one network.

    Attributes:
        scale: by how much it enlarges.
        radius: receptive radius in low-resolution pixels.
        bytes_per_pixel: memory for every low-resolution pixel of a picture that is run at once.
        device: where it runs, such as ``cpu`` or ``cuda:1``.
        pooled: the attention blocks, whose pooling tiles share; false where there are none.
        can_tile: whether tiles leave no trace: not where attention pools and the runtime cannot share it, nor where a
            network looks at the whole picture in another way (SMFANet), or does not say how far it looks.
    """

    scale: int
    radius: int
    bytes_per_pixel: int
    device: str
    can_tile: bool

    @property
    def pooled(self) -> Pooling:
        """See above."""
        ...

    def __call__(self, x: Floats, around: Around = WHOLE) -> Floats:
        """Enlarges a picture, or a tile.

        Args:
            x: RGB in [0, 1], (1, 3, H, W): the tile with its surroundings.
            around: how much of it is surroundings.

        Returns:
            The tile's own pixels, (1, 3, scale * h, scale * w), not clamped.
        """
        ...

    def tile_bytes(self, side: int) -> int:
        """Memory that a tile of this side, without its surroundings, takes."""
        ...

    def free_bytes(self) -> int:
        """Memory that a picture or tile may take on its device: half of what is free."""
        ...

    def release_memory(self) -> None:
        """Gives back what is kept of its device's memory for later."""
        ...


class NoPooling:
    """Of a network in which nothing is pooled over tiles."""

    def __bool__(self) -> bool:
        return False

    def replaced(self) -> AbstractContextManager[None]:
        """See :class:`Pooling`."""
        return nullcontext()

    def tile(self, size: tuple[int, int], around: Around, view: int) -> None:
        """See :class:`Pooling`."""

    def settle(self) -> None:
        """See :class:`Pooling`."""


class RuntimeBackend:
    """Runs an exported model with onnxruntime or OpenVINO on the CPU.

    Args:
        run: the session.
        footprint: of the model.
    """

    device = "cpu"
    pooled = NoPooling()

    def __init__(self, run: Run, footprint: Footprint) -> None:
        self.run = run
        self.scale = footprint.scale
        self.radius = footprint.radius
        self.bytes_per_pixel = footprint.bytes_per_pixel
        self.can_tile = footprint.can_tile

    def __call__(self, x: Floats, around: Around = WHOLE) -> Floats:
        """See :class:`Backend`."""
        return own_pixels(self.run(x), around, self.scale)

    def tile_bytes(self, side: int) -> int:
        """See :class:`Backend`."""
        return self.bytes_per_pixel * (side + 2 * self.radius) ** 2

    def free_bytes(self) -> int:
        """See :class:`Backend`."""
        return free_memory()

    def release_memory(self) -> None:
        """See :class:`Backend`."""
        return_memory()


def own_pixels(result: Floats, around: Around, scale: int) -> Floats:
    """An enlarged tile, (1, 3, H, W), without its surroundings (low-resolution pixels)."""
    top, left, bottom, right = (scale * pixels for pixels in around)
    return result[:, :, top : result.shape[2] - bottom, left : result.shape[3] - right]


def free_memory() -> int:
    """Bytes of main memory that a picture or tile may take: half of what is free."""
    return int(psutil.virtual_memory().available) // 2
