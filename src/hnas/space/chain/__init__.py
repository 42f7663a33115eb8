"""The space of plain chains: 3x3 convolutions in a row, the quickest thing there is for its quality."""

from hnas.space.chain.blocks import BLOCKS, Block, register_block
from hnas.space.chain.genotype import FORMAT, ChainGenotype, Colour
from hnas.space.chain.space import ChainSpace

__all__ = ["BLOCKS", "FORMAT", "Block", "ChainGenotype", "ChainSpace", "Colour", "register_block"]
