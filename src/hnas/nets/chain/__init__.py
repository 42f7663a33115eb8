"""Networks of plain chains: as they are trained, as they are run, their supernet, their cost and their parts."""

from hnas.nets.chain.cost import chain_cost, expected_chain_cost
from hnas.nets.chain.folding import FoldedChain
from hnas.nets.chain.network import ChainNetwork, read_chain_description
from hnas.nets.chain.parts import chain_parts
from hnas.nets.chain.supernet import ChainSupernet

__all__ = [
    "ChainNetwork",
    "ChainSupernet",
    "FoldedChain",
    "chain_cost",
    "chain_parts",
    "expected_chain_cost",
    "read_chain_description",
]
