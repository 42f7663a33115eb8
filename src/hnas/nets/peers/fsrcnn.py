"""FSRCNN (Dong et al., "Accelerating the Super-Resolution Convolutional Neural Network", ECCV 2016, 3)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description
from hnas.nets.peers.luma import LumaNetwork

#: The paper's d, s and m: features, shrunk features, mapping layers.
FEATURES, SHRUNK, MAPPINGS = 56, 12, 4


class FSRCNN(LumaNetwork):
    """Features at the small size, shrunk, mapped and expanded again, then one 9x9 transposed convolution.

    The field's usual figure for it (6.0 G at x2) counts the transposed convolution for every large pixel; it costs
    that much for every small one, so the network costs 2.9 G.
    """

    def __init__(self, scale: int) -> None:
        super().__init__("fsrcnn", scale)
        self.layers = _layers(1, padding_mode="replicate")
        self.enlarge = _enlarge(1, scale)

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        luma: Tensor = self.enlarge(self.layers(small))
        return luma


class FSRCNNOfRGB(LocalNetwork):
    """The same for RGB, zeros around the picture, as the authors of ETDS (CVPR 2023) trained it to compare with."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.description = peer_description("fsrcnn-rgb", scale)
        self.layers = _layers(3, padding_mode="zeros")
        self.enlarge = _enlarge(3, scale)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        image: Tensor = self.enlarge(self.layers(x))
        return image


def _layers(colours: int, *, padding_mode: Literal["replicate", "zeros"]) -> nn.Sequential:
    sizes = (
        (colours, FEATURES, 5),
        (FEATURES, SHRUNK, 1),
        *[(SHRUNK, SHRUNK, 3)] * MAPPINGS,
        (SHRUNK, FEATURES, 1),
    )
    layers: list[nn.Module] = []
    for inputs, outputs, size in sizes:
        mode = padding_mode if size > 1 else "zeros"
        layers += [nn.Conv2d(inputs, outputs, size, padding=size // 2, padding_mode=mode), nn.PReLU(outputs)]
    return nn.Sequential(*layers)


def _enlarge(colours: int, scale: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(FEATURES, colours, 9, stride=scale, padding=4, output_padding=scale - 1)
