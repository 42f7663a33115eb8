"""The blocks of chains: all that is known of each in one entry, from which spaces, drawings and costs follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from hnas.registry import Registry
from hnas.space.style import PLAIN_CONVOLUTION, Style


@dataclass(frozen=True)
class Block:
    """A block: 3x3 convolutions from width to width channels.

    Attributes:
        build: makes the torch module for a width, from (N, width, H, W) to the same shape.
        convolutions: how many there are, one after the other: all that it costs, and how far it looks in pixels.
        style: how it is drawn, and named in reports.
    """

    build: Callable[[int], Any]
    convolutions: int
    style: Style


def _made_by(function: str) -> Callable[[int], Any]:
    """A function of :mod:`hnas.nets.chain.blocks`, which is imported when a module is made: drawing needs no torch."""
    return lambda width: getattr(import_module("hnas.nets.chain.blocks"), function)(width)


BLOCKS = Registry(
    "block",
    "hnas.blocks",
    {
        "conv_3x3": Block(_made_by("plain_convolution"), 1, PLAIN_CONVOLUTION),
        "residual_3x3": Block(
            _made_by("Residual"), 2, Style("#854d0e", "residual 3×3", "two 3×3 convolutions with a path around both")
        ),
    },
    kind=Block,
)


def register_block(name: str, block: Block) -> None:
    """Adds a block of chains, for this process; it is searched where the setting ``blocks`` names it.

    A package adds one for every process by an entry point of the group ``hnas.blocks``.

    Args:
        name: small letters, digits, ``_`` and ``-``.
        block: all that is known of it.

    Raises:
        HnasError: a name that is taken or none, or no block.
    """
    BLOCKS.register(name, block)
