"""How long the steps of a search, a training and an enlargement take here, beside the straightforward way.

All ways run in turns in one process, so that whatever else the machine does hits them alike. The straightforward way
has pictures and weights in the default layout, the library's backward of depthwise convolutions, the default Adam, the
C library's usual way with memory, and float32; ours is timed in float32 and, for what trains, in bfloat16 (bf16-mixed).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from statistics import fmean, median
from time import perf_counter
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from hnas.data.folders import Pair
from hnas.data.patches import PatchSampler
from hnas.data.tensors import as_bytes, as_floats
from hnas.memory import keep_memory
from hnas.nets import Network, NetworkSettings, set_fast_depthwise, to_channels_last
from hnas.nets.latency import synchronise
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.shared_training import build_supernet
from hnas.searching.splits import Splits
from hnas.space.cells import NAMED_GENOTYPES
from hnas.training.devices import start_fabric
from hnas.training.precision import knows_bf16
from hnas.training.settings import DeviceSettings

Way = Literal["plain", "ours", "mixed"]
Part = Literal["data", "forward", "backward", "optimiser"]
PARTS: tuple[Part, ...] = ("data", "forward", "backward", "optimiser")
#: One step of the case with this number, timed by the clock that it is given.
Step = Callable[[int, "Clock"], None]


class Clock:
    """Adds up seconds by the part of a step that they were spent in; waits for the device at every boundary."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[Part, float] = dict.fromkeys(PARTS, 0.0)
        self._device = device

    @contextmanager
    def part(self, name: Part) -> Iterator[None]:
        """Times what is inside."""
        began = perf_counter()
        yield
        synchronise(self._device)
        self.seconds[name] += perf_counter() - began


@dataclass(frozen=True)
class Timing:
    """Seconds of one step in each of its parts: per part the median over repetitions, then the mean over cases."""

    data: float
    forward: float
    backward: float
    optimiser: float

    @property
    def seconds(self) -> float:
        """Of the whole step."""
        return self.data + self.forward + self.backward + self.optimiser

    def share(self, part: Part) -> float:
        """The share of one part in the step, 0 to 1."""
        return float(getattr(self, part)) / self.seconds


@dataclass(frozen=True)
class StepTimes:
    """One kind of step, all ways: plain, ours in float32, and ours in bfloat16 where that is used and known."""

    name: str
    plain: Timing
    ours: Timing
    mixed: Timing | None = None

    @property
    def ratio(self) -> float:
        """How many times faster ours is in float32."""
        return self.plain.seconds / self.ours.seconds

    @property
    def mixed_ratio(self) -> float | None:
        """How many times faster ours is in bfloat16."""
        return self.plain.seconds / self.mixed.seconds if self.mixed else None


@dataclass(frozen=True, kw_only=True)
class BenchSettings:
    """Sizes of what is timed; the defaults are the paper's search and HNAS-A at C = 16, x2.

    Attributes:
        search_channels: C of the supernet.
        channels: C of the trained and enlarging network.
        layers: cells of the supernet.
        batch: patches per step.
        patch: side of an LR patch, pixels.
        picture: side of the square LR picture that is enlarged, pixels.
        genotypes: uniformly drawn genotypes that the steps of the search are averaged over.
        repeats: repetitions of every step, both ways in turns.
        seed: for genotypes, weights and patches.
    """

    search_channels: int = 8
    channels: int = 16
    layers: int = 12
    batch: int = 16
    patch: int = 48
    picture: int = 512
    genotypes: int = 12
    repeats: int = 2
    seed: int = 0


def compare(name: str, steps: Mapping[Way, Step], *, cases: int, repeats: int, device: torch.device) -> StepTimes:
    """Times all ways in turns, each after a step that is thrown away, since they differ in how memory is kept."""
    timings = {}
    seconds: dict[Way, list[list[dict[Part, float]]]] = {way: [[] for _ in range(cases)] for way in steps}
    for case in range(cases):
        for _ in range(repeats):
            for way, step in steps.items():
                keep_memory(way != "plain")
                step(case, Clock(device))
                clock = Clock(device)
                step(case, clock)
                seconds[way][case].append(clock.seconds)
    for way, runs in seconds.items():
        timings[way] = Timing(**{part: fmean(median(run[part] for run in case) for case in runs) for part in PARTS})
    return StepTimes(name, timings["plain"], timings["ours"], timings.get("mixed"))


def bench_w_step(settings: BenchSettings, device: torch.device) -> StepTimes:
    """An update of the supernet's shared weights, each with one uniformly drawn genotype."""
    search = _search_settings(settings)
    random = Random(settings.seed)
    genotypes = [search.search_space.sample(random) for _ in range(settings.genotypes)]
    supernet = build_supernet(search)

    def step(model: nn.Module, case: int, lr: Tensor) -> Tensor:
        result: Tensor = model(lr, genotypes[case])
        return result

    steps = _training_steps(supernet, settings, device, forward=step)
    return compare("w-step", steps, cases=settings.genotypes, repeats=settings.repeats, device=device)


def bench_training_step(settings: BenchSettings, device: torch.device) -> StepTimes:
    """An update of a stand-alone HNAS-A."""
    steps = _training_steps(network(settings), settings, device, forward=lambda model, case, lr: model(lr))
    return compare("training step", steps, cases=1, repeats=settings.repeats, device=device)


def bench_controller_step(settings: BenchSettings, device: torch.device) -> StepTimes:
    """An update of the controller from one genotype: drawn, scored with the shared weights, learnt from.

    Drawing and learning count as "optimiser". What is scored is drawn uniformly, since a controller with fresh weights
    has whims of its own (one of early positions, where large pictures are worked on, took 1.4 times as long).
    """
    search = _search_settings(settings)
    random = Random(settings.seed)
    genotypes = [search.search_space.sample(random) for _ in range(settings.genotypes)]
    pairs = _pictures(settings, scale=search.scale)
    kind: Literal["cuda", "cpu", "mps"] = device.type  # type: ignore[assignment]
    steps: dict[Way, Step] = {}
    for way in _ways(device):
        fabric = start_fabric(DeviceSettings(accelerator=kind, precision="bf16-mixed" if way == "mixed" else "32-true"))
        searcher = build_searcher(search, Splits(pairs[:2], pairs[2:4], pairs[4:]), CostTable(search), fabric)
        assert searcher.weights is not None
        _lay_out(searcher.weights.supernet, way)
        sampler = _sampler(settings, pairs[2:4], search.scale)

        def step(
            case: int,
            clock: Clock,
            *,
            way: Way = way,
            searcher: Searcher = searcher,
            sampler: PatchSampler = sampler,
        ) -> None:
            with clock.part("optimiser"):
                searcher.strategy.ask(1, lam=0.6, random=Random(case))
            with clock.part("data"):
                pictures = _batch(sampler, case, way, device)
            with clock.part("forward"):
                scored = searcher.score_all([genotypes[case]], pictures, 0.6)
            with clock.part("optimiser"):
                searcher.strategy.tell(scored, lam=0.6, spread=searcher.spread)

        steps[way] = step
    return compare("controller step", steps, cases=settings.genotypes, repeats=settings.repeats, device=device)


def bench_upscaling(settings: BenchSettings, device: torch.device) -> StepTimes:
    """A stand-alone HNAS-A that enlarges one picture, from bytes to bytes."""
    picture = np.random.default_rng(settings.seed).integers(256, size=(1, settings.picture, settings.picture, 3))
    pixels = picture.astype(np.uint8)
    steps: dict[Way, Step] = {}
    ways: tuple[Way, ...] = ("plain", "ours")
    for way in ways:
        model = _lay_out(network(settings).to(device).eval(), way)

        def step(case: int, clock: Clock, *, way: Way = way, model: nn.Module = model) -> None:
            with torch.inference_mode():
                with clock.part("data"):
                    x = as_floats(pixels, device)
                    x = x.contiguous() if way == "plain" else x
                with clock.part("forward"):
                    sr = model(x)
                with clock.part("data"):
                    as_bytes(sr).cpu().contiguous()

        steps[way] = step
    name = f"upscaling {settings.picture}x{settings.picture}"
    return compare(name, steps, cases=1, repeats=settings.repeats, device=device)


#: By the name on the command line.
BENCHES: dict[str, Callable[[BenchSettings, torch.device], StepTimes]] = {
    "w-step": bench_w_step,
    "controller-step": bench_controller_step,
    "training-step": bench_training_step,
    "upscaling": bench_upscaling,
}


def _training_steps(
    model: nn.Module,
    settings: BenchSettings,
    device: torch.device,
    *,
    forward: Callable[[nn.Module, int, Tensor], Tensor],
) -> dict[Way, Step]:
    sampler = _sampler(settings, _pictures(settings, scale=2), 2)
    steps: dict[Way, Step] = {}
    for way in _ways(device):
        trained = _lay_out(deepcopy(model).to(device).train(), way)
        optimizer = torch.optim.Adam(trained.parameters(), lr=1e-4, fused=None if way == "plain" else True)

        def step(
            case: int,
            clock: Clock,
            *,
            way: Way = way,
            trained: nn.Module = trained,
            optimizer: torch.optim.Adam = optimizer,
        ) -> None:
            with clock.part("data"):
                lr, hr = _batch(sampler, case, way, device)
            with clock.part("forward"), torch.autocast(device.type, torch.bfloat16, enabled=way == "mixed"):
                loss = l1_loss(forward(trained, case, lr), hr)
            with clock.part("backward"):
                loss.backward()  # type: ignore[no-untyped-call]
            with clock.part("optimiser"):
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)

        steps[way] = step
    return steps


def _ways(device: torch.device) -> tuple[Way, ...]:
    return ("plain", "ours", "mixed") if knows_bf16(device) else ("plain", "ours")


def _lay_out(model: nn.Module, way: Way) -> nn.Module:
    set_fast_depthwise(model, way != "plain")
    if way != "plain":
        return to_channels_last(model)
    return model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload, no-any-return]


def _batch(sampler: PatchSampler, step: int, way: Way, device: torch.device) -> tuple[Tensor, Tensor]:
    lr, hr = sampler.batch(step, device=device)
    return (lr.contiguous(), hr.contiguous()) if way == "plain" else (lr, hr)


def network(settings: BenchSettings) -> Network:
    """The stand-alone network that is timed: HNAS-A with fresh weights."""
    return Network(NAMED_GENOTYPES["HNAS-A"], NetworkSettings(channels=settings.channels))


def _search_settings(settings: BenchSettings) -> SearchSettings:
    return SearchSettings(
        channels=settings.search_channels,
        layers=settings.layers,
        batch=settings.batch,
        patch=settings.patch,
        seed=settings.seed,
        samples=1,
        baseline="ema",
    )


def _sampler(settings: BenchSettings, pairs: tuple[Pair, ...], scale: int) -> PatchSampler:
    return PatchSampler(pairs, scale=scale, patch=settings.patch, batch=settings.batch, seed=settings.seed)


def _pictures(settings: BenchSettings, *, scale: int) -> tuple[Pair, ...]:
    """Noise: how long a step takes does not depend on what is in a picture."""
    draw = np.random.default_rng(settings.seed)
    side = max(4 * settings.patch, 64)
    pictures = [draw.integers(256, size=(scale * side, scale * side, 3), dtype=np.uint8) for _ in range(6)]
    return tuple(Pair(str(index), hr, hr[::scale, ::scale].copy()) for index, hr in enumerate(pictures))
