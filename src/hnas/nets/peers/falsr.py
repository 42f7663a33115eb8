"""FALSR-B (Chu et al., "Fast, Accurate and Lightweight Super-Resolution with Neural Architecture Search", 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from hnas.nets.peers.elastic import Convolutions, ElasticNetwork, InvertedBottlenecks


class FALSRB(ElasticNetwork):
    """Seven searched cells with searched connections between them, at x2."""

    def __init__(self) -> None:
        super().__init__("falsr-b", last_inputs=80)
        self.cell0 = InvertedBottlenecks(32, 16, size=3)
        self.cell1 = InvertedBottlenecks(48, 48, size=1, repeat=2, skip=True)
        self.cell2 = Convolutions(96, 16, size=1, repeat=2, skip=True)
        self.cell3 = InvertedBottlenecks(16, 32, size=3, repeat=4)
        self.cell4 = Convolutions(96, 64, size=3, repeat=2)
        self.cell5 = Convolutions(144, 16, size=3, repeat=4, groups=4)
        self.cell6 = Convolutions(112, 16, size=3)

    def cells_of(self, features: Tensor) -> Tensor:
        out0 = self.cell0(features)
        out1 = self.cell1(torch.cat([features, out0], 1))
        out2 = self.cell2(torch.cat([features, out0, out1], 1))
        out3 = self.cell3(out2)
        out4 = self.cell4(torch.cat([out1, out2, out3], 1))
        out5 = self.cell5(torch.cat([out1, out3, out4], 1))
        out6 = self.cell6(torch.cat([features, out0, out1, out5], 1))
        return torch.cat([out0, out3, out5, out6], 1)
