"""Genotypes within hard limits, however small a part of the space keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hnas.errors import HnasError
from hnas.space import Genotype, Space

#: How much of its limits a genotype uses: cost divided by limit, the largest where there are several; at most 1 within.
Usage = Callable[[Genotype], float]

#: Draws for every genotype that is wanted, before those that come nearest are changed to fit.
_DRAWS_EACH = 250
#: Genotypes drawn at a time, at most.
_MAX_BATCH = 256
#: Changes inside the limits after which a genotype has forgotten where it began: some of every choice of both cells.
_WANDERING = 100
#: Changes in a row that bring a genotype no nearer, after which the limits count as out of reach.
_MAX_FAILURES = 500


def draw_within(
    count: int,
    sample: Callable[[int], Sequence[Genotype]],
    usage: Usage,
    *,
    space: Space,
    random: Random,
    changes: int = 0,
    draws_each: int | None = None,
) -> list[Genotype]:
    """``count`` genotypes within the limits: those of a distribution that are, then those made to be.

    Args:
        count: how many.
        sample: draws so many from the distribution; what is outside the limits is drawn again, a while.
        usage: of the limits. Where too few draws keep within them, the nearest others are changed choice by choice,
            each change a smaller usage, so that most of what the distribution preferred stays.
        space: of the changes.
        random: decides them.
        changes: further ones inside the limits, for distributions that are uniform there: such a walk forgets that it
            began at the edge.
        draws_each: draws for every genotype that is wanted, before the nearest are changed; 250 by default.

    Raises:
        HnasError: no change leads within the limits.
    """
    kept: list[Genotype] = []
    outside: list[Genotype] = []
    draws, many = 0, count
    most = (_DRAWS_EACH if draws_each is None else draws_each) * count
    while len(kept) < count and draws < most:
        for genotype in sample(many):
            (kept if usage(genotype) <= 1.0 else outside).append(genotype)
        draws += many
        many = min(4 * many, _MAX_BATCH)
    nearest = sorted(outside, key=usage)[: max(0, count - len(kept))]
    for genotype in nearest:
        kept.append(_wander(_move_within(genotype, usage, space, random), changes, usage, space, random))
    return kept[:count]


def draw_uniformly(count: int, space: Space, usage: Usage, random: Random) -> list[Genotype]:
    """``count`` genotypes, each as likely as every other within the limits; :func:`draw_within` says how."""
    return draw_within(
        count,
        lambda many: [space.sample(random) for _ in range(many)],
        usage,
        space=space,
        random=random,
        changes=_WANDERING,
    )


def _move_within(genotype: Genotype, usage: Usage, space: Space, random: Random) -> Genotype:
    failures = 0
    while usage(genotype) > 1.0:
        changed = space.mutate(genotype, random)
        if usage(changed) < usage(genotype):
            genotype, failures = changed, 0
        else:
            failures += 1
        if failures > _MAX_FAILURES:
            raise HnasError(
                f"no genotype was found within all limits together (the nearest uses {usage(genotype):.2f} times what "
                "is allowed); raise max_macs, max_params or max_latency, or make the network smaller "
                "(target_channels, layers)"
            )
    return genotype


def _wander(genotype: Genotype, changes: int, usage: Usage, space: Space, random: Random) -> Genotype:
    for _ in range(changes):
        changed = space.mutate(genotype, random)
        if usage(changed) <= 1.0:
            genotype = changed
    return genotype


def cheapest(space: Space, cost: Callable[[Genotype], float]) -> Genotype:
    """The genotype of the smallest cost, found by the best single change, again and again.

    Costs are sums over edges, and cells before the upsampling cell cost no more than cells after it. Only what several
    edges leave out together, an input that none of them takes, no single change finds: in the space's first genotype,
    where this begins, all edges of cells take the same one.
    """
    genotype: Genotype = space.first()
    while True:
        best = min(space.neighbours(genotype), key=cost, default=genotype)
        if cost(best) >= cost(genotype):
            return genotype
        genotype = best
