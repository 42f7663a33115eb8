"""The network of a chain as it is trained: on brightness alone, or on all colours."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.brightness import FULL
from hnas.errors import HnasError
from hnas.nets.bicubic import RADIUS
from hnas.nets.chain.blocks import convolution
from hnas.nets.common import FORMAT, enlarge_image
from hnas.space.chain import BLOCKS, ChainGenotype, Colour
from hnas.space.scales import ALL_SCALES, refuse_other_scales

#: Training begins near the enlarged picture, not by unlearning the noise of a fresh tail.
_TAIL_START = 0.1


class ChainNetwork(nn.Module):
    """Stem, blocks, tail; what they make is added to the picture, enlarged bicubically.

    A network of brightness takes pictures of one channel too: it maps brightness to brightness as it maps colours to
    colours, and is trained so (:meth:`seen`).

    Args:
        genotype: width, blocks, colour and place of the enlargement.
        scale: 2, 3 or 4; 1 restores a picture at its own size.

    Raises:
        HnasError: another scale.
    """

    def __init__(self, genotype: ChainGenotype, scale: int) -> None:
        super().__init__()
        refuse_other_scales(scale, ALL_SCALES)
        self.genotype, self.scale = genotype, scale
        self.stem = stem(genotype.width, genotype.colour)
        blocks = [BLOCKS[name].build(genotype.width) for name in genotype.blocks]
        self.body = nn.Sequential(*blocks[: genotype.enlargement])
        self.head = Exit(genotype.width, genotype.colour, scale, blocks[genotype.enlargement :])

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1], or brightness where that is what the network sees, not clamped.

        Shapes: (N, 3, H, W) to (N, 3, scale * H, scale * W), and 1 for 3.
        """
        change = self.head(self.body(F.relu(self.stem(seen(x, self.genotype.colour)))))
        image: Tensor = enlarge_image(x, self.scale, "bicubic") + change
        return image

    def seen(self, picture: Tensor) -> Tensor:
        """What of a picture training compares: (N, 3, H, W) to (N, 1, H, W) brightness, or all of it."""
        return seen(picture, self.genotype.colour)

    def margins(self) -> list[int]:
        """See :class:`hnas.nets.model.Reaching`."""
        reach = [BLOCKS[name].convolutions for name in self.genotype.blocks]
        early, late = sum(reach[: self.genotype.enlargement]), sum(reach[self.genotype.enlargement :])
        # Stem; then the tail, or at the small size what makes the features grow and at the large one the tail.
        far = 1 + early + (1 + ceil((late + 1) / self.scale) if self.genotype.after else 1)
        return [max(far, RADIUS)]

    @property
    def pools(self) -> tuple[()]:
        """See :class:`hnas.nets.model.Reaching`."""
        return ()

    def folded(self) -> nn.Module:
        """The same function as one graph of plain convolutions, see :mod:`hnas.nets.chain.folding`."""
        from hnas.nets.chain.folding import FoldedChain

        return FoldedChain(self).eval()

    @property
    def description(self) -> dict[str, Any]:
        """Plain values that :func:`hnas.nets.build_model` rebuilds the network from, weights aside."""
        return {"format": FORMAT, "architecture": "chain", "genotype": self.genotype.to_dict(), "scale": self.scale}


class Exit(nn.Module):
    """From features to what is added to the enlarged picture.

    Args:
        width: channels of the features.
        colour: of what is added.
        scale: by how much it enlarges.
        late: blocks that work at the large size; without any, the tail makes all pixels of the large picture at once.
    """

    def __init__(self, width: int, colour: Colour, scale: int, late: list[nn.Module]) -> None:
        super().__init__()
        self.grow: nn.Module | None = None
        if late:
            self.grow = nn.Sequential(convolution(width, width * scale**2), nn.PixelShuffle(scale), nn.ReLU())
        self.late = nn.Sequential(*late)
        self.tail = convolution(width, channels_of(colour) * (1 if late else scale**2))
        with torch.no_grad():
            nn.init.kaiming_normal_(self.tail.weight, nonlinearity="relu")
            self.tail.weight.mul_(_TAIL_START)
        self.shuffle = nn.Identity() if late else nn.PixelShuffle(scale)

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: (N, width, H, W) to (N, 1 or 3, scale * H, scale * W)."""
        if self.grow is not None:
            features = self.grow(features)
        change: Tensor = self.shuffle(self.tail(self.late(features)))
        return change


def stem(width: int, colour: Colour) -> nn.Conv2d:
    """The first convolution; ReLU follows it."""
    return convolution(channels_of(colour), width)


def channels_of(colour: Colour) -> int:
    """How many channels the network sees and changes."""
    return 1 if colour == "luma" else 3


def seen(picture: Tensor, colour: Colour) -> Tensor:
    """Brightness of a coloured picture where that is what the network sees; otherwise the picture.

    Its weights sum to 1, so a change that is added to all three colours alike changes the brightness by itself; nothing
    is added, so that black borders stay black.
    """
    if colour == "rgb" or picture.shape[1] == 1:
        return picture
    red, green, blue = FULL
    return red * picture[:, 0:1] + green * picture[:, 1:2] + blue * picture[:, 2:3]


def read_chain_description(description: Mapping[str, Any]) -> tuple[ChainGenotype, int]:
    """The genotype and the scale of a network that :attr:`ChainNetwork.description` describes.

    Raises:
        HnasError: a field is missing, unknown or not valid.
    """
    allowed = {"format", "architecture", "genotype", "scale"}
    if unknown := description.keys() - allowed:
        raise HnasError(f"the model's description has unknown fields {sorted(unknown)}; allowed are {sorted(allowed)}")
    if missing := allowed - description.keys():
        raise HnasError(f"the model's description lacks {', '.join(sorted(missing))}")
    refuse_other_scales(description["scale"], ALL_SCALES)
    return ChainGenotype.from_dict(description["genotype"]), description["scale"]
