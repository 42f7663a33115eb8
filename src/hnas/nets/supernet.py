"""The supernet: one set of weights that every genotype of a space of cells shares (paper, II-C)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from hnas.errors import HnasError
from hnas.nets.cell import enlargement, join_cell, squeeze
from hnas.nets.gates import gated
from hnas.nets.network import Frame
from hnas.nets.operations import build_operation
from hnas.space import cells
from hnas.space.cells import NetworkSettings

#: What an operation's weights belong to: one ``edge`` (node, slot, source), or the ``node`` and slot, whatever the
#: source, so that every weight is trained two to five times as often.
Sharing = Literal["edge", "node"]


@dataclass(frozen=True)
class SupernetSettings:
    """The frame of the network and how far weights are shared.

    Attributes:
        network: width, scale, skips, normalisation (the paper searches at C = 8).
        sharing: see :data:`Sharing`; the paper shares per edge.
    """

    network: NetworkSettings = field(default_factory=lambda: NetworkSettings(channels=8))
    sharing: Sharing = "edge"


class SharedCell(nn.Module):
    """A cell with every operation on every edge; a call evaluates those that a given cell names.

    Args:
        search_space: the operations and nodes.
        kind: normal or upsampling.
        settings: of the supernet.
    """

    def __init__(self, search_space: cells.CellSpace, kind: cells.CellKind, *, settings: SupernetSettings) -> None:
        super().__init__()
        channels, norm = settings.network.channels, settings.network.norm
        self.sharing = settings.sharing
        wide = search_space.nodes * channels
        self.inputs = nn.ModuleList(squeeze(wide, channels, norm) for _ in cells.CELL_INPUTS)
        self.edges = nn.ModuleDict()
        for node in range(search_space.nodes):
            for slot in range(2):
                for source in search_space.sources(node):
                    for name in search_space.operations(kind):
                        edge = cells.Edge(name, source)
                        key = self._key(node, slot, edge)
                        if key not in self.edges:
                            enlarge = enlargement(kind, edge, settings.network.scale)
                            self.edges[key] = build_operation(name, channels, enlarge=enlarge, norm=norm)

    def _key(self, node: int, slot: int, edge: cells.Edge) -> str:
        # Edges from the inputs of an upsampling cell enlarge and those between nodes do not: never one weight.
        source = str(edge.source) if self.sharing == "edge" else ("input" if edge.source < 0 else "node")
        return f"{node}:{slot}:{source}:{edge.operation}"

    def forward(
        self, before_previous: Tensor, previous: Tensor, cell: cells.Cell, gates: Tensor | None = None
    ) -> Tensor:
        """Shapes: two of (N, nodes * C, H, W) to (N, nodes * C, H', W').

        ``gates`` (nodes, 2) are factors on what the edges give.
        """
        inputs = self.inputs[0](before_previous), self.inputs[1](previous)

        def apply(node: int, slot: int, edge: cells.Edge, x: Tensor) -> Tensor:
            return gated(self.edges[self._key(node, slot, edge)](x), None if gates is None else gates[node, slot])

        return join_cell(cell, inputs, apply)


class Supernet(Frame):
    """Shared weights for all genotypes of a space: ``layers - 1`` normal cells and one upsampling cell.

    The normal cells count in the order in which they run, wherever the upsampling cell stands between them.

    Args:
        search_space: which genotypes it can evaluate.
        settings: frame and sharing.
    """

    def __init__(self, search_space: cells.CellSpace, settings: SupernetSettings) -> None:
        super().__init__(settings.network, search_space.nodes)
        self.search_space = search_space
        self.normal = nn.ModuleList(
            SharedCell(search_space, "normal", settings=settings) for _ in range(search_space.layers - 1)
        )
        self.upsampling = SharedCell(search_space, "upsampling", settings=settings)

    def forward(self, x: Tensor, genotype: cells.CellGenotype, gates: Tensor | None = None) -> Tensor:
        """The picture that this genotype makes with the shared weights; nothing is ever sampled here.

        Args:
            x: RGB in [0, 1], (N, 3, H, W).
            genotype: of the supernet's space.
            gates: a factor for every decision: those of an edge's source and operation are on what the edge gives, in
                every cell of its kind, and that of the position is on all that is added to the enlarged picture.

        Returns:
            (N, 3, scale * H, scale * W), not clamped.

        Raises:
            HnasError: the genotype is not of this space.
        """
        if genotype not in self.search_space:
            raise HnasError(
                f"this genotype is not in the supernet's space ({self.search_space.layers} layers, "
                f"{self.search_space.nodes} nodes, operations {', '.join(self.search_space.normal_operations)} and "
                f"{', '.join(self.search_space.upsampling_operations)})"
            )
        normal_gates, upsampling_gates, gate = (None, None, None) if gates is None else self._of_edges(gates)

        def apply(index: int, upsampling: bool, before_previous: Tensor, previous: Tensor) -> Tensor:
            if upsampling:
                features: Tensor = self.upsampling(before_previous, previous, genotype.upsampling, upsampling_gates)
                return features
            normal = self.normal[index if index + 1 < genotype.position else index - 1]
            shared: Tensor = normal(before_previous, previous, genotype.normal, normal_gates)
            return shared

        return self.chain(x, genotype, apply, gate)

    def _of_edges(self, gates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the edges (nodes, 2) of the normal and the upsampling cell, and of the position.

        A node has two gates of sources, then two of operations (:meth:`hnas.space.cells.CellSpace.encode`).
        """
        normal, upsampling = gates[:-1].view(2, self.search_space.nodes, 2, 2).prod(2)
        return normal, upsampling, gates[-1]

    @property
    def whole_batch(self) -> bool:
        """Whether a picture hangs on the others in its batch."""
        return self.settings.norm == "batch-statistics"

    def pictures(self, x: Tensor, genotype: cells.CellGenotype) -> Sequence[Tensor]:
        """What one forward pass gives to train on: this genotype's picture alone."""
        return (self(x, genotype),)

    def seen(self, picture: Tensor) -> Tensor:
        """What of a picture training compares: all of it."""
        return picture

    def member(self, genotype: cells.CellGenotype) -> None:
        """None: shared weights rank networks of cells, and are none's own; the one chosen is trained from scratch."""

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """All parameters, at one learning rate."""
        return [(list(self.parameters()), 1.0)]
