"""Who sees which pictures: three disjoint parts, so that no choice is made on what it was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from hnas.data.folders import Pair
from hnas.data.patches import split_pairs
from hnas.errors import HnasError

#: Part of the training pictures that is held out for validation where none are given.
_HELD_OUT = 0.1


@dataclass(frozen=True)
class Splits:
    """Pictures of a search, no picture in two parts.

    Attributes:
        shared: train the shared weights.
        controller: score genotypes during the search.
        validation: choose the genotype at the end.

    Raises:
        HnasError: a picture (by its content, whatever its name) is in two parts.
    """

    shared: tuple[Pair, ...]
    controller: tuple[Pair, ...]
    validation: tuple[Pair, ...]

    def __post_init__(self) -> None:
        seen: dict[bytes, tuple[str, str]] = {}
        for part, pairs in vars(self).items():
            for pair in pairs:
                other, name = seen.setdefault(_content(pair), (part, pair.name))
                if other != part:
                    raise HnasError(
                        f"{pair.name} ({part} pictures) is the same picture as {name} ({other} pictures); "
                        "the parts of a search must not share pictures: take it out of one"
                    )


def split_pictures(training: Sequence[Pair], validation: Sequence[Pair], *, w_fraction: float, seed: int) -> Splits:
    """Shares pictures out; copies of the same training picture count once.

    Args:
        training: shared out between the weights and the controller; a tenth is held out if ``validation`` is empty.
        validation: other pictures.
        w_fraction: part of the training pictures that trains the shared weights (0.4 in the paper).
        seed: decides which.

    Raises:
        HnasError: too few pictures, or a validation picture that is also among the training pictures.
    """
    distinct = list({_content(pair): pair for pair in reversed(training)}.values())[::-1]
    rest = 1.0 - w_fraction
    if validation:
        shared, controller = split_pairs(distinct, (w_fraction, rest), seed=seed)
        return Splits(tuple(shared), tuple(controller), tuple(validation))
    kept = 1.0 - _HELD_OUT
    shared, controller, held_out = split_pairs(distinct, (kept * w_fraction, kept * rest, _HELD_OUT), seed=seed)
    return Splits(tuple(shared), tuple(controller), tuple(held_out))


def _content(pair: Pair) -> bytes:
    return hashlib.blake2b(repr(pair.hr.shape).encode() + pair.hr.tobytes(), digest_size=16).digest()
