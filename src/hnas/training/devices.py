"""Where the computing happens: one device, several processes, full or reduced precision (Lightning Fabric)."""

from __future__ import annotations

import atexit
import io
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from lightning_fabric.utilities.exceptions import MisconfigurationException

from hnas.errors import HnasError
from hnas.training.settings import DeviceSettings, Precision

T = TypeVar("T")


class RunPrecision(MixedPrecision):
    """Fabric's plugin for both precisions; "auto" computes in float32 until it is settled.

    Unlike Fabric's own it leaves the pictures in float32: the image skip adds them to what the network computes.

    Args:
        wish: as in the settings.

    Attributes:
        chosen: what is computed in.
    """

    def __init__(self, wish: Precision | Literal["auto"]) -> None:
        super().__init__("bf16-mixed", device="cpu")
        self.wish = wish
        self.chosen: Precision = "32-true" if wish == "auto" else wish

    def forward_context(self) -> AbstractContextManager[Any]:
        """Autocast to bfloat16, or nothing."""
        return super().forward_context() if self.chosen == "bf16-mixed" else nullcontext()

    def convert_input(self, data: Any) -> Any:
        """What it was."""
        return data

    def convert_output(self, data: Any) -> Any:
        """In float32."""
        return super().convert_output(data) if self.chosen == "bf16-mixed" else data


def start_fabric(settings: DeviceSettings | None = None) -> Fabric:
    """Readies the devices; with several, this starts the other processes, each of which runs the same command.

    Precision "auto" is chosen later, by :func:`hnas.training.precision.settle_precision`.

    Raises:
        HnasError: no such device, or not so many.
    """
    settings = settings or DeviceSettings()
    if settings.devices < 1:
        raise HnasError(f"devices is {settings.devices}; allowed is 1 and more")
    try:
        precision = RunPrecision(settings.precision)
        fabric = Fabric(accelerator=settings.accelerator, devices=settings.devices, plugins=[precision])
        precision.device = fabric.device.type
        fabric.launch()
        if fabric.world_size > 1:
            # Left to the interpreter's end, gloo's threads may outlive what they use: the process then aborts.
            atexit.register(_leave_group)
    except (RuntimeError, ValueError, MisconfigurationException) as error:
        raise HnasError(
            f"cannot use {settings.devices} device(s) of the kind {settings.accelerator!r} at precision "
            f"{settings.precision!r} ({str(error).splitlines()[0]}); --accelerator cpu --devices 1 works everywhere"
        ) from error
    if not fabric.is_global_zero:
        sys.stdout = io.StringIO()  # all run the same command; the first one speaks for them
    if fabric.device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # every step has the same shapes
    return fabric


def _leave_group() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def is_first_process() -> bool:
    """Whether this process is the one that speaks and writes for all; those started for more devices are not."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def on_first_process(fabric: Fabric, work: Callable[[], T]) -> T:
    """Does something in the first process only, and gives its result to all; what it raises ends all of them.

    Raises:
        HnasError: ``work`` raised it. The other processes exit with status 2 and leave the message to the first.
    """
    if fabric.world_size == 1:
        return work()
    result: T | None = None
    error: HnasError | None = None
    if fabric.is_global_zero:
        try:
            result = work()
        except HnasError as raised:
            error = raised
    failed, result = fabric.broadcast((error is not None, result))
    if error is not None:
        raise error
    if failed:
        raise SystemExit(2)
    return result  # type: ignore[return-value]
