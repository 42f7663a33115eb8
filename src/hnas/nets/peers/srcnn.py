"""SRCNN 9-5-5 (Dong et al., "Image Super-Resolution Using Deep Convolutional Networks", TPAMI 2016, 3 and 4.3.2)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.peers.luma import LumaNetwork


class SRCNN(LumaNetwork):
    """Patch extraction, mapping and reconstruction at the large size: 64 filters 9x9, 32 filters 5x5, one 5x5.

    The published test program repeats the border pixels, hence the padding.
    """

    def __init__(self, scale: int) -> None:
        super().__init__("srcnn", scale)
        self.extract = nn.Conv2d(1, 64, 9, padding=4, padding_mode="replicate")
        self.map = nn.Conv2d(64, 32, 5, padding=2, padding_mode="replicate")
        self.reconstruct = nn.Conv2d(32, 1, 5, padding=2, padding_mode="replicate")

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        features = F.relu(self.map(F.relu(self.extract(enlarged))))
        luma: Tensor = self.reconstruct(features)
        return luma
