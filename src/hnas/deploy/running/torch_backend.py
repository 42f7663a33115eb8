"""Torch as what runs a network, on any of its devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from torch import nn

from hnas.around import WHOLE, Around, kept
from hnas.deploy.running.backends import free_memory, own_pixels
from hnas.deploy.running.pooling import PooledMeans
from hnas.deploy.running.probing import bytes_per_pixel, bytes_taken, shadow_of
from hnas.deploy.running.runtimes import Floats
from hnas.deploy.running.simplify import simplify
from hnas.errors import HnasError
from hnas.memory import return_memory
from hnas.nets import model_margins, model_pools, model_scale, to_channels_last
from hnas.nets.trim import Trim, trimmed


class TorchBackend:
    """Runs a model with torch; one of cells leaves out on the way what of a tile's margin it no longer needs.

    Args:
        model: in evaluation mode, on the CPU; in tiles, where it says how far it looks (:mod:`hnas.nets.model`).
        device: such as ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        HnasError: there is no such device.
    """

    def __init__(self, model: nn.Module, device: str = "cpu") -> None:
        self._device = torch_device(device)
        self.device = str(self._device)
        self.scale = model_scale(model)
        margins = model_margins(model)
        self.can_tile = margins is not None
        self._margins = margins or [0]
        self.radius = self._margins[0]
        self.pooled = PooledMeans(model_pools(model) if self.can_tile else (), self._margins)
        # A simplified model has no attention blocks left whose pooling could be shared.
        if not self.pooled:
            model = simplify(model, tiles=True, convolve_bicubic=self._device.type == "cpu")
        self._shadow = shadow_of(model)
        self._tile_bytes: dict[int, int] = {}  # by side; finding one takes a tenth of a second
        self.bytes_per_pixel = bytes_per_pixel(self._shadow)
        self.model = to_channels_last(model.to(self._device).eval())
        self._trims = _trims(self.model)
        self._lock = Lock()  # a tile is announced to the modules of the one model that there is

    def __call__(self, x: Floats, around: Around = WHOLE) -> Floats:
        """See :class:`~hnas.deploy.running.backends.Backend`."""
        with self._lock, torch.inference_mode(), trimmed(self._trims, self._margins, around):
            tensor = torch.from_numpy(x).to(self._device, memory_format=torch.channels_last)
            result: Floats = self.model(tensor).float().cpu().numpy()
        return own_pixels(result, kept(around, self._margins[-1]) if self._trims else around, self.scale)

    def tile_bytes(self, side: int) -> int:
        """See :class:`~hnas.deploy.running.backends.Backend`."""
        if side not in self._tile_bytes:
            whole, margin = side + 2 * self.radius, self.radius
            with self._lock, trimmed(_trims(self._shadow), self._margins, (margin, margin, margin, margin)):
                self._tile_bytes[side] = bytes_taken(self._shadow, whole, whole)
        return self._tile_bytes[side]

    def free_bytes(self) -> int:
        """See :class:`~hnas.deploy.running.backends.Backend`."""
        if self._device.type == "cuda":
            return int(torch.cuda.mem_get_info(self._device)[0]) // 2
        return free_memory()

    def release_memory(self) -> None:
        """See :class:`~hnas.deploy.running.backends.Backend`."""
        if self._device.type == "cpu":
            return_memory()
        elif self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()


def _trims(model: nn.Module) -> list[Trim]:
    return [module for module in model.modules() if isinstance(module, Trim)]


def torch_device(name: str) -> torch.device:
    """A device that can be used.

    Raises:
        HnasError: the name is no device's, or this machine has none of it.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        if reason.startswith("Expected one of"):  # and thirty kinds of devices
            reason = "torch knows none of that name, such as cuda, cuda:1 or mps"
        raise HnasError(f"the device {name!r} cannot be used ({reason}); cpu always can") from error
    return device


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """While this lasts, torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
