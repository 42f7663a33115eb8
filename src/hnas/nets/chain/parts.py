"""The parts of a chain whose milliseconds add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hnas.space.chain import ChainGenotype


def chain_parts(genotype: ChainGenotype) -> Mapping[str, int]:
    """How often a chain has each of its parts, all of its own width.

    These are its ends (stem, tail and the path around), of which chains with blocks after the enlargement have others,
    and its blocks by kind and place: before (``small``) or after (``large``) the enlargement.
    """
    width = genotype.width
    parts = Counter({f"{width}/ends{'/large' if genotype.after else ''}": 1})
    for index, block in enumerate(genotype.blocks):
        parts[f"{width}/{block}/{'small' if index < genotype.enlargement else 'large'}"] += 1
    return parts
