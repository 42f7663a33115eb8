"""The stand-alone network of a genotype (paper, II-A), and the frame that it shares with the supernet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

import torch
from torch import Tensor, nn

from hnas.errors import HnasError
from hnas.nets.cell import CellNetwork, around, cells_used, input_cells
from hnas.nets.common import FORMAT, enlarge_image
from hnas.nets.gates import gated
from hnas.nets.global_mean import GlobalMean, global_means
from hnas.nets.narrow import Conv3x3
from hnas.nets.receptive_field import cell_margins
from hnas.nets.trim import Trim
from hnas.space.cells import CellGenotype, NetworkSettings, operation_of

_TAIL_START = 0.1

#: (index of the cell from 0, is it the upsampling one, features of the two cells before) to its features.
ApplyCell = Callable[[int, bool, Tensor, Tensor], Tensor]


class Frame(nn.Module):
    """Stem, tail and skips around a chain of cells: what a stand-alone network and the supernet have in common.

    Args:
        settings: width, scale and skips.
        nodes: intermediate nodes of a cell.
    """

    def __init__(self, settings: NetworkSettings, nodes: int) -> None:
        super().__init__()
        self.settings = settings
        wide = nodes * settings.channels
        self.stem = Conv3x3(3, wide)
        self.tail = Conv3x3(wide, 3)
        if settings.image_skip != "none":
            # Training begins near the skip, not by unlearning the noise of a fresh tail.
            with torch.no_grad():
                self.tail.weight.mul_(_TAIL_START)

    @property
    def scale(self) -> int:
        """By how much the network enlarges."""
        return self.settings.scale

    def chain(self, x: Tensor, genotype: CellGenotype, apply: ApplyCell, gate: Tensor | None = None) -> Tensor:
        """Runs the cells in order; after the upsampling cell both inputs of the next one are its output.

        ``gate`` is a factor on what is added to the enlarged picture.
        """
        before_previous = previous = self.stem(x)
        for index in range(genotype.layers):
            upsampling = index + 1 == genotype.position
            features = apply(index, upsampling, before_previous, previous)
            if self.settings.cell_skip:
                enlarge = self.scale if upsampling else 1
                features = around(self.needed(index, previous), features, self.settings.cell_skip, enlarge)
            before_previous = features if upsampling else previous
            previous = features
        image = gated(self.tail(previous), gate)
        if self.settings.image_skip != "none":
            image = image + enlarge_image(self.needed(None, x), self.scale, self.settings.image_skip)
        return image

    def needed(self, index: int | None, x: Tensor) -> Tensor:
        """What a cell (or, for None, the image skip) needs of the features before it (or the picture): all."""
        return x


class Network(Frame):
    """The stand-alone network of a genotype: what its picture depends on, and nothing else.

    Args:
        genotype: both cells and the position.
        settings: width, scale, skips and normalisation.
    """

    def __init__(self, genotype: CellGenotype, settings: NetworkSettings) -> None:
        super().__init__(settings, len(genotype.normal.nodes))
        if len(genotype.normal.nodes) != len(genotype.upsampling.nodes):
            raise HnasError(
                f"the normal cell has {len(genotype.normal.nodes)} nodes and the upsampling cell "
                f"{len(genotype.upsampling.nodes)}; both need the same number, since each feeds the other"
            )
        self.genotype = genotype
        self.used = cells_used(genotype, path_around=settings.cell_skip > 0)

        def trims(position: int) -> tuple[Trim, Trim]:
            enlarge = settings.scale if position > genotype.position else 1
            before_previous, previous = input_cells(genotype, position)
            return Trim(before_previous, position, enlarge), Trim(previous, position, enlarge)

        self.cells = nn.ModuleList(
            CellNetwork(
                genotype.cell_at(position),
                settings.channels,
                scale=settings.scale,
                norm=settings.norm,
                trims=trims(position),
            )
            if position in self.used
            else nn.Identity()
            for position in range(1, genotype.layers + 1)
        )
        self.image_trim = Trim(0, genotype.layers)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""

        def apply(index: int, _: bool, before_previous: Tensor, previous: Tensor) -> Tensor:
            features: Tensor = self.cells[index](before_previous, previous) if index + 1 in self.used else previous
            return features

        return self.chain(x, self.genotype, apply)

    def needed(self, index: int | None, x: Tensor) -> Tensor:
        """See :class:`Frame`; of a tile's margin less from cell to cell."""
        trim = self.image_trim if index is None else self.cells[index].get_submodule("trim_previous")
        result: Tensor = trim(x)
        return result

    def margins(self) -> list[int]:
        """See :class:`hnas.nets.model.Reaching`."""
        return cell_margins(self.genotype, self.scale)

    @property
    def pools(self) -> list[tuple[GlobalMean, int]]:
        """See :class:`hnas.nets.model.Reaching`."""
        return [
            (mean, number)
            for number, cell in enumerate(self.cells, 1)
            if number in self.used
            for edge, operation in zip(cell.cell.edges, cell.edges, strict=True)  # type: ignore[union-attr, arg-type]
            if operation_of(edge.operation).pools
            for mean in global_means(operation)
        ]

    @property
    def description(self) -> dict[str, Any]:
        """Plain values that :func:`hnas.nets.build_model` rebuilds the network from, weights aside."""
        return {
            "format": FORMAT,
            "architecture": "hnas",
            "genotype": self.genotype.to_dict(),
            **asdict(self.settings),
        }


def read_description(description: Mapping[str, Any]) -> tuple[CellGenotype, NetworkSettings]:
    """The genotype and the settings of a network that :attr:`Network.description` describes.

    Raises:
        HnasError: a field is missing, unknown or not valid.
    """
    settings = {key: value for key, value in description.items() if key not in ("format", "architecture", "genotype")}
    allowed = {field.name for field in fields(NetworkSettings)}
    if unknown := settings.keys() - allowed:
        raise HnasError(f"the model's description has unknown fields {sorted(unknown)}; allowed are {sorted(allowed)}")
    if "genotype" not in description:
        raise HnasError("the model's description lacks its genotype")
    return CellGenotype.from_dict(description["genotype"]), NetworkSettings(**settings)
