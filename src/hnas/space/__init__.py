"""What a network may look like: genotypes and the spaces that they come from. No torch here.

There are two kinds: :mod:`hnas.space.cells`, the paper's, and :mod:`hnas.space.chain`. Everything else knows them by
:class:`Genotype`, :class:`Space` and the entries of :data:`KINDS`.
"""

from hnas.space.kinds import (
    KINDS,
    SpaceName,
    load_genotype,
    operation_styles,
    parse_genotype,
    read_genotype,
    space_of,
)
from hnas.space.protocol import Choice, Genotype, Head, Space, decisions

__all__ = [
    "KINDS",
    "Choice",
    "Genotype",
    "Head",
    "Space",
    "SpaceName",
    "decisions",
    "load_genotype",
    "operation_styles",
    "parse_genotype",
    "read_genotype",
    "space_of",
]
