"""FSRCNN (Dong et al., "Accelerating the Super-Resolution Convolutional Neural Network", ECCV 2016, 3)."""

from __future__ import annotations

from torch import Tensor, nn

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
        self.layers = nn.Sequential(
            *_layer(1, FEATURES, 5),
            *_layer(FEATURES, SHRUNK, 1),
            *(module for _ in range(MAPPINGS) for module in _layer(SHRUNK, SHRUNK, 3)),
            *_layer(SHRUNK, FEATURES, 1),
        )
        self.enlarge = nn.ConvTranspose2d(FEATURES, 1, 9, stride=scale, padding=4, output_padding=scale - 1)

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        luma: Tensor = self.enlarge(self.layers(small))
        return luma


def _layer(inputs: int, outputs: int, size: int) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2, padding_mode="replicate" if size > 1 else "zeros")
    return convolution, nn.PReLU(outputs)
