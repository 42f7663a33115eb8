"""Which networks are searched."""

from dataclasses import dataclass
from typing import Literal

from hnas.bounds import Checked
from hnas.space import Space, SpaceName, space_of
from hnas.space.cells import NORMAL_OPERATIONS, UPSAMPLING_OPERATIONS


@dataclass(frozen=True, kw_only=True)
class SpaceSettings(Checked):
    """Which networks are searched; the defaults are the paper's cells.

    Attributes:
        space: networks of "cells" (paper), or plain "chain"s of 3x3 convolutions.
        layers: cells: how many there are, the upsampling cell included.
        nodes: cells: intermediate nodes of each.
        normal_operations: cells: what an edge of the normal cell chooses from.
        upsampling_operations: cells: what an edge of the upsampling cell chooses from.
        widths: chains: channels to choose from; each has shared weights of its own.
        depths: chains: numbers of blocks to choose from; the shared weights have an exit after each.
        blocks: chains: what each block chooses from, "conv_3x3" and "residual_3x3".
        after: chains: how many blocks may follow the enlargement; 0 is none, so that it stands at the end.
        colour: chains: "luma" sees brightness alone, which is quicker; "rgb" sees all colours.

    Raises:
        HnasError: a value that the space does not allow.
    """

    space: SpaceName = "cells"
    layers: int = 12
    nodes: int = 4
    normal_operations: tuple[str, ...] = NORMAL_OPERATIONS
    upsampling_operations: tuple[str, ...] = UPSAMPLING_OPERATIONS
    widths: tuple[int, ...] = (8, 16, 32)
    depths: tuple[int, ...] = (2, 4, 6, 8)
    blocks: tuple[str, ...] = ("conv_3x3",)
    after: tuple[int, ...] = (0,)
    colour: Literal["luma", "rgb"] = "luma"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.search_space  # noqa: B018 - checks its own values

    @property
    def search_space(self) -> Space:
        """The genotypes to choose from."""
        return space_of(self.space, self)
