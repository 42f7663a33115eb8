"""A child of two genotypes, whatever their space: decision by decision from one parent or the other."""

from __future__ import annotations

from random import Random

from hnas.space import Genotype, Space


def child_of(first: Genotype, second: Genotype, space: Space, random: Random, *, mutation: float) -> Genotype:
    """Uniform crossover (Syswerda, 1989), then mutation.

    Every decision that is open to the child is taken from one of the parents to which it was open, each as likely; for
    cells these are the source and the operation of every edge, and the position.

    Args:
        first: a parent; the same as ``second`` for a child of one.
        second: the other.
        space: of both.
        random: decides.
        mutation: probability, for every decision, of one of the other options.
    """
    parents = [space.encode(first), space.encode(second)]
    tokens: list[int] = []
    for place in range(len(parents[0])):
        options = space.open_options(tokens)
        inherited = [tokens_[place] for tokens_ in parents if space.open_options(tokens_[:place]) > 1]
        token = random.choice(inherited or range(options)) if options > 1 else 0
        if options > 1 and random.random() < mutation:
            token = random.choice([other for other in range(options) if other != token])
        tokens.append(token)
    child: Genotype = space.decode(tokens)
    return child
