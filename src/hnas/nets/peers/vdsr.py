"""VDSR (Kim et al., "Accurate Image Super-Resolution Using Very Deep Convolutional Networks", CVPR 2016, 3.1)."""

from __future__ import annotations

from torch import Tensor, nn

from hnas.nets.peers.luma import LumaNetwork, start_as_he

DEPTH = 20
CHANNELS = 64


class VDSR(LumaNetwork):
    """Twenty 3x3 convolutions at the large size; what they give is added to the enlarged picture."""

    def __init__(self, scale: int) -> None:
        super().__init__("vdsr", scale)
        layers: list[nn.Module] = [nn.Conv2d(1, CHANNELS, 3, padding=1), nn.ReLU()]
        for _ in range(DEPTH - 2):
            layers += [nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(CHANNELS, 1, 3, padding=1))
        start_as_he(self)

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        luma: Tensor = enlarged + self.layers(enlarged)
        return luma
