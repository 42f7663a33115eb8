"""Table II again: for every system what was printed, what it costs, how long it takes here, what it reaches here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hnas.data.folders import Pair
from hnas.data.pictures import Pixels
from hnas.errors import HnasError
from hnas.evaluation import metrics
from hnas.evaluation.benchmark import BenchmarkResult, PictureResult, bicubic_result, evaluate_model
from hnas.nets import LR_SIZE, Cost, Network, build_model, measure_latency, model_cost, network_cost
from hnas.nets.peers.residual_cells import macs_beside
from hnas.space.cells import CellGenotype, CellSpace
from hnas.zoo.table_two import BESIDE, BICUBIC, SCALE, TABLE_TWO, System

#: Position at which HNAS-C has the cost that the paper prints.
PRINTED_POSITION = {"HNAS-C": 10}


@dataclass(frozen=True)
class Measured:
    """What a system reaches here on one set, by the protocol of :mod:`hnas.evaluation.benchmark`.

    Attributes:
        psnr: dB on Y.
        ssim: on Y.
        psnr_own_rounding: dB as the system's authors measured it, where that differs (:class:`System`).
    """

    psnr: float
    ssim: float
    psnr_own_rounding: float | None = None


@dataclass(frozen=True)
class ComparisonRow:
    """A system and what was found out about it; None is what was not measured or cannot be.

    Attributes:
        system: the row of the paper.
        macs: multiply-adds at a 3x480x480 input, all convolutions counted.
        paper_macs: what the paper's counter gives for the paper's program: no transposed convolutions, but everything
            that runs, used or not. None where the row quotes another paper.
        params: trained numbers.
        latency_ms: median time of one picture.
        weights: where the weights come from.
        measured: by set.
    """

    system: System
    macs: int | None = None
    paper_macs: int | None = None
    params: int | None = None
    latency_ms: float | None = None
    weights: str | None = None
    measured: Mapping[str, Measured] | None = None


def systems(random_seeds: Sequence[int] = (0, 1, 2)) -> tuple[System, ...]:
    """The rows in order: the paper's, genotypes drawn at random from its space, those beside the table.

    A random row is the first uniform draw of its seed that costs at most as many multiply-adds as the largest searched
    network, as six of a hundred do; the mean of the space is twelve times that.
    """
    random = tuple(System(f"Random (seed {seed})", "table", genotype=_affordable(seed)) for seed in random_seeds)
    return (*TABLE_TWO, *random, *BESIDE)


@cache
def _affordable(seed: int) -> CellGenotype:
    costs = [network_cost(system.genotype, system.network).macs for system in TABLE_TWO if system.genotype]
    limit, random = max(costs), Random(seed)
    draws = (System("draw", "table", genotype=CellSpace().sample(random)) for _ in count())
    drawn = next(one for one in draws if one.genotype and network_cost(one.genotype, one.network).macs <= limit)
    assert drawn.genotype
    return drawn.genotype


def chosen(names: Sequence[str], among: Sequence[System]) -> tuple[System, ...]:
    """The systems of these names, in the table's order; all of them for no names.

    Raises:
        HnasError: an unknown name.
    """
    known = {system.name.lower(): system for system in among} | {system.slug: system for system in among}
    if unknown := [name for name in names if name.lower() not in known]:
        raise HnasError(f"unknown row {unknown[0]!r}; allowed are {', '.join(system.name for system in among)}")
    wanted = [known[name.lower()] for name in names]
    return tuple(system for system in among if not wanted or system in wanted)


def compare_system(
    system: System,
    sets: Mapping[str, Sequence[Pair]],
    *,
    model: nn.Module | None = None,
    weights: str | None = None,
    latency_size: tuple[int, int] | None = None,
    device: str = "cpu",
    on_picture: Callable[[PictureResult, Pixels], None] | None = None,
) -> ComparisonRow:
    """Fills one row.

    Args:
        system: the row.
        sets: pairs by name.
        model: with trained weights, to be measured on the sets.
        weights: where they come from.
        latency_size: (height, width) of the input to time; None leaves the time out.
        device: where it runs.
        on_picture: called after every picture.
    """
    if system is BICUBIC:
        found = {name: bicubic_result(pairs, SCALE, "float", on_picture=on_picture) for name, pairs in sets.items()}
        return ComparisonRow(system, measured={name: _measured(result) for name, result in found.items()})
    description = system.description()
    if description is None:
        return ComparisonRow(system)
    cost = _cost(system, description)
    latency = None
    if latency_size is not None:
        # Time does not depend on the weights.
        timed = measure_latency(model or build_model(description), lr_size=latency_size, device=device)
        latency = timed.median_ms
    measured = None
    if model is not None:
        measured = {}
        for name, pairs in sets.items():
            result = evaluate_model(model, pairs, scale=SCALE, device=device, on_picture=on_picture)
            own = _own_rounding(model, pairs, device) if system.own_rounding else None
            measured[name] = _measured(result, own)
    return ComparisonRow(
        system,
        macs=cost.macs,
        paper_macs=_paper_macs(system, description),
        params=cost.params,
        latency_ms=latency,
        weights=weights,
        measured=measured,
    )


def published_rows(scale: int) -> list[ComparisonRow]:
    """What papers print, with true costs, of the systems that enlarge by this much; none beside Table II's scale."""
    return [compare_system(system, {}) for system in systems(random_seeds=())] if scale == SCALE else []


def _measured(result: BenchmarkResult, own_rounding: float | None = None) -> Measured:
    return Measured(result.psnr, result.ssim, own_rounding)


def _cost(system: System, description: Mapping[str, Any]) -> Cost:
    if system.genotype is not None:
        return network_cost(system.genotype, system.network)
    with torch.device("meta"):
        return model_cost(build_model(description))


def _paper_macs(system: System, description: Mapping[str, Any]) -> int | None:
    """The count behind the printed figure of a row that the paper's authors computed themselves."""
    if system.part != "table" or system.printed_gmacs is None:
        return None
    if system.genotype is not None:
        position = PRINTED_POSITION.get(system.name, system.genotype.position)
        genotype = replace(system.genotype, position=position)
        with torch.device("meta"):
            network = Network(genotype, system.network)
        return network_cost(genotype, system.network).macs - _transposed_macs(network)
    return _cost(system, description).macs + macs_beside(SCALE, LR_SIZE) if system.retrained else None


def _transposed_macs(model: nn.Module) -> int:
    """Multiply-adds of the transposed convolutions of a model on the meta device."""
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        nonlocal total
        # Every pixel of the input is multiplied by every weight.
        weight = module.get_parameter("weight")
        total += inputs[0].shape[2] * inputs[0].shape[3] * weight.numel()

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.ConvTranspose2d)]
    with torch.no_grad():
        model(torch.empty(1, 3, *LR_SIZE, device="meta"))
    for hook in hooks:
        hook.remove()
    return total


class _CutOff(nn.Module):
    """A model whose output is cut off to 8 bits instead of rounded."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        cut: Tensor = (self.model(x).clamp(0, 1) * 255).floor() / 255
        return cut


def _own_rounding(model: nn.Module, pairs: Sequence[Pair], device: str) -> float:
    """Mean PSNR in dB on Y in whole numbers, after cutting off to 8 bits."""
    figures: list[float] = []
    originals = iter(pairs)

    def on_picture(_: PictureResult, sr: Pixels) -> None:
        inside = (slice(SCALE, -SCALE), slice(SCALE, -SCALE))
        ours, original = (np.round(metrics.luma(picture))[inside] for picture in (sr, next(originals).hr))
        figures.append(metrics.psnr(ours, original))

    evaluate_model(_CutOff(model), pairs, scale=SCALE, device=device, on_picture=on_picture)
    return math.fsum(figures) / len(figures)


def as_objects(rows: Sequence[ComparisonRow]) -> list[dict[str, Any]]:
    """Rows as JSON values."""
    return [
        {
            "system": row.system.name,
            "part": row.system.part,
            "retrained": row.system.retrained,
            "note": row.system.note or None,
            "printed_gmacs": row.system.printed_gmacs,
            "printed": {name: printed._asdict() for name, printed in row.system.printed.items()},
            "paper_macs": row.paper_macs,
            "macs": row.macs,
            "params": row.params,
            "latency_ms": row.latency_ms,
            "weights": row.weights,
            "measured": row.measured
            and {
                name: {"psnr": m.psnr, "ssim": m.ssim, "psnr_own_rounding": m.psnr_own_rounding}
                for name, m in row.measured.items()
            },
        }
        for row in rows
    ]
