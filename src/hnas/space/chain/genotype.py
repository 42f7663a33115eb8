"""The genotype of a chain: blocks of plain convolutions in a row, and where among them the picture grows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast, get_args

from hnas.errors import HnasError
from hnas.space.chain.blocks import BLOCKS
from hnas.space.reading import fields_of, json_value
from hnas.values import sequence, text, whole_number

FORMAT = "hnas-chain/1"
#: Bounds that keep a hostile file from asking for an absurd network.
MAX_WIDTH = 512
MAX_BLOCKS = 128

#: ``luma``: the network sees brightness alone, and what it adds is added to red, green and blue alike.
Colour = Literal["luma", "rgb"]


@dataclass(frozen=True)
class ChainGenotype:
    """A 3x3 stem, the blocks, and a 3x3 tail, added to the enlarged picture.

    Attributes:
        width: channels of every block, 1 to 512.
        blocks: names of :data:`BLOCKS`, 1 to 128, in order.
        colour: what the network sees and changes.
        enlargement: how many blocks come before it, 0 to all; those after it work at the large size.

    Raises:
        HnasError: a value outside these.
    """

    kind: ClassVar[str] = "chain"

    width: int
    blocks: tuple[str, ...]
    colour: Colour
    enlargement: int

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise HnasError(f"width is {self.width}; allowed are 1 to {MAX_WIDTH}")
        if not 1 <= len(self.blocks) <= MAX_BLOCKS:
            raise HnasError(f"a chain has 1 to {MAX_BLOCKS} blocks, not {len(self.blocks)}")
        for index, name in enumerate(self.blocks):
            if name not in BLOCKS:
                raise HnasError(f"block {index} is {name!r}; allowed are {', '.join(BLOCKS)}")
        if self.colour not in get_args(Colour):
            raise HnasError(f"colour is {self.colour!r}; allowed are {' and '.join(get_args(Colour))}")
        if not 0 <= self.enlargement <= len(self.blocks):
            raise HnasError(
                f"the enlargement stands after block {self.enlargement}; allowed are 0 (before all) to "
                f"{len(self.blocks)} (after the last)"
            )

    @property
    def depth(self) -> int:
        """How many blocks there are."""
        return len(self.blocks)

    @property
    def after(self) -> int:
        """How many blocks work at the large size."""
        return len(self.blocks) - self.enlargement

    def to_json(self) -> str:
        """The genotype as one JSON object of the format ``hnas-chain/1``."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The genotype as plain values, in the layout of its JSON."""
        return {
            "format": FORMAT,
            "width": self.width,
            "blocks": list(self.blocks),
            "colour": self.colour,
            "enlargement": self.enlargement,
        }

    def summary(self) -> str:
        """Width, blocks and the place of the enlargement in one line."""
        where = "at the end" if not self.after else f"after block {self.enlargement}"
        blocks = f"{self.depth} blocks ({_runs(self.blocks)})"
        return f"chain of {self.width} channels, {blocks}, {self.colour}, enlarged {where}"

    def lines(self) -> list[str]:
        """A line for every field."""
        where = "after the last block" if not self.after else f"after block {self.enlargement} of {self.depth}"
        return [
            f"width        {self.width} channels",
            f"blocks       {self.depth}: {_runs(self.blocks)}",
            f"colour       {self.colour}",
            f"enlargement  {where}",
        ]

    def chosen(self) -> dict[str, tuple[str, ...]]:
        """Blocks, width, depth and place of the enlargement."""
        return {
            "Blocks": self.blocks,
            "Width, channels": (str(self.width),),
            "Depth, blocks": (str(self.depth),),
            "Blocks after the enlargement": (str(self.after),),
        }

    @property
    def idle(self) -> bool:
        """Every block computes something."""
        return False

    @classmethod
    def from_json(cls, source: str) -> ChainGenotype:
        """Reads :meth:`to_json`.

        Raises:
            HnasError: the text is no JSON, or its object no valid genotype.
        """
        return cls.from_dict(json_value(source, FORMAT))

    @classmethod
    def from_dict(cls, value: object) -> ChainGenotype:
        """Reads :meth:`to_dict`.

        Raises:
            HnasError: a field is missing, unknown, of the wrong type, or the genotype is not valid.
        """
        fields = fields_of(value, FORMAT, {"width", "blocks", "colour", "enlargement"})
        return cls(
            width=whole_number("width", fields["width"]),
            blocks=tuple(text(f"block {i}", name) for i, name in enumerate(sequence("blocks", fields["blocks"]))),
            colour=cast(Colour, text("colour", fields["colour"])),
            enlargement=whole_number("enlargement", fields["enlargement"]),
        )


def _runs(blocks: tuple[str, ...]) -> str:
    """Blocks with equal neighbours counted: ``3 x conv_3x3, residual_3x3``."""
    runs: list[tuple[str, int]] = []
    for name in blocks:
        count = runs.pop()[1] if runs and runs[-1][0] == name else 0
        runs.append((name, count + 1))
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in runs)
