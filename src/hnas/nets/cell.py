"""The cell: how a genotype's edges join into a picture of features. Network and Supernet share this one definition."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.operations import build_operation, normalisation
from hnas.nets.trim import Trim
from hnas.space import cells

#: (node, slot, edge, input features) to output features.
ApplyEdge = Callable[[int, int, cells.Edge, Tensor], Tensor]


def enlargement(kind: cells.CellKind, edge: cells.Edge, scale: int) -> int:
    """By how much an edge enlarges: by the scale from the inputs of an upsampling cell, else not (paper, II-A)."""
    return scale if kind == "upsampling" and edge.source < 0 else 1


def join_cell(cell: cells.Cell, inputs: tuple[Tensor, Tensor], apply: ApplyEdge) -> Tensor:
    """Evaluates a cell: every node sums its two edges, the output concatenates the nodes.

    Args:
        cell: the cell's graph.
        inputs: features of the nodes -2 and -1, both (N, C, H, W).
        apply: evaluates one edge.

    Returns:
        (N, nodes * C, H', W').
    """
    features = dict(zip(cells.CELL_INPUTS, inputs, strict=True))
    for index, node in enumerate(cell.nodes):
        first, second = (apply(index, slot, edge, features[edge.source]) for slot, edge in enumerate(node))
        features[index] = first + second
    return torch.cat([features[index] for index in range(len(cell.nodes))], 1)


def input_cells(genotype: cells.CellGenotype, index: int) -> tuple[int, int]:
    """The cells (from 1; 0 is the stem) whose outputs are a cell's inputs -2 and -1: after the upsampling cell, itself
    for both (authors' code)."""
    return (index - 1 if index == genotype.position + 1 else max(index - 2, 0)), index - 1


def inputs_used(cell: cells.Cell) -> tuple[bool, bool]:
    """Whether any edge of a cell takes its input -2, and its input -1."""
    first, second = (any(edge.source == source for edge in cell.edges) for source in cells.CELL_INPUTS)
    return first, second


def cells_used(genotype: cells.CellGenotype, *, path_around: bool) -> frozenset[int]:
    """The cells (from 1) that the picture depends on; where edges pass a cell by, no other one may take its output.

    Args:
        genotype: both cells and the position.
        path_around: whether there is a path around every cell, which takes all of them along.
    """
    used = {genotype.layers}
    for index in range(genotype.layers, 0, -1):
        if index in used:
            taken = inputs_used(genotype.upsampling if index == genotype.position else genotype.normal)
            used.update(before for before, takes in zip(input_cells(genotype, index), taken, strict=True) if takes)
            used.update({index - 1} if path_around else ())
    return frozenset(used - {0})


def squeeze(wide: int, channels: int, norm: cells.Norm) -> nn.Sequential:
    """What each input of a cell goes through: ReLU and a 1x1 convolution to C channels."""
    return nn.Sequential(nn.ReLU(), nn.Conv2d(wide, channels, 1, bias=False), *normalisation(norm, channels))


def around(previous: Tensor, features: Tensor, weight: float, enlarge: int) -> Tensor:
    """The path around a cell: its input, enlarged where the cell enlarges, plus ``weight`` times its output."""
    if enlarge > 1:
        previous = F.interpolate(previous, scale_factor=enlarge, mode="nearest")
    return torch.add(previous, features, alpha=weight)


class CellNetwork(nn.Module):
    """A cell of a stand-alone network, with weights of its own on every edge, and on every input that an edge takes.

    Args:
        cell: its graph.
        channels: C, inside the cell; its inputs have ``nodes * C``.
        scale: of the network; an upsampling cell enlarges by it.
        norm: normalisation after convolutions.
        trims: what cuts its two inputs where a tile needs less of them; without, they are left whole.
    """

    def __init__(
        self,
        cell: cells.Cell,
        channels: int,
        *,
        scale: int,
        norm: cells.Norm = "none",
        trims: tuple[Trim, Trim] | None = None,
    ) -> None:
        super().__init__()
        self.cell = cell
        wide = len(cell.nodes) * channels
        self.used = inputs_used(cell)
        self.inputs = nn.ModuleList(squeeze(wide, channels, norm) if used else nn.Identity() for used in self.used)
        self.trim_before_previous: nn.Module = trims[0] if trims else nn.Identity()
        self.trim_previous: nn.Module = trims[1] if trims else nn.Identity()
        self.edges = nn.ModuleList(
            build_operation(edge.operation, channels, enlarge=enlargement(cell.kind, edge, scale), norm=norm)
            for edge in cell.edges
        )

    def forward(self, before_previous: Tensor, previous: Tensor) -> Tensor:
        """Shapes: two of (N, nodes * C, H, W) to (N, nodes * C, H', W')."""
        # After the squeeze: there are fewer channels to cut then, and the squeezes of one input stay beside each other.
        first = self.trim_before_previous(self.inputs[0](before_previous)) if self.used[0] else before_previous
        second = self.trim_previous(self.inputs[1](previous)) if self.used[1] else previous
        return join_cell(self.cell, (first, second), lambda node, slot, _, x: self.edges[2 * node + slot](x))
