"""The genotype of a network of cells, as the paper has it: both cells and the position of the upsampling one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from hnas.errors import HnasError
from hnas.space.cells.operations import OPERATIONS, CellKind
from hnas.space.reading import fields_of, json_value
from hnas.values import sequence, shown, whole_number

FORMAT = "hnas-genotype/1"
#: Bounds that keep a hostile file from asking for an absurd network; the paper uses 12 layers and 4 nodes.
MAX_LAYERS = 256
MAX_NODES = 64
#: In all cells together, five times those of the paper.
MAX_NODES_IN_ALL = 256

#: The cell's inputs: the outputs of the two cells before it (-1 is the nearer one). Nodes count from 0.
CELL_INPUTS = (-2, -1)


@dataclass(frozen=True, order=True)
class Edge:
    """One operation applied to one earlier node: -2 or -1 for the cell's inputs, 0.. for intermediate nodes."""

    operation: str
    source: int


Node = tuple[Edge, Edge]


@dataclass(frozen=True)
class Cell:
    """A directed acyclic graph: every node is the sum of its two edges, the output joins all nodes (paper, II-A).

    Raises:
        HnasError: an operation that this kind of cell does not have, or an edge from a node that is not earlier.
    """

    kind: CellKind
    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.nodes) <= MAX_NODES:
            raise HnasError(f"a {self.kind} cell has 1 to {MAX_NODES} nodes, not {len(self.nodes)}")
        allowed = OPERATIONS[self.kind]
        for index, node in enumerate(self.nodes):
            for edge in node:
                if edge.operation not in allowed:
                    raise HnasError(
                        f"unknown operation {edge.operation!r} in node {index} of the {self.kind} cell; "
                        f"allowed are {', '.join(allowed)}, and those of other packages where they are installed"
                    )
                if not CELL_INPUTS[0] <= edge.source < index:
                    raise HnasError(
                        f"node {index} of the {self.kind} cell takes its input from {edge.source}; allowed are "
                        f"-2 and -1 (the cell's inputs) and the earlier nodes, so -2 to {index - 1}"
                    )

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, node by node."""
        return tuple(edge for node in self.nodes for edge in node)


@dataclass(frozen=True)
class CellGenotype:
    """Both cells and the place of the upsampling cell among the layers.

    Attributes:
        layers: number of cells L, the upsampling cell included (12 in the paper).
        position: where the upsampling cell stands, 1 to L: ``position - 1`` normal cells come before it.
        normal: the cell that is repeated.
        upsampling: the cell that enlarges by the scale.

    Raises:
        HnasError: a position outside 1..L, more than 256 nodes in all cells together, or cells of the wrong kind.
    """

    kind: ClassVar[str] = "cells"

    layers: int
    position: int
    normal: Cell
    upsampling: Cell

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= MAX_LAYERS:
            raise HnasError(f"layers is {self.layers}; allowed are 1 to {MAX_LAYERS}")
        if not 1 <= self.position <= self.layers:
            raise HnasError(f"position is {self.position}; allowed are 1 to {self.layers} (the number of layers)")
        nodes = (self.layers - 1) * len(self.normal.nodes) + len(self.upsampling.nodes)
        if nodes > MAX_NODES_IN_ALL:
            raise HnasError(f"{self.layers} layers have {nodes} nodes; allowed are {MAX_NODES_IN_ALL} in all")
        if self.normal.kind != "normal" or self.upsampling.kind != "upsampling":
            raise HnasError("a genotype takes a normal and an upsampling cell, in this order")

    def cell(self, kind: CellKind) -> Cell:
        """The cell of a kind."""
        return self.normal if kind == "normal" else self.upsampling

    def cell_at(self, layer: int) -> Cell:
        """The cell of a layer, counted from 1."""
        return self.cell("upsampling" if layer == self.position else "normal")

    def with_cell(self, cell: Cell) -> CellGenotype:
        """The same genotype with another cell of that cell's kind."""
        return replace(self, normal=cell) if cell.kind == "normal" else replace(self, upsampling=cell)

    def to_json(self) -> str:
        """The genotype as one JSON object of the format ``hnas-genotype/1``."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The genotype as plain values, in the layout of its JSON."""
        return {
            "format": FORMAT,
            "layers": self.layers,
            "position": self.position,
            "normal": _cell_to_list(self.normal),
            "upsampling": _cell_to_list(self.upsampling),
        }

    def summary(self) -> str:
        """Position, and the operation and input of every edge, node by node, in one line."""
        cells = (
            f"{cell.kind} "
            + "; ".join(", ".join(f"{edge.operation} {edge.source}" for edge in node) for node in cell.nodes)
            for cell in (self.normal, self.upsampling)
        )
        return f"position {self.position}/{self.layers} | " + " | ".join(cells)

    def lines(self) -> list[str]:
        """Layers, position and both cells, a line for every node."""
        before, after = self.position - 1, self.layers - self.position
        lines = [
            f"layers    {self.layers}",
            f"position  {self.position} (normal cells: {before} before the upsampling cell, {after} after it)",
        ]
        for cell in (self.normal, self.upsampling):
            nodes = [" + ".join(f"{edge.operation}({edge.source})" for edge in node) for node in cell.nodes]
            lines += ["", f"{cell.kind} cell", *(f"  node {index} = {node}" for index, node in enumerate(nodes))]
        return lines

    def chosen(self) -> dict[str, tuple[str, ...]]:
        """The operations of both cells and the position."""
        cells = {
            f"Operations of the {cell.kind} cell": tuple(edge.operation for edge in cell.edges)
            for cell in (self.normal, self.upsampling)
        }
        return {**cells, "Position of the upsampling cell": (str(self.position),)}

    @property
    def idle(self) -> bool:
        """Whether the normal cell passes its inputs on and does nothing else."""
        return all(edge.operation == "identity" for edge in self.normal.edges)

    @classmethod
    def from_json(cls, text: str) -> CellGenotype:
        """Reads :meth:`to_json`.

        Raises:
            HnasError: the text is no JSON, or its object no valid genotype.
        """
        return cls.from_dict(json_value(text, FORMAT))

    @classmethod
    def from_dict(cls, value: object) -> CellGenotype:
        """Reads :meth:`to_dict`.

        Raises:
            HnasError: a field is missing, unknown, of the wrong type, or the genotype is not valid.
        """
        fields = fields_of(value, FORMAT, {"layers", "position", "normal", "upsampling"})
        return cls(
            layers=whole_number("layers", fields["layers"]),
            position=whole_number("position", fields["position"]),
            normal=_cell_from_list("normal", fields["normal"]),
            upsampling=_cell_from_list("upsampling", fields["upsampling"]),
        )


def _cell_to_list(cell: Cell) -> list[list[list[str | int]]]:
    return [[[edge.operation, edge.source] for edge in node] for node in cell.nodes]


def _cell_from_list(kind: CellKind, value: object) -> Cell:
    nodes: list[Node] = []
    for index, node in enumerate(sequence(f"the {kind} cell", value)):
        pair = sequence(f"node {index} of the {kind} cell", node)
        if len(pair) != 2:
            raise HnasError(f"node {index} of the {kind} cell has {len(pair)} edges; allowed are exactly 2")
        first, second = (_edge_from_list(f"node {index} of the {kind} cell", edge) for edge in pair)
        nodes.append((first, second))
    return Cell(kind, tuple(nodes))


def _edge_from_list(where: str, value: object) -> Edge:
    edge = sequence(f"an edge in {where}", value)
    if len(edge) != 2 or not isinstance(edge[0], str):
        raise HnasError(f'an edge in {where} is {shown(value)}; allowed is ["operation", source]')
    return Edge(edge[0], whole_number(f"the source of an edge in {where}", edge[1]))
