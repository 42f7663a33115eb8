"""What runs a network: torch, onnxruntime or OpenVINO, behind one call."""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import nn

from hnas.deploy.pooling import PooledMeans
from hnas.deploy.runtimes import Floats, Run
from hnas.deploy.simplify import simplify
from hnas.deploy.tiling import bytes_per_pixel, model_radius
from hnas.errors import HnasError
from hnas.nets import model_scale, to_channels_last

BackendName = Literal["torch", "onnx", "openvino"]


class Backend(Protocol):
    """Runs one network.

    Attributes:
        scale: by how much it enlarges.
        radius: receptive radius in low-resolution pixels.
        bytes_per_pixel: memory for every low-resolution pixel.
        device: where it runs.
        pooled: the attention blocks, whose pooling tiles share; false where there are none.
        can_tile: whether tiles leave no trace: not where attention pools and the runtime cannot share it.
    """

    scale: int
    radius: int
    bytes_per_pixel: int
    device: torch.device
    pooled: PooledMeans
    can_tile: bool

    def __call__(self, x: Floats) -> Floats:
        """RGB in [0, 1], (1, 3, H, W), to (1, 3, scale * H, scale * W), not clamped."""
        ...


class TorchBackend:
    """Runs a model with torch.

    Args:
        model: any of ours, in evaluation mode, on the CPU.
        device: such as ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        HnasError: there is no such device.
    """

    can_tile = True

    def __init__(self, model: nn.Module, device: str = "cpu") -> None:
        self.device = torch_device(device)
        self.scale = model_scale(model)
        self.radius = model_radius(model)
        self.bytes_per_pixel = bytes_per_pixel(model)
        self.pooled = PooledMeans(model)
        # A simplified model has no attention blocks left whose pooling could be shared.
        model = model if self.pooled else simplify(model)
        self.model = to_channels_last(model.to(self.device).eval())

    def __call__(self, x: Floats) -> Floats:
        """See :class:`Backend`."""
        with torch.inference_mode():
            tensor = torch.from_numpy(x).to(self.device, memory_format=torch.channels_last)
            result: Floats = self.model(tensor).float().cpu().numpy()
        return result


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
        self.bytes_per_pixel = bytes_per_pixel(model)
        self.can_tile = not PooledMeans(model)
        self.pooled = PooledMeans(nn.Identity())

    def __call__(self, x: Floats) -> Floats:
        """See :class:`Backend`."""
        return self.run(x)


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
    """Gives back what torch keeps of a device's memory for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
