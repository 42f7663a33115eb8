"""Whether pictures are still those that a run began with: their names, sizes and number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hnas.data.folders import Pair
from hnas.errors import HnasError
from hnas.values import sequence, shown

#: Name, height and width in pixels of every picture.
Listing = list[list[Any]]


def listing(pairs: Iterable[Pair]) -> Listing:
    """What a run remembers of its pictures, as plain values."""
    return sorted([pair.name, *pair.hr.shape[:2]] for pair in pairs)


def refuse_other_pictures(before: Mapping[str, Sequence[Any]], now: Mapping[str, Listing], *, where: str) -> None:
    """Compares the pictures of a run with those at hand, part by part.

    Args:
        before: listings by what the pictures are for, as a state on disk has them.
        now: the same of the pictures at hand.
        where: the run.

    Raises:
        HnasError: a picture was added, is gone or has another size; one is named.
    """
    for part, listed in before.items():
        was = Counter(tuple(sequence("a picture", one)) for one in listed)
        at_hand = Counter(map(tuple, now.get(part, [])))
        for sign, other, more in (("has no", was - at_hand, "were there"), ("has", at_hand - was, "were not there")):
            if other:
                name, height, width = min(other, key=str)
                raise HnasError(
                    f"{where}: {part} {sign} picture {shown(name)} of {width}x{height} pixels ({other.total()} that "
                    f"{more} when the run began); put the pictures back, or start anew with --overwrite"
                )
