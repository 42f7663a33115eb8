"""The space of networks of cells: which genotypes there are, how many, and how to draw and change one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from random import Random
from typing import ClassVar, TypeVar

from hnas.errors import HnasError
from hnas.space.cells.genotype import (
    CELL_INPUTS,
    MAX_LAYERS,
    MAX_NODES,
    Cell,
    CellGenotype,
    Edge,
    Node,
)
from hnas.space.cells.operations import NORMAL_OPERATIONS, OPERATIONS, UPSAMPLING_OPERATIONS, CellKind
from hnas.space.protocol import Choice, Head

T = TypeVar("T")
_FIRST_SOURCE = CELL_INPUTS[0]


@dataclass(frozen=True)
class CellSpace:
    """All genotypes with these layers, nodes and operations; the defaults are the paper's (II-A).

    Raises:
        HnasError: a number outside its bounds, an unknown, missing or repeated operation.
    """

    kind: ClassVar[str] = "cells"

    layers: int = 12
    nodes: int = 4
    normal_operations: tuple[str, ...] = NORMAL_OPERATIONS
    upsampling_operations: tuple[str, ...] = UPSAMPLING_OPERATIONS

    def __post_init__(self) -> None:
        for name, value, most in (("layers", self.layers, MAX_LAYERS), ("nodes", self.nodes, MAX_NODES)):
            if not 1 <= value <= most:
                raise HnasError(f"{name} is {value}; allowed are 1 to {most}")
        for kind, allowed in OPERATIONS.items():
            chosen = self.operations(kind)
            if not chosen or len(set(chosen)) != len(chosen) or not all(name in allowed for name in chosen):
                raise HnasError(
                    f"{kind} operations are {chosen}; allowed are one or more, once each, of {tuple(allowed)}"
                )

    def operations(self, kind: CellKind) -> tuple[str, ...]:
        """The operations that an edge of this kind of cell chooses from."""
        return self.normal_operations if kind == "normal" else self.upsampling_operations

    @staticmethod
    def sources(node: int) -> tuple[int, ...]:
        """The nodes that intermediate node ``node`` (from 0) may take an input from: -2, -1, 0, ..., node - 1."""
        return (*CELL_INPUTS, *range(node))

    def __contains__(self, genotype: object) -> bool:
        return (
            isinstance(genotype, CellGenotype)
            and genotype.layers == self.layers
            and all(
                len(cell.nodes) == self.nodes
                and all(edge.operation in self.operations(cell.kind) for edge in cell.edges)
                for cell in (genotype.normal, genotype.upsampling)
            )
        )

    @property
    def size(self) -> int:
        """How many genotypes there are; the two edges of a node count as ordered, as the controller draws them."""
        sources: int = prod(len(self.sources(node)) for node in range(self.nodes))
        cells: int = prod((sources * len(self.operations(kind)) ** self.nodes) ** 2 for kind in OPERATIONS)
        return self.layers * cells

    def __iter__(self) -> Iterator[CellGenotype]:
        """Every genotype, each once: meant for tiny spaces."""
        cells = product(self._cells("normal"), self._cells("upsampling"), range(1, self.layers + 1))
        for normal, upsampling, position in cells:
            yield CellGenotype(self.layers, position, normal, upsampling)

    def first(self) -> CellGenotype:
        """The genotype of which every choice is the first option: all edges take the input -2."""

        def cell(kind: CellKind) -> Cell:
            edge = Edge(self.operations(kind)[0], self.sources(0)[0])
            return Cell(kind, ((edge, edge),) * self.nodes)

        return CellGenotype(self.layers, 1, cell("normal"), cell("upsampling"))

    def _cells(self, kind: CellKind) -> Iterator[Cell]:
        choices = []
        for node in range(self.nodes):
            edges = [Edge(name, source) for name in self.operations(kind) for source in self.sources(node)]
            choices.append(list(product(edges, edges)))
        for nodes in product(*choices):
            yield Cell(kind, nodes)

    @property
    def heads(self) -> tuple[Head, ...]:
        """Normal cell, upsampling cell, and the position, which sees how both ended (paper, II-B)."""
        return (
            Head("normal", "cell", self._cell_choices("normal")),
            Head("upsampling", "cell", self._cell_choices("upsampling")),
            Head("position", "network", (Choice("position", self.layers),), sees=("normal", "upsampling")),
        )

    def _cell_choices(self, kind: CellKind) -> tuple[Choice, ...]:
        """For every node its two sources, then its two operations."""
        operation = Choice("operation", len(self.operations(kind)))
        nodes = ((Choice("source", len(self.sources(node))),) * 2 + (operation,) * 2 for node in range(self.nodes))
        return tuple(choice for node in nodes for choice in node)

    def encode(self, genotype: CellGenotype) -> tuple[int, ...]:
        """See :class:`hnas.space.protocol.SpaceOf`."""
        tokens: list[int] = []
        for cell in (genotype.normal, genotype.upsampling):
            for node in cell.nodes:
                tokens += [edge.source - _FIRST_SOURCE for edge in node]
                tokens += [self.operations(cell.kind).index(edge.operation) for edge in node]
        return (*tokens, genotype.position - 1)

    def decode(self, tokens: Sequence[int]) -> CellGenotype:
        """See :class:`hnas.space.protocol.SpaceOf`."""
        *edges, position = tokens
        middle = len(edges) // 2
        normal, upsampling = (
            self._decode_cell("normal", edges[:middle]),
            self._decode_cell("upsampling", edges[middle:]),
        )
        return CellGenotype(self.layers, position + 1, normal, upsampling)

    def _decode_cell(self, kind: CellKind, tokens: Sequence[int]) -> Cell:
        nodes = []
        for start in range(0, len(tokens), 4):
            (source, other_source), (name, other_name) = tokens[start : start + 2], tokens[start + 2 : start + 4]
            first = Edge(self.operations(kind)[name], source + _FIRST_SOURCE)
            nodes.append((first, Edge(self.operations(kind)[other_name], other_source + _FIRST_SOURCE)))
        return Cell(kind, tuple(nodes))

    def open_options(self, earlier: Sequence[int]) -> int:
        """See :class:`hnas.space.protocol.SpaceOf`; here earlier tokens close nothing."""
        return [choice for head in self.heads for choice in head.choices][len(earlier)].options

    def sample(self, random: Random) -> CellGenotype:
        """A genotype, each as likely as every other."""
        return CellGenotype(
            layers=self.layers,
            position=random.randint(1, self.layers),
            normal=self._sample_cell("normal", random),
            upsampling=self._sample_cell("upsampling", random),
        )

    def _sample_cell(self, kind: CellKind, random: Random) -> Cell:
        def edge(node: int) -> Edge:
            return Edge(random.choice(self.operations(kind)), random.choice(self.sources(node)))

        return Cell(kind, tuple((edge(node), edge(node)) for node in range(self.nodes)))

    def neighbours(self, genotype: CellGenotype) -> Iterator[CellGenotype]:
        """Every genotype that differs in exactly one choice: one operation, one source, or the position."""
        for position in range(1, self.layers + 1):
            if position != genotype.position:
                yield replace(genotype, position=position)
        for kind in OPERATIONS:
            cell = genotype.cell(kind)
            for node, slot in product(range(self.nodes), range(2)):
                edge = cell.nodes[node][slot]
                others = [replace(edge, operation=name) for name in self.operations(kind)]
                others += [replace(edge, source=source) for source in self.sources(node)]
                for other in others:
                    if other != edge:
                        yield genotype.with_cell(_with_edge(cell, node, slot, other))

    def mutate(self, genotype: CellGenotype, random: Random) -> CellGenotype:
        """A genotype that differs in exactly one choice: one operation, one source, or the position.

        Raises:
            HnasError: the genotype is not of this space, or the space holds no other one.
        """
        if genotype not in self:
            raise HnasError("mutate takes a genotype of this search space")
        changes: list[tuple[CellKind | None, int, int, str]] = []
        if self.layers > 1:
            changes.append((None, 0, 0, "position"))
        for kind in OPERATIONS:
            for node, slot in product(range(self.nodes), range(2)):
                changes.append((kind, node, slot, "source"))
                if len(self.operations(kind)) > 1:
                    changes.append((kind, node, slot, "operation"))
        kind_, node, slot, what = random.choice(changes)
        if kind_ is None:
            others = [p for p in range(1, self.layers + 1) if p != genotype.position]
            return replace(genotype, position=random.choice(others))
        cell = genotype.cell(kind_)
        edge = cell.nodes[node][slot]
        if what == "source":
            edge = replace(edge, source=random.choice([s for s in self.sources(node) if s != edge.source]))
        else:
            names = [name for name in self.operations(kind_) if name != edge.operation]
            edge = replace(edge, operation=random.choice(names))
        return genotype.with_cell(_with_edge(cell, node, slot, edge))

    def fair(self, count: int, random: Random) -> list[CellGenotype]:
        """Uniform genotypes that together show every choice of every edge as equally often as ``count`` allows.

        Each genotype by itself is uniform; across the group, operations and sources of an edge are dealt out like
        shuffled cards (the strict fairness of FairNAS, Chu et al., 2021), so the shared weights of all get the same
        training.
        """
        positions = _dealt(range(1, self.layers + 1), count, random)
        normal, upsampling = (self._fair_cells(kind, count, random) for kind in OPERATIONS)
        return [
            CellGenotype(self.layers, position, first, second)
            for position, first, second in zip(positions, normal, upsampling, strict=True)
        ]

    def _fair_cells(self, kind: CellKind, count: int, random: Random) -> list[Cell]:
        nodes = []
        for node in range(self.nodes):
            slots = []
            for _ in range(2):
                operations = _dealt(self.operations(kind), count, random)
                sources = _dealt(self.sources(node), count, random)
                slots.append([Edge(*edge) for edge in zip(operations, sources, strict=True)])
            nodes.append(list(zip(*slots, strict=True)))
        return [Cell(kind, tuple(cell)) for cell in zip(*nodes, strict=True)]


def _dealt(choices: Sequence[T], count: int, random: Random) -> list[T]:
    """``count`` choices from shuffled decks, one deck after the other."""
    dealt: list[T] = []
    while len(dealt) < count:
        dealt += random.sample(choices, len(choices))
    return dealt[:count]


def _with_edge(cell: Cell, node: int, slot: int, edge: Edge) -> Cell:
    first, second = cell.nodes[node]
    new: Node = (edge, second) if slot == 0 else (first, edge)
    return replace(cell, nodes=(*cell.nodes[:node], new, *cell.nodes[node + 1 :]))
