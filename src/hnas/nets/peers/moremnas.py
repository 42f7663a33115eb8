"""MoreMNAS-D (Chu et al., "Multi-Objective Reinforced Evolution in Mobile Neural Architecture Search", 2019)."""

from __future__ import annotations

from torch import Tensor, nn

from hnas.nets.peers.elastic import Convolutions, ElasticNetwork, InvertedBottlenecks


class MoreMNASD(ElasticNetwork):
    """Seven searched cells in a row, at x2; nearly all of the cost is in the last one."""

    def __init__(self) -> None:
        super().__init__("moremnas-d", last_inputs=64)
        self.cells = nn.Sequential(
            Convolutions(32, 48, size=1),
            Convolutions(48, 32, size=1, repeat=2, groups=4, skip=True),
            Convolutions(32, 48, size=1),
            Convolutions(48, 48, size=1, groups=4),
            InvertedBottlenecks(48, 48, size=1, repeat=4, skip=True),
            Convolutions(48, 16, size=1, groups=4),
            InvertedBottlenecks(16, 64, size=3, repeat=4),
        )

    def cells_of(self, features: Tensor) -> Tensor:
        out: Tensor = self.cells(features)
        return out
