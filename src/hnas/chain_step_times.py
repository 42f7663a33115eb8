"""How fast shared weights of chains train here, and which share of the machine's peak of convolutions that is.

Every step of every width and precision, and the convolutions of the peak, run in turns in one process with the same
threads, so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import count
from statistics import median
from time import perf_counter
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hnas.data.folders import Pair
from hnas.memory import keep_memory
from hnas.nets.latency import synchronise
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits
from hnas.settings import load_settings, read_config
from hnas.training.devices import start_fabric
from hnas.training.settings import DeviceSettings, Precision

CHAIN_STEP = "chain-step"
PRECISIONS: tuple[Precision, ...] = ("32-true", "bf16-mixed")
#: The 3x3 convolutions whose fastest is the peak: channels, and the side of what they see, pixels.
_PEAK = ((64, 128), (128, 128), (128, 64))
#: The same on an accelerator, which smaller ones do not fill.
_PEAK_OF_ACCELERATORS = ((128, 512), (256, 256), (512, 128))
#: A step computes this many times what its forward pass does: gradients of features and of weights cost as much each.
_FORWARDS = 3


@dataclass(frozen=True, kw_only=True)
class ChainBenchSettings:
    """Sizes of what is timed; the defaults are those of ``hnas search --config cpu --space chain``.

    Attributes:
        search: the search; each of its widths is timed by itself, on its share of the batch.
        peak: channels and side (pixels) of the 3x3 convolutions whose fastest is the peak.
        steps: timed steps in a repetition.
        repeats: repetitions.
    """

    search: SearchSettings
    peak: tuple[tuple[int, int], ...] = _PEAK
    steps: int = 10
    repeats: int = 2

    @classmethod
    def of_preset(cls, *, repeats: int, device: torch.device) -> ChainBenchSettings:
        """The sizes of preset ``cpu``; only the convolutions of the peak depend on the device."""
        return cls(
            search=load_settings(SearchSettings, read_config("cpu", "search", space="chain")),
            peak=_PEAK if device.type == "cpu" else _PEAK_OF_ACCELERATORS,
            repeats=repeats,
        )


@dataclass(frozen=True)
class ChainStep:
    """The training step of one width in one precision.

    Attributes:
        width: channels.
        precision: what is computed in.
        seconds: of a step, the median.
        macs: multiply-adds of its forward and backward pass, which is three times the forward pass.
        peak: multiply-adds per second of the fastest large convolution in this precision.
    """

    width: int
    precision: Precision
    seconds: float
    macs: int
    peak: float

    @property
    def steps_per_second(self) -> float:
        """Steps per second."""
        return 1.0 / self.seconds

    @property
    def macs_per_second(self) -> float:
        """Multiply-adds per second."""
        return self.macs / self.seconds

    @property
    def share(self) -> float:
        """Of the peak, 0 to 1."""
        return self.macs_per_second / self.peak

    def line(self) -> dict[str, Any]:
        """All of it as plain values."""
        names = ("steps_per_second", "macs_per_second", "share")
        return asdict(self) | {name: getattr(self, name) for name in names}


def bench_chain_steps(settings: ChainBenchSettings, device: torch.device) -> list[ChainStep]:
    """Times the steps of all widths in both precisions, and the peaks, in turns.

    A step is a whole one: patches, forward and backward pass of all exits, clipping, Adam and the running average.
    """
    keep_memory()
    cases = [(width, precision) for width in settings.search.widths for precision in PRECISIONS]
    searchers = {case: _searcher(settings.search, *case, device) for case in cases}
    runs: dict[object, Callable[[], object]] = {case: _steps(searcher) for case, searcher in searchers.items()}
    peaks = [(*shape, precision) for shape in settings.peak for precision in PRECISIONS]
    runs |= {shape: _convolution(*shape, device) for shape in peaks}
    seconds = _medians(runs, settings, device)
    best = {
        precision: max(9 * shape[0] ** 2 * shape[1] ** 2 / seconds[shape] for shape in peaks if shape[2] == precision)
        for precision in PRECISIONS
    }
    return [
        ChainStep(width, precision, seconds[width, precision], _macs(searcher), best[precision])
        for (width, precision), searcher in searchers.items()
    ]


def _medians(
    runs: dict[object, Callable[[], object]], settings: ChainBenchSettings, device: torch.device
) -> dict[object, float]:
    """Median seconds of each; every turn begins with one that is thrown away."""
    seconds: dict[object, list[float]] = {name: [] for name in runs}
    for _ in range(settings.repeats):
        for name, run in runs.items():
            run()
            for _ in range(settings.steps):
                synchronise(device)
                began = perf_counter()
                run()
                synchronise(device)
                seconds[name].append(perf_counter() - began)
    return {name: median(values) for name, values in seconds.items()}


def _searcher(search: SearchSettings, width: int, precision: Precision, device: torch.device) -> Searcher:
    """A search among chains of one width, on pictures of noise: what is in a picture takes no time."""
    own = replace(search, widths=(width,), w_genotypes=1, batch=search.batch // search.w_genotypes)
    draw = np.random.default_rng(own.seed)
    side = max(4 * own.patch, own.derive_patch)
    pictures = [draw.integers(256, size=(own.scale * side, own.scale * side, 3), dtype=np.uint8) for _ in range(6)]
    pairs = tuple(Pair(str(i), hr, hr[:: own.scale, :: own.scale].copy()) for i, hr in enumerate(pictures))
    kind: Literal["cuda", "cpu", "mps"] = device.type  # type: ignore[assignment]
    fabric = start_fabric(DeviceSettings(accelerator=kind, precision=precision))
    return build_searcher(own, Splits(pairs[:4], pairs[4:5], pairs[5:]), CostTable(own), fabric)


def _steps(searcher: Searcher) -> Callable[[], object]:
    """A training step at each call, always at the small rate that a schedule begins with."""
    steps = count()
    return lambda: searcher.w_step(next(steps))


def _macs(searcher: Searcher) -> int:
    """Multiply-adds of a step's forward and backward pass."""
    settings = searcher.settings
    lr = torch.zeros(settings.batch, 3, settings.patch, settings.patch, device=searcher.fabric.device)
    (genotype,) = searcher.w_genotypes(0)
    assert searcher.weights is not None
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        searcher.weights.shared.pictures(lr, genotype)
    return _FORWARDS * (int(counter.get_total_flops()) // 2)


def _convolution(channels: int, side: int, precision: Precision, device: torch.device) -> Callable[[], object]:
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    conv.to(device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator(device).manual_seed(0)
    features = torch.rand(1, side, side, channels, generator=generator, device=device).permute(0, 3, 1, 2).to(dtype)

    def run() -> object:
        with torch.inference_mode():
            return conv(features)

    return run
