"""The frame of networks that see only brightness: Y goes through the network, colour is enlarged bicubically."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hnas.brightness import FOOTROOM, FULL, VIDEO
from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description

#: BT.601 brightness of RGB in [0, 1]. ``video`` is MATLAB's rgb2ycbcr (16 to 235 of 255), ``full`` is JPEG's.
_VIDEO = (tuple(weight / 255 for weight in VIDEO), FOOTROOM / 255)
_FULL = (FULL, 0.0)


class LumaNetwork(LocalNetwork):
    """RGB in, RGB out, with a network for Y in between.

    A change of Y changes red, green and blue alike, so the output is the picture enlarged bicubically plus what the
    network adds to its Y. That is the same as splitting into Y, Cb and Cr, enlarging Cb and Cr, and joining again.

    Args:
        architecture: name in the description.
        scale: by how much the picture is enlarged.
        full_range: Y as JPEG has it (0 to 1) instead of MATLAB's 16/255 to 235/255.
    """

    def __init__(self, architecture: str, scale: int, *, full_range: bool = False) -> None:
        super().__init__()
        self.scale = scale
        self.description = peer_description(architecture, scale)
        self._weights, self._offset = _FULL if full_range else _VIDEO

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        enlarged = enlarge_bicubic(x, self.scale)
        enlarged_luma = self._luma_of(enlarged)
        added = self.enlarge_luma(self._luma_of(x), enlarged_luma) - enlarged_luma
        return enlarged + added / sum(self._weights)

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        """The network proper; which of the two inputs it starts from is up to it.

        Args:
            small: Y of the input, (N, 1, H, W).
            enlarged: the same, enlarged bicubically, (N, 1, scale * H, scale * W).

        Returns:
            Y of the output, (N, 1, scale * H, scale * W).
        """
        raise NotImplementedError

    def _luma_of(self, x: Tensor) -> Tensor:
        red, green, blue = self._weights
        return red * x[:, 0:1] + green * x[:, 1:2] + blue * x[:, 2:3] + self._offset


def enlarge_bicubic(x: Tensor, scale: int) -> Tensor:
    """MATLAB's ``imresize`` by a whole number: (N, C, H, W) to (N, C, scale * H, scale * W), unrounded.

    Written as sums of shifted pictures, not as a convolution, so that it exports anywhere and MAC counters see the
    network alone. torch's own bicubic has another kernel (a = -0.75), which these networks were not trained on.
    """
    along_width = _enlarge_last(x, scale)
    return _enlarge_last(along_width.transpose(2, 3), scale).transpose(2, 3)


def _enlarge_last(x: Tensor, scale: int) -> Tensor:
    length = x.shape[-1]
    # Two pixels mirrored on either side; [..., :2][..., -1:] is the second pixel, or the first where there is one.
    padded = torch.cat([x[..., :2][..., -1:], x[..., :1], x, x[..., -1:], x[..., -2:][..., :1]], -1)
    phases = []
    for phase in range(scale):
        centre = (phase + 0.5) / scale - 0.5
        first = (-1 if centre < 0 else 0) - 1
        phases.append(
            sum(_cubic(centre - tap) * padded[..., 2 + tap : 2 + tap + length] for tap in range(first, first + 4))
        )
    return torch.stack(phases, -1).flatten(-2)  # type: ignore[arg-type]  # sum() of tensors is one


def _cubic(distance: float) -> float:
    """The cubic convolution kernel with a = -0.5 (Keys 1981, eq. 15)."""
    d = abs(distance)
    if d <= 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2


def start_as_he(network: nn.Module) -> None:
    """He initialisation of every convolution, which deep plain chains need to pass anything on."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
