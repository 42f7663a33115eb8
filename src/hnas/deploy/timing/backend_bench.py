"""Torch as it comes, torch tuned, onnxruntime and OpenVINO beside each other, in turns, in one process.

All but the first keep memory between tensors, as every command does. Next to the times stand the
multiply-adds per second that they mean, and the share of what this machine reaches at most: a large matrix product,
timed in the same turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn

from hnas.deploy.export.writing import describe, onnx_bytes
from hnas.deploy.running.runtimes import BackendName, Floats, Precision, open_session
from hnas.deploy.running.simplify import simplify
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.deploy.timing.turns import medians_in_turns
from hnas.errors import HnasError
from hnas.memory import keep_memory
from hnas.nets import model_cost

#: Side of the matrices whose product gives the machine's peak: large enough for it, short enough to be repeated.
_PEAK_SIDE = 1024
PEAK = "peak"
PLAIN = "torch eager"
_RUNTIMES: Mapping[str, tuple[BackendName, Precision]] = {
    "onnxruntime": ("onnx", "f32"),
    "OpenVINO": ("openvino", "f32"),
    "OpenVINO bf16": ("openvino", "bf16"),
}


@dataclass(frozen=True)
class BackendTiming:
    """One backend.

    Attributes:
        name: of the backend.
        seconds: median of one picture; None where its package is missing, or the processor lacks its precision.
        macs_per_second: multiply-adds of the model per second.
        share: of the machine's peak, 0 to 1.
        faster: than plain eager torch.
    """

    name: str
    seconds: float | None
    macs_per_second: float | None
    share: float | None
    faster: float | None


@dataclass(frozen=True)
class BackendComparison:
    """All backends on one picture.

    Attributes:
        lr_size: height and width of the picture.
        macs: multiply-adds of the model for it.
        peak: multiply-adds per second of a large matrix product, measured in the same run.
        timings: one for every backend.
    """

    lr_size: tuple[int, int]
    macs: int
    peak: float
    timings: tuple[BackendTiming, ...]


def compare_backends(model: nn.Module, *, lr_size: tuple[int, int], repeats: int) -> BackendComparison:
    """Times every backend on one picture, in turns, with as many threads as torch has.

    Args:
        model: any of ours, in evaluation mode, on the CPU.
        lr_size: height and width of the picture.
        repeats: turns; the median counts.
    """
    picture = np.random.default_rng(0).random((1, 3, *lr_size), np.float32)
    runs = _backends(model)
    side = torch.rand(_PEAK_SIDE, _PEAK_SIDE, generator=torch.Generator().manual_seed(0))
    timed: dict[str, Callable[[], object]] = {PEAK: lambda: side @ side}
    timed |= {name: partial(run, picture) for name, run in runs.items() if run is not None}
    seconds = medians_in_turns(
        {name: partial(_ready, name, run) for name, run in timed.items()},
        rounds=repeats,
    )
    macs = model_cost(model, lr_size=lr_size).macs
    peak = _PEAK_SIDE**3 / seconds[PEAK]
    timings = []
    for name in runs:
        if name not in seconds:
            timings.append(BackendTiming(name, None, None, None, None))
            continue
        rate = macs / seconds[name]
        timings.append(BackendTiming(name, seconds[name], rate, rate / peak, seconds[PLAIN] / seconds[name]))
    return BackendComparison(lr_size, macs, peak, tuple(timings))


def _backends(model: nn.Module) -> Mapping[str, Callable[[Floats], Floats] | None]:
    """By name; None where a package or a precision is missing."""

    def eager(x: Floats) -> Floats:
        with torch.inference_mode():
            result: Floats = model(torch.from_numpy(x)).numpy()
        return result

    runs: dict[str, Callable[[Floats], Floats] | None] = {PLAIN: eager, "torch tuned": TorchBackend(deepcopy(model))}
    threads = torch.get_num_threads()
    for name, (backend, precision) in _RUNTIMES.items():
        try:
            data = onnx_bytes(simplify(model), describe(model, {}), split=backend == "onnx")
            runs[name], _ = open_session(backend, data, threads=threads, precision=precision)
        except HnasError:
            runs[name] = None
    return runs


def _ready(name: str, run: Callable[[], object]) -> Callable[[], object]:
    keep_memory(name != PLAIN)
    return run
