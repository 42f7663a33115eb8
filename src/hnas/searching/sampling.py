"""Genotypes that train the shared weights fairly."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from hnas.space import Cell, CellKind, Edge, Genotype, SearchSpace

T = TypeVar("T")


def fair_genotypes(space: SearchSpace, count: int, random: Random) -> list[Genotype]:
    """Uniform genotypes that together show every choice of every edge as equally often as ``count`` allows.

    Each genotype by itself is uniform; across the group, operations and sources of an edge are dealt out like shuffled
    cards (the strict fairness of FairNAS, Chu et al., 2021), so the shared weights of all get the same training.
    """
    positions = _dealt(range(1, space.layers + 1), count, random)
    normal, upsampling = (_cells(space, kind, count, random) for kind in ("normal", "upsampling"))
    return [
        Genotype(space.layers, position, first, second)
        for position, first, second in zip(positions, normal, upsampling, strict=True)
    ]


def _cells(space: SearchSpace, kind: CellKind, count: int, random: Random) -> list[Cell]:
    nodes = []
    for node in range(space.nodes):
        slots = []
        for _ in range(2):
            operations = _dealt(space.operations(kind), count, random)
            sources = _dealt(space.sources(node), count, random)
            slots.append([Edge(*edge) for edge in zip(operations, sources, strict=True)])
        nodes.append(list(zip(*slots, strict=True)))
    return [Cell(kind, tuple(cell)) for cell in zip(*nodes, strict=True)]


def _dealt(choices: Sequence[T], count: int, random: Random) -> list[T]:
    """``count`` choices from shuffled decks, one deck after the other."""
    dealt: list[T] = []
    while len(dealt) < count:
        dealt += random.sample(choices, len(choices))
    return dealt[:count]
