"""DRRN B1U25 (Tai et al., "Image Super-Resolution via Deep Recursive Residual Network", CVPR 2017, 3)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.peers.luma import LumaNetwork, start_as_he

UNITS = 25
CHANNELS = 128


class DRRN(LumaNetwork):
    """One recursive block of 25 residual units that share their weights, at the large size.

    Activation comes before the weights, as in the paper. Its batch normalisation is left out, as most
    re-implementations do: it costs no multiply-adds once folded into the convolutions.
    """

    def __init__(self, scale: int) -> None:
        super().__init__("drrn", scale)
        self.embed = nn.Conv2d(1, CHANNELS, 3, padding=1)
        self.first = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.reconstruct = nn.Conv2d(CHANNELS, 1, 3, padding=1)
        start_as_he(self)

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        embedded = self.embed(F.relu(enlarged))
        features = embedded
        for _ in range(UNITS):
            features = embedded + self.second(F.relu(self.first(F.relu(features))))
        luma: Tensor = enlarged + self.reconstruct(F.relu(features))
        return luma
