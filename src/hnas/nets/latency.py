"""Measured latency. MACs mislead: per MAC these cells run several times slower than plain convolutions on a CPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from hnas.machine import processor_name
from hnas.nets.common import to_channels_last
from hnas.nets.forms import plain_form


@dataclass(frozen=True)
class Latency:
    """Times of one forward pass.

    Attributes:
        median_ms: milliseconds, the median.
        fastest_ms: milliseconds, the fastest repetition.
        repeats: how many were timed.
        device: what it ran on, in words.
    """

    median_ms: float
    fastest_ms: float
    repeats: int
    device: str


def measure_latency(
    model: nn.Module,
    *,
    lr_size: tuple[int, int],
    device: str | torch.device = "cpu",
    repeats: int = 5,
    max_seconds: float = 20.0,
) -> Latency:
    """Times a model, in the form that is run, on one 3 x H x W picture, channels last, after one pass that warms up.

    Args:
        model: moved to the device and set to evaluation.
        lr_size: (height, width) of the low-resolution input in pixels.
        device: where it runs.
        repeats: timed passes, at least one.
        max_seconds: no further pass is begun after this long.
    """
    device = torch.device(device)
    model = to_channels_last(plain_form(model)).to(device).eval()
    # A fixed picture of noise: zeros can run faster than real data.
    picture = torch.rand(1, 3, *lr_size, generator=torch.Generator().manual_seed(0))
    picture = picture.to(device, memory_format=torch.channels_last)
    seconds = forward_seconds(lambda: model(picture), device, repeats=repeats, max_seconds=max_seconds)
    return Latency(
        median_ms=1e3 * statistics.median(seconds),
        fastest_ms=1e3 * min(seconds),
        repeats=len(seconds),
        device=device_description(device),
    )


def forward_seconds(
    forward: Callable[[], object], device: torch.device, *, repeats: int, max_seconds: float
) -> list[float]:
    """Seconds of each of at least one and at most ``repeats`` calls, after one that warms up; without gradients."""
    seconds: list[float] = []
    began = time.perf_counter()
    with torch.inference_mode():
        forward()
        while not seconds or (len(seconds) < repeats and time.perf_counter() - began < max_seconds):
            synchronise(device)
            start = time.perf_counter()
            forward()
            synchronise(device)
            seconds.append(time.perf_counter() - start)
    return seconds


def synchronise(device: torch.device) -> None:
    """Waits until a device has done what it was given, which only an accelerator puts off."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def device_description(device: str | torch.device = "cpu") -> str:
    """The device in words, enough to tell whether two measurements belong together."""
    device = torch.device(device)
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    return f"{processor_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
