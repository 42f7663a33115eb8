"""Where the computing happens: one device, several processes, full or reduced precision (Lightning Fabric)."""

from __future__ import annotations

import atexit
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.precision import MixedPrecision
from lightning_fabric.utilities.exceptions import MisconfigurationException

from hnas.errors import HnasError
from hnas.launched import Launched, first_has_left, launched, line_to_type
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
    """Readies the devices.

    With several, this starts the other processes, each of which runs the same command; where a launcher (torchrun,
    srun) has started them already, on one host or many, it joins them. Precision "auto" is chosen later, by
    :func:`hnas.training.precision.settle_precision`.

    Raises:
        HnasError: no such device, not so many, or not as many processes as were launched; says what to type.
    """
    settings = settings or DeviceSettings()
    for name, value in (("devices", settings.devices), ("num_nodes", settings.num_nodes)):
        if value is not None and value < 1:
            raise HnasError(f"{name} is {value}; allowed is 1 and more")
    started = launched()
    hosts, devices = _as_launched(settings, started) if started else _alone(settings)
    try:
        precision = RunPrecision(settings.precision)
        fabric = Fabric(
            accelerator=settings.accelerator,
            devices=devices,
            num_nodes=hosts,
            plugins=[precision, *_environment(started)],
        )
        precision.device = fabric.device.type
        with _stdout_to_stderr() if hosts * devices > 1 else nullcontext():
            fabric.launch()
        if fabric.world_size > 1:
            # Left to the interpreter's end, gloo's threads may outlive what they use: the process then aborts.
            atexit.register(_leave_group)
    except (RuntimeError, ValueError, MisconfigurationException) as error:
        raise HnasError(
            f"cannot use {devices} device(s) of the kind {settings.accelerator!r} at precision "
            f"{settings.precision!r} ({str(error).splitlines()[0]}); --accelerator cpu --devices 1 works everywhere"
        ) from error
    if not fabric.is_global_zero:
        sys.stdout = io.StringIO()  # all run the same command; the first one speaks for them
    if fabric.device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # every step has the same shapes
    return fabric


def _as_launched(settings: DeviceSettings, started: Launched) -> tuple[int, int]:
    """Hosts, and devices on each, of processes that are there already."""
    hosts, devices = settings.num_nodes or started.hosts, settings.devices or started.on_each
    if (hosts, devices) != (started.hosts, started.on_each):
        raise HnasError(
            f"{started.launcher} started {started.processes} process(es), {started.on_each} on each of {started.hosts} "
            f"host(s), and --num-nodes {hosts} --devices {devices} are {hosts * devices}; leave both out to use those "
            f"that are there, or type: {line_to_type(started.launcher, hosts, devices)}"
        )
    if started.launcher == "srun" and "SLURM_NTASKS_PER_NODE" not in os.environ:  # without which Fabric counts nothing
        raise HnasError(
            f"srun started {started.processes} processes and does not say how many on each host; type: "
            f"{line_to_type('srun', hosts, devices)}"
        )
    return hosts, devices


def _alone(settings: DeviceSettings) -> tuple[int, int]:
    """Hosts, and devices on each, of a command that no launcher started."""
    hosts, devices = settings.num_nodes or 1, settings.devices or 1
    if hosts > 1:
        raise HnasError(
            f"num_nodes is {hosts}, and nothing started this command on other hosts; type on each of them: "
            f"{line_to_type('torchrun', hosts, devices)}"
        )
    return hosts, devices


def _environment(started: Launched | None) -> list[ClusterEnvironment]:
    """What tells Fabric of the processes, where it would not find out alike by itself."""
    if started and started.launcher == "srun":
        return [SLURMEnvironment()]
    # In a job of SLURM but not started by srun: one process, whatever the job has room for.
    return [LightningEnvironment()] if not started and "SLURM_NTASKS" in os.environ else []


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Sends to stderr what is printed past Python, by other processes too: gloo of torch 2.9 says whom it found."""
    if sys.__stdout__ is None or sys.__stderr__ is None:  # closed
        yield
        return
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def _leave_group() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


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
        first_has_left(2.0)  # a launcher may end all as soon as one has left, and the first has something to say
        raise SystemExit(2)
    return result  # type: ignore[return-value]
