"""DRCN (Kim et al., "Deeply-Recursive Convolutional Network for Image Super-Resolution", CVPR 2016, 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.peers.luma import LumaNetwork, start_as_he

RECURSIONS = 16
CHANNELS = 256


class DRCN(LumaNetwork):
    """One convolution applied sixteen times; every recursion is reconstructed and the results are averaged.

    The supervision of every recursion belongs to the published training, not to the network, and is not done here.
    """

    def __init__(self, scale: int) -> None:
        super().__init__("drcn", scale)
        self.embed = nn.Sequential(
            nn.Conv2d(1, CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
            nn.ReLU(),
        )
        self.recur = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.reconstruct = nn.Sequential(
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, 1, 3, padding=1),
        )
        start_as_he(self)
        self.ensemble = nn.Parameter(torch.full((RECURSIONS,), 1 / RECURSIONS))

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        features = self.embed(enlarged)
        luma = torch.zeros_like(enlarged)
        for weight in self.ensemble:
            features = F.relu(self.recur(features))
            luma = luma + weight * (enlarged + self.reconstruct(features))
        return luma
