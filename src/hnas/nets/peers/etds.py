"""ETDS (Chao et al., "Equivalent Transformation and Dual Stream Network Construction for Mobile Image
Super-Resolution", CVPR 2023, 3), in the form that runs: one chain of convolutions with ReLU."""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description

#: The paper's M and C: convolutions between the first and the last, and their channels.
SIZES = {"etds-t": (5, 16), "etds-s": (4, 32), "etds-m": (6, 32), "etds-l": (7, 48)}
#: The last channels of every layer carry the picture, the others its detail.
CARRIED = 3
#: Widths are multiples of it, so at x3 the last layers have a channel more than the picture needs.
MULTIPLE = 4


class ETDS(LocalNetwork):
    """Two streams in one chain, and no sum or clipping at the end: these are convolutions and ReLU too.

    The tail gives 1 - y and the 1x1 convolution after it 1 - ReLU(1 - y); with the last ReLU that is y between 0 and 1.

    Args:
        architecture: ``etds-t``, ``etds-s``, ``etds-m`` or ``etds-l``.
        scale: 2, 3 or 4.
    """

    def __init__(self, architecture: str, scale: int) -> None:
        super().__init__()
        depth, channels = SIZES[architecture]
        self.scale = scale
        self.description = peer_description(architecture, scale)
        outputs = ceil(3 * scale**2 / MULTIPLE) * MULTIPLE
        layers: list[nn.Module] = []
        for inputs in (3, *[channels] * depth):
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.tail = nn.Conv2d(channels, outputs, 3, padding=1)
        self.clip = nn.Conv2d(outputs, outputs, 1)
        self._start_as_enlargement()

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W) in [0, 1]."""
        values = F.relu(self.clip(F.relu(self.tail(self.layers(x)))))
        return F.pixel_shuffle(values[:, : 3 * self.scale**2], self.scale)

    @torch.no_grad()
    def _start_as_enlargement(self) -> None:
        """The picture is carried to the end, where its pixels are repeated (3.3); detail starts as torch has it."""
        colours = torch.eye(CARRIED)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                layer.weight[-CARRIED:] = 0
                layer.weight[-CARRIED:, -CARRIED:, 1, 1] = colours
                layer.bias[-CARRIED:] = 0  # type: ignore[index]
        self.tail.weight[:, -CARRIED:] = 0
        self.tail.weight[: CARRIED * self.scale**2, -CARRIED:, 1, 1] = -colours.repeat_interleave(self.scale**2, 0)
        self.tail.bias.fill_(1)  # type: ignore[union-attr]
        self.clip.weight.copy_(-torch.eye(self.clip.out_channels)[..., None, None])
        self.clip.bias.fill_(1)  # type: ignore[union-attr]
