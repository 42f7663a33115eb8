"""What runs a network: torch, onnxruntime or OpenVINO, behind one call."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

import torch
from torch import nn

from hnas.deploy.pooling import PooledMeans
from hnas.deploy.runtimes import Floats, Run
from hnas.deploy.simplify import simplify
from hnas.deploy.tiling import bytes_per_pixel, bytes_taken, looks_everywhere, model_radius, shadow_of
from hnas.errors import HnasError
from hnas.memory import return_memory
from hnas.nets import Network, cell_margins, model_scale, to_channels_last
from hnas.nets.trim import WHOLE, Around, Trim, kept, trimmed


class Backend(Protocol):
    """Runs one network.

    Attributes:
        scale: by how much it enlarges.
        radius: receptive radius in low-resolution pixels.
        bytes_per_pixel: memory for every low-resolution pixel of a picture that is run at once.
        device: where it runs.
        pooled: the attention blocks, whose pooling tiles share; false where there are none.
        can_tile: whether tiles leave no trace: not where attention pools and the runtime cannot share it, nor where a
            network looks at the whole picture in another way (SMFANet).
    """

    scale: int
    radius: int
    bytes_per_pixel: int
    device: torch.device
    pooled: PooledMeans
    can_tile: bool

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


class TorchBackend:
    """Runs a model with torch; of one of ours, every cell sees only as much of a tile's margin as it needs.

    Args:
        model: any of ours, in evaluation mode, on the CPU.
        device: such as ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        HnasError: there is no such device.
    """

    def __init__(self, model: nn.Module, device: str = "cpu") -> None:
        self.device = torch_device(device)
        self.scale = model_scale(model)
        self.radius = model_radius(model)
        self.pooled = PooledMeans(model)
        self.can_tile = bool(self.pooled) or not looks_everywhere(model, self.radius)
        self._margins = cell_margins(model) if isinstance(model, Network) else [self.radius]
        # A simplified model has no attention blocks left whose pooling could be shared.
        model = model if self.pooled else simplify(model, tiles=True)
        self._shadow = shadow_of(model)
        self._tile_bytes: dict[int, int] = {}  # by side; finding one takes a tenth of a second
        self.bytes_per_pixel = bytes_per_pixel(self._shadow)
        self.model = to_channels_last(model.to(self.device).eval())
        self._trims = _trims(self.model)
        self._lock = Lock()  # a tile is announced to the modules of the one model that there is

    def __call__(self, x: Floats, around: Around = WHOLE) -> Floats:
        """See :class:`Backend`."""
        with self._lock, torch.inference_mode(), trimmed(self._trims, self._margins, around):
            tensor = torch.from_numpy(x).to(self.device, memory_format=torch.channels_last)
            result: Floats = self.model(tensor).float().cpu().numpy()
        return _own(result, kept(around, self._margins[-1]) if self._trims else around, self.scale)

    def tile_bytes(self, side: int) -> int:
        """See :class:`Backend`."""
        if side not in self._tile_bytes:
            whole, margin = side + 2 * self.radius, self.radius
            with self._lock, trimmed(_trims(self._shadow), self._margins, (margin, margin, margin, margin)):
                self._tile_bytes[side] = bytes_taken(self._shadow, whole, whole)
        return self._tile_bytes[side]


class RuntimeBackend:
    """Runs an exported model with onnxruntime or OpenVINO on the CPU.

    Args:
        run: the session.
        model: the model that was exported, on whatever device; only its shape is looked at.
    """

    device = torch.device("cpu")

    def __init__(self, run: Run, model: nn.Module) -> None:
        self.run = run
        self.scale = model_scale(model)
        self.radius = model_radius(model)
        self.bytes_per_pixel = bytes_per_pixel(shadow_of(model))
        self.can_tile = not PooledMeans(model) and not looks_everywhere(model, self.radius)
        self.pooled = PooledMeans(nn.Identity())

    def __call__(self, x: Floats, around: Around = WHOLE) -> Floats:
        """See :class:`Backend`."""
        return _own(self.run(x), around, self.scale)

    def tile_bytes(self, side: int) -> int:
        """See :class:`Backend`."""
        return self.bytes_per_pixel * (side + 2 * self.radius) ** 2


def _trims(model: nn.Module) -> list[Trim]:
    return [module for module in model.modules() if isinstance(module, Trim)]


def _own(result: Floats, around: Around, scale: int) -> Floats:
    """Without the surroundings."""
    top, left, bottom, right = (scale * pixels for pixels in around)
    return result[:, :, top : result.shape[2] - bottom, left : result.shape[3] - right]


def torch_device(name: str) -> torch.device:
    """A device that can be used.

    Raises:
        HnasError: the name is no device's, or this machine has none of it.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise HnasError(f"the device {name!r} cannot be used ({str(error).splitlines()[0]}); cpu always can") from error
    return device


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device has no memory left; torch has one type for CUDA and texts for the rest."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    )


def release_memory(device: torch.device) -> None:
    """Gives back what is kept of a device's memory for later."""
    if device.type == "cpu":
        return_memory()
    elif device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
