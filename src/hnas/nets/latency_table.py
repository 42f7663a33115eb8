"""Latency of any genotype from a table of parts that were measured once on the device at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn

from hnas import values
from hnas.errors import HnasError
from hnas.nets.cell import Cell, around, cells_used
from hnas.nets.common import enlarge_image, to_channels_last
from hnas.nets.latency import device_description, forward_seconds, measure_latency
from hnas.nets.network import Network, NetworkSettings
from hnas.nets.operations import build_operation
from hnas.ranking import kendall_tau
from hnas.space.cells import OPERATIONS, CellGenotype, CellKind, CellSpace, Edge, Node
from hnas.space.cells import Cell as CellGraph

FORMAT = "hnas-latency/1"
#: No part is timed for longer than this, seconds.
_MAX_SECONDS = 2.0
#: How often every part is measured.
_ROUNDS = 5


@dataclass(frozen=True)
class LatencyTable:
    """Milliseconds of every part that a network is made of, each alone on the device.

    Attributes:
        device: what it was measured on, in words.
        network: width, scale, skips and normalisation that were measured.
        nodes: intermediate nodes of a cell.
        lr_size: (height, width) of the low-resolution input.
        milliseconds: by part: ``frame`` (stem, tail, image skip), ``cell/...`` (all of a cell but its edges) and one
            per operation and place.
    """

    device: str
    network: NetworkSettings
    nodes: int
    lr_size: tuple[int, int]
    milliseconds: Mapping[str, float]

    def predict(self, genotype: CellGenotype) -> float:
        """The sum of a network's parts, ms.

        Raises:
            HnasError: cells of another number of nodes than was measured.
        """
        if len(genotype.normal.nodes) != self.nodes:
            raise HnasError(f"the latency table is of cells with {self.nodes} nodes, not {len(genotype.normal.nodes)}")
        used = cells_used(genotype, path_around=self.network.cell_skip > 0)
        before = sum(index < genotype.position for index in used)
        after = sum(index > genotype.position for index in used)
        return (
            self.milliseconds["frame"]
            + before * self._cell(genotype.normal, "small")
            + self._cell(genotype.upsampling, "")
            + after * self._cell(genotype.normal, "large")
        )

    def _cell(self, cell: CellGraph, size: str) -> float:
        if cell.kind == "normal":
            edges = (f"normal/{size}/{edge.operation}" for edge in cell.edges)
            return self.milliseconds[f"cell/normal/{size}"] + sum(self.milliseconds[edge] for edge in edges)
        edges = (f"upsampling/{'input' if edge.source < 0 else 'node'}/{edge.operation}" for edge in cell.edges)
        return self.milliseconds["cell/upsampling"] + sum(self.milliseconds[edge] for edge in edges)

    def to_json(self) -> str:
        """The table as one JSON object of the format ``hnas-latency/1``."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_dict(cls, value: object) -> LatencyTable:
        """Reads the object of :meth:`to_json`.

        Raises:
            HnasError: it is no table.
        """
        if not isinstance(value, Mapping) or value.get("format") != FORMAT:
            raise HnasError(f"not a latency table of the format {FORMAT}; measure one with hnas profile --build-table")
        try:
            height, width = values.sequence("lr_size", value.get("lr_size"))
            measured = values.mapping("milliseconds", value.get("milliseconds"))
            table = cls(
                device=values.text("device", value.get("device")),
                network=NetworkSettings(**values.mapping("network", value.get("network"))),
                nodes=values.whole_number("nodes", value.get("nodes")),
                lr_size=(values.whole_number("the height", height), values.whole_number("the width", width)),
                milliseconds={part: values.number(part, time) for part, time in measured.items()},
            )
        except (TypeError, ValueError) as error:  # HnasError is a ValueError
            raise HnasError(f"the latency table is damaged ({error}); measure it anew") from error
        if table.nodes < 1 or min(table.lr_size) < 1 or min(table.milliseconds.values(), default=0.0) < 0:
            raise HnasError("the latency table is damaged (nodes, sizes and times are never negative); measure it anew")
        if missing := set(_parts()) - table.milliseconds.keys():
            raise HnasError(f"the latency table lacks {', '.join(sorted(missing))}; measure it anew")
        return table


def load_latency_table(path: str | Path) -> LatencyTable:
    """A table from its file.

    Raises:
        HnasError: no such file, or no table.
    """
    value = values.read_json(Path(path), advice=f"measure a latency table with hnas profile --build-table {path}")
    try:
        return LatencyTable.from_dict(value)
    except HnasError as error:
        raise HnasError(f"{path}: {error}") from error


def build_latency_table(
    settings: NetworkSettings,
    *,
    lr_size: tuple[int, int],
    nodes: int = 4,
    device: str | torch.device = "cpu",
    repeats: int = 5,
    progress: Callable[[str], None] | None = None,
) -> LatencyTable:
    """Measures every part on a device: the fastest of a few passes over noise, channels last, after one to warm up.

    All parts are measured in several rounds, seconds apart, so that other work on the machine spoils none of them for
    good.

    Args:
        settings: width, scale, skips and normalisation of the networks.
        lr_size: (height, width) of the low-resolution input.
        nodes: intermediate nodes of a cell.
        device: where it runs.
        repeats: passes per part and round.
        progress: called with the name of every part when it is measured.
    """
    device = torch.device(device)
    bench = _Bench(settings, lr_size, nodes, device, repeats)
    milliseconds: dict[str, float] = {}
    for number in range(1, _ROUNDS + 1):
        for part in _parts():
            milliseconds[part] = min(milliseconds.get(part, inf), bench.measure(part))
            if progress and number == _ROUNDS:
                progress(part)
    # Measured with nearest interpolation on two edges from the inputs; the cell itself is what is left.
    whole, edge = milliseconds["cell/upsampling"], milliseconds["upsampling/input/nearest"]
    milliseconds["cell/upsampling"] = max(whole - 2 * edge, 0.0)
    return LatencyTable(device_description(device), settings, nodes, lr_size, milliseconds)


@dataclass(frozen=True)
class LatencyCheck:
    """How well a table predicts.

    Attributes:
        predicted, measured: latency in ms of random genotypes.
        tau: Kendall's tau between the two.
    """

    predicted: tuple[float, ...]
    measured: tuple[float, ...]
    tau: float


def check_latency_table(
    table: LatencyTable, *, layers: int, count: int = 30, device: str | torch.device = "cpu", repeats: int = 5
) -> LatencyCheck:
    """Compares predictions with measurements of whole networks of random genotypes (always the same ones).

    Args:
        table: measured on this device.
        layers: cells of the networks.
        count: genotypes, 2 and more.
        device: where they run.
        repeats: passes per network; the fastest counts, as in the table.
    """
    space, random = CellSpace(layers=layers, nodes=table.nodes), Random(0)
    predicted, measured = [], []
    for _ in range(count):
        genotype = space.sample(random)
        network = to_channels_last(Network(genotype, table.network))
        latency = measure_latency(network, lr_size=table.lr_size, device=device, repeats=repeats)
        predicted.append(table.predict(genotype))
        measured.append(latency.fastest_ms)
    return LatencyCheck(tuple(predicted), tuple(measured), kendall_tau(predicted, measured))


def _parts() -> list[str]:
    normal = [f"normal/{size}/{name}" for size in ("small", "large") for name in OPERATIONS["normal"]]
    upsampling = [f"upsampling/{source}/{name}" for source in ("input", "node") for name in OPERATIONS["upsampling"]]
    return ["frame", "cell/normal/small", "cell/normal/large", "cell/upsampling", *normal, *upsampling]


@dataclass(frozen=True)
class _Bench:
    """Builds and times single parts."""

    settings: NetworkSettings
    lr_size: tuple[int, int]
    nodes: int
    device: torch.device
    repeats: int

    def measure(self, part: str) -> float:
        """Milliseconds of one part."""
        kind, _, rest = part.partition("/")
        if kind == "frame":
            return self._frame()
        if kind == "cell":
            return (
                self._cell("upsampling") if rest == "upsampling" else self._cell("normal", large=rest == "normal/large")
            )
        place, _, name = rest.partition("/")
        enlarge = self.settings.scale if place == "input" else 1
        module = build_operation(name, self.settings.channels, enlarge=enlarge, norm=self.settings.norm)
        if isinstance(module, nn.Identity):
            return 0.0
        return self._time(self._ready(module), self._noise(self.settings.channels, large=place in ("large", "node")))

    def _frame(self) -> float:
        wide = self.nodes * self.settings.channels
        stem = self._ready(nn.Conv2d(3, wide, 3, padding=1, bias=False))
        tail = self._ready(nn.Conv2d(wide, 3, 3, padding=1, bias=False))
        picture = self._noise(3)
        total = self._time(stem, picture) + self._time(tail, self._noise(wide, large=True))
        skip = self.settings.image_skip
        if skip != "none":
            total += self._time(lambda x: enlarge_image(x, self.settings.scale, skip), picture)
        return total

    def _cell(self, kind: CellKind, *, large: bool = False) -> float:
        """A cell whose edges cost nothing, but for two that enlarge in an upsampling cell."""
        operation = "identity" if kind == "normal" else "nearest"
        first: Node = (Edge(operation, -2), Edge(operation, -1))
        others: Node = (Edge(operation, 0), Edge(operation, 0))
        graph = CellGraph(kind, (first, *[others] * (self.nodes - 1)))
        cell = self._ready(Cell(graph, self.settings.channels, scale=self.settings.scale, norm=self.settings.norm))
        weight, enlarge = self.settings.cell_skip, self.settings.scale if kind == "upsampling" else 1

        def forward(x: Tensor) -> Tensor:
            features: Tensor = cell(x, x)
            return around(x, features, weight, enlarge) if weight else features

        return self._time(forward, self._noise(self.nodes * self.settings.channels, large=large))

    def _ready(self, module: nn.Module) -> nn.Module:
        return to_channels_last(module).to(self.device).eval()

    def _noise(self, channels: int, *, large: bool = False) -> Tensor:
        height, width = (side * (self.settings.scale if large else 1) for side in self.lr_size)
        noise = torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))
        return noise.to(self.device, memory_format=torch.channels_last)

    def _time(self, forward: Callable[[Tensor], Tensor], x: Tensor) -> float:
        times = forward_seconds(lambda: forward(x), self.device, repeats=self.repeats, max_seconds=_MAX_SECONDS)
        return 1e3 * min(times)
