"""What a genotype of cells leaves open: how wide and how large its network is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hnas.bounds import refuse_unlisted
from hnas.errors import HnasError
from hnas.space.scales import ImageSkip, refuse_other_scales

#: ``batch``: batch normalisation with running statistics; ``batch-statistics``: with those of the batch at hand
#: always, which is what shared weights need, since every genotype has statistics of its own.
Norm = Literal["none", "batch", "batch-statistics"]
MAX_CHANNELS = 1024


@dataclass(frozen=True)
class NetworkSettings:
    """What a genotype leaves open.

    Attributes:
        channels: C, the width inside a cell; cells hand on ``nodes * C`` (paper: 8 to search, 64 at the end).
        scale: 2, 3 or 4.
        image_skip: what is added to the output: the input enlarged, or nothing (the paper).
        cell_skip: weight of a cell's output beside the path around it; 0 is no such path (the paper).
        norm: normalisation after the convolutions of a cell; none in the paper's final networks.

    Raises:
        HnasError: a value outside what is allowed.
    """

    channels: int = 64
    scale: int = 2
    image_skip: ImageSkip = "bicubic"
    cell_skip: float = 0.0
    norm: Norm = "none"

    def __post_init__(self) -> None:
        if isinstance(self.channels, bool) or not isinstance(self.channels, int):
            raise HnasError(f"channels is {self.channels!r}; a whole number is needed")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise HnasError(f"channels is {self.channels}; allowed are 1 to {MAX_CHANNELS}")
        refuse_other_scales(self.scale)
        if not isinstance(self.cell_skip, int | float) or not 0 <= self.cell_skip <= 10:
            raise HnasError(f"cell_skip is {self.cell_skip!r}; allowed are 0 (off) to 10")
        refuse_unlisted(self)
