"""The genotype: a frozen, hashable, validated value that says what a network is, and its versioned JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hnas.errors import HnasError

FORMAT = "hnas-genotype/1"
#: Bounds that keep a hostile file from asking for an absurd network; the paper uses 12 layers and 4 nodes.
MAX_LAYERS = 256
MAX_NODES = 64

NORMAL_OPERATIONS = (
    "identity",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "up_down_projection",
    "rcab",
)
UPSAMPLING_OPERATIONS = ("area", "bilinear", "nearest", "sub_pixel", "deconvolution")

CellKind = Literal["normal", "upsampling"]
OPERATIONS: Mapping[CellKind, tuple[str, ...]] = {
    "normal": NORMAL_OPERATIONS,
    "upsampling": UPSAMPLING_OPERATIONS,
}
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
    """A directed acyclic graph: every node is the sum of its two edges, the output joins all nodes (paper, 3.2).

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
                        f"allowed are {', '.join(allowed)}"
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
class Genotype:
    """Both cells and the place of the upsampling cell among the layers.

    Attributes:
        layers: number of cells L, the upsampling cell included (12 in the paper).
        position: where the upsampling cell stands, 1 to L: ``position - 1`` normal cells come before it.
        normal: the cell that is repeated.
        upsampling: the cell that enlarges by the scale.

    Raises:
        HnasError: a position outside 1..L, or cells of the wrong kind.
    """

    layers: int
    position: int
    normal: Cell
    upsampling: Cell

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= MAX_LAYERS:
            raise HnasError(f"layers is {self.layers}; allowed are 1 to {MAX_LAYERS}")
        if not 1 <= self.position <= self.layers:
            raise HnasError(f"position is {self.position}; allowed are 1 to {self.layers} (the number of layers)")
        if self.normal.kind != "normal" or self.upsampling.kind != "upsampling":
            raise HnasError("a genotype takes a normal and an upsampling cell, in this order")

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

    @classmethod
    def from_json(cls, text: str) -> Genotype:
        """Reads :meth:`to_json`.

        Raises:
            HnasError: the text is no JSON, or its object no valid genotype.
        """
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise HnasError(f"this is no JSON ({error}); a genotype is an object of the format {FORMAT}") from error
        return cls.from_dict(value)

    @classmethod
    def from_dict(cls, value: object) -> Genotype:
        """Reads :meth:`to_dict`.

        Raises:
            HnasError: a field is missing, unknown, of the wrong type, or the genotype is not valid.
        """
        if not isinstance(value, Mapping):
            raise HnasError(f"a genotype is a JSON object of the format {FORMAT}, not {_shown(value)}")
        if value.get("format") != FORMAT:
            raise HnasError(f"the genotype's format is {_shown(value.get('format'))}; allowed is {FORMAT!r}")
        fields = {"format", "layers", "position", "normal", "upsampling"}
        if missing := fields - value.keys():
            raise HnasError(f"the genotype lacks {', '.join(sorted(missing))}")
        if unknown := value.keys() - fields:
            names = ", ".join(sorted(map(str, unknown)))
            raise HnasError(f"the genotype has unknown fields {names}; allowed are {', '.join(sorted(fields))}")
        return cls(
            layers=_whole_number("layers", value["layers"]),
            position=_whole_number("position", value["position"]),
            normal=_cell_from_list("normal", value["normal"]),
            upsampling=_cell_from_list("upsampling", value["upsampling"]),
        )


def _cell_to_list(cell: Cell) -> list[list[list[str | int]]]:
    return [[[edge.operation, edge.source] for edge in node] for node in cell.nodes]


def _cell_from_list(kind: CellKind, value: object) -> Cell:
    nodes: list[Node] = []
    for index, node in enumerate(_sequence(f"the {kind} cell", value)):
        pair = _sequence(f"node {index} of the {kind} cell", node)
        if len(pair) != 2:
            raise HnasError(f"node {index} of the {kind} cell has {len(pair)} edges; allowed are exactly 2")
        first, second = (_edge_from_list(f"node {index} of the {kind} cell", edge) for edge in pair)
        nodes.append((first, second))
    return Cell(kind, tuple(nodes))


def _edge_from_list(where: str, value: object) -> Edge:
    edge = _sequence(f"an edge in {where}", value)
    if len(edge) != 2 or not isinstance(edge[0], str):
        raise HnasError(f'an edge in {where} is {_shown(value)}; allowed is ["operation", source]')
    return Edge(edge[0], _whole_number(f"the source of an edge in {where}", edge[1]))


def _sequence(what: str, value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise HnasError(f"{what} is {_shown(value)}; a list is needed")
    return value


def _whole_number(what: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise HnasError(f"{what} is {_shown(value)}; a whole number is needed")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
