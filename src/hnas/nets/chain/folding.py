"""A trained chain as one graph of plain convolutions, which is what is run, exported and counted.

Brightness is folded into the stem, the change of all three colours into the tail, and the bicubic enlargement into
one fixed 5x5 convolution that is added before the single pixel shuffle: no resizing, no change of colours, nothing
that a runtime is slow at. The result is that of the network but for rounding, at the borders too.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.brightness import FULL
from hnas.nets.bicubic import RADIUS, bicubic_convolution
from hnas.nets.chain.network import ChainNetwork

if TYPE_CHECKING:
    from hnas.space.chain import Colour


class FoldedChain(nn.Module):
    """The same function as a chain's network, for running only.

    Args:
        network: the trained one; it is left as it is.
    """

    def __init__(self, network: ChainNetwork) -> None:
        super().__init__()
        self.scale: int = network.scale
        self.description: dict[str, Any] = network.description
        self._margins = network.margins()
        colour = network.genotype.colour
        self.pad = nn.ReplicationPad2d(RADIUS)
        self.skip = bicubic_convolution(network.scale, groups=1)
        self.stem = _stem(network.stem, colour)
        self.body = copy.deepcopy(network.body)
        self.grow = copy.deepcopy(network.head.grow)
        self.late = copy.deepcopy(network.head.late)
        self.tail = _tail(network.head.tail, colour)
        self.shuffle = nn.PixelShuffle(network.scale)
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        picture = self.skip(self.pad(x))
        features = self.body(F.relu(self.stem(x)))
        if self.grow is None:
            image: Tensor = self.shuffle(self.tail(features) + picture)
        else:
            image = self.tail(self.late(self.grow(features))) + self.shuffle(picture)
        return image

    def margins(self) -> list[int]:
        """See :class:`hnas.nets.model.Reaching`."""
        return self._margins

    @property
    def pools(self) -> tuple[()]:
        """See :class:`hnas.nets.model.Reaching`."""
        return ()


def _stem(conv: nn.Conv2d, colour: Colour) -> nn.Conv2d:
    return _plain(conv, conv.weight * torch.tensor(FULL).view(1, 3, 1, 1) if colour == "luma" else conv.weight)


def _tail(conv: nn.Conv2d, colour: Colour) -> nn.Conv2d:
    return _plain(conv, *(3 * (conv.weight,) if colour == "luma" else (conv.weight,)))


def _plain(conv: nn.Conv2d, *weights: Tensor) -> nn.Conv2d:
    """A convolution of these weights, one after the other, each with the bias of another one."""
    weight = torch.cat(weights).detach()
    plain = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    assert conv.bias is not None
    with torch.no_grad():
        plain.weight.copy_(weight)
        plain.bias.copy_(conv.bias.repeat(len(weights)))  # type: ignore[union-attr]
    return plain
