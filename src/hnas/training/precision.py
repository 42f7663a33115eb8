"""Full or mixed precision: asked for, or chosen by a short measurement, and kept for the whole of a run.

bfloat16 halves what convolutions move and multiplies twice as fast where the processor has instructions for it
(AVX512-BF16, AMX, tensor cores). Elsewhere it is emulated and slower, so a CPU is measured, not looked up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

import torch
from lightning_fabric import Fabric
from torch import nn

from hnas.training.devices import RunPrecision, on_first_process
from hnas.training.run_folder import RunFolder
from hnas.training.settings import Precision

#: bfloat16 is chosen on a CPU from this gain on; a smaller one is not worth the digits.
CLEAR_GAIN = 1.1
#: LR pixels that are measured on at most, and the seconds that repetitions go on for.
_PIXELS, _SECONDS = 4 * 48 * 48, 0.7

_LOG = logging.getLogger(__name__)

#: Device, channels, side of a patch and patches to how many times faster bfloat16 is.
Gain = Callable[[torch.device, int, int, int], float]


@dataclass(frozen=True)
class Choice:
    """A precision, and why it was chosen, in words."""

    precision: Precision
    why: str


def settle_precision(fabric: Fabric, run: RunFolder, *, step: int, channels: int, patch: int, batch: int) -> None:
    """Chooses where the settings say "auto", once for all processes and for the whole run, and says so in the log.

    A resumed run goes on with what its log says. Does nothing for a Fabric that :func:`start_fabric` did not make.

    Args:
        fabric: launched.
        run: an open run folder, its logs cut to the checkpoint that is gone on from.
        step: how far the run is; at 0 nothing has been computed yet.
        channels: C of what is trained.
        patch: side of an LR patch, pixels.
        batch: patches that go through the network together.
    """
    plugin = fabric.strategy.precision
    if not isinstance(plugin, RunPrecision):
        return

    def decide() -> Choice:
        before = remembered_precision(run)
        if plugin.wish != "auto":
            choice = Choice(plugin.wish, "asked for")
            new = choice.precision != (before or "32-true")
        elif before or step:
            choice, new = Choice(before or "32-true", "as the run began"), False
        else:
            choice, new = choose_precision(fabric.device, channels, patch, batch), True
        if new:
            run.append({"phase": "precision", "step": step, **asdict(choice)})
        if plugin.wish == "auto":
            _LOG.info("precision %s: %s", choice.precision, choice.why)
        return choice

    plugin.chosen = on_first_process(fabric, decide).precision


def go_on_in_float32(fabric: Fabric) -> None:
    """What a Fabric that :func:`start_fabric` made computes from here on, whatever was chosen."""
    plugin = fabric.strategy.precision
    if isinstance(plugin, RunPrecision):
        plugin.chosen = "32-true"


def remembered_precision(run: RunFolder) -> Precision | None:
    """What a run computes in by its log; None where that says nothing, as of one that was always in float32."""
    lines = [line for line in run.lines() if line.get("phase") == "precision"]
    return lines[-1]["precision"] if lines else None


def computes_in(fabric: Fabric) -> str:
    """The precision of a Fabric that :func:`start_fabric` made."""
    plugin = fabric.strategy.precision
    return plugin.chosen if isinstance(plugin, RunPrecision) else plugin.precision


def choose_precision(device: torch.device, channels: int, patch: int, batch: int, gain: Gain | None = None) -> Choice:
    """bfloat16 on a GPU that has it, and on a CPU on which it is clearly faster.

    Args:
        device: where to compute.
        channels: C of what is trained.
        patch: side of an LR patch, pixels.
        batch: patches that go through the network together.
        gain: measures; :func:`measured_gain` by default.
    """
    if device.type == "cuda":
        if knows_bf16(device):
            return Choice("bf16-mixed", "this GPU has bfloat16")
        return Choice("32-true", "this GPU has no bfloat16")
    if device.type != "cpu" or not knows_bf16(device):
        return Choice("32-true", "bfloat16 has no fast way here")
    times = (gain or measured_gain)(device, channels, patch, batch)
    clear = times >= CLEAR_GAIN
    what = f"3x3 convolutions of {channels} channels on {batch} patches of {patch}x{patch}"
    rule = "" if clear else f", and {CLEAR_GAIN} times is asked for"
    return Choice("bf16-mixed" if clear else "32-true", f"{what} train {times:.2f} times as fast in bfloat16{rule}")


def measured_gain(device: torch.device, channels: int, patch: int, batch: int) -> float:
    """How many times faster than float32 a small chain of convolutions trains in bfloat16, by medians in turns.

    On one thread: on a busy machine several wait for each other longer than they compute. Takes about a second; draws
    nothing from torch's global generator.
    """
    side = min(patch, 96)
    shape = (max(1, min(batch, _PIXELS // side**2)), side, side, channels)
    chain = nn.Sequential()
    with torch.random.fork_rng(devices=[]):
        for _ in range(4):
            chain.extend([nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.ReLU()])
        features = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    features = features.permute(0, 3, 1, 2).to(device)  # laid out channels-last, as training does
    chain.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    seconds: dict[bool, list[float]] = {False: [], True: []}
    threads, started = torch.get_num_threads(), perf_counter()
    torch.set_num_threads(1)
    try:
        while len(seconds[True]) < 4 or perf_counter() - started < _SECONDS:
            for reduced, spent in seconds.items():
                began = perf_counter()
                with torch.autocast(device.type, torch.bfloat16, enabled=reduced):
                    result = chain(features)
                result.float().mean().backward()
                spent.append(perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    full, mixed = (median(spent[1:]) for spent in seconds.values())  # the first one warms up
    return full / mixed


def knows_bf16(device: torch.device) -> bool:
    """Whether a GPU has bfloat16, or the library convolves in it on this CPU (perhaps slowly, where it is emulated)."""
    if device.type != "cpu":
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
