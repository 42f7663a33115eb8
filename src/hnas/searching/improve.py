"""A given genotype changed for the better, at no more cost."""

from __future__ import annotations

from collections.abc import Callable

from hnas.errors import HnasError
from hnas.searching.derive import Derived, validated
from hnas.searching.reward import Scored
from hnas.searching.searcher import Searcher
from hnas.searching.settings import Limits
from hnas.space import Genotype, Space


def improve_genotype(
    searcher: Searcher,
    genotype: Genotype,
    *,
    limits: Limits | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> Derived:
    """Changes what a genotype decides inside a cell (or chain), choice by choice, for as long as that pays.

    The question is that of Guo et al. (NAT: Neural Architecture Transformer for Accurate and Compact Architectures,
    NeurIPS 2019): operations of a given network give way to others that cost nothing more. There a policy is learned
    for it; here each step scores all genotypes of no more cost that differ in one choice, and takes the best if its
    PSNR on the validation pictures is higher. Width, depth and position stay.

    Args:
        searcher: at the end of its search.
        genotype: of its space.
        limits: hard limits at the target size that everything keeps but the given genotype; those of the search by
            default.
        say: is told of every step.

    Raises:
        HnasError: a genotype of another space, a limit of latency, which is kept by measurement only, or one that the
            cheapest genotype does not keep.
    """
    settings, limited = searcher.settings, limits if limits is not None else searcher.settings.limits
    space = settings.search_space
    if genotype not in space:
        raise HnasError(f"this genotype ({genotype.summary()}) is not in the space of the search")
    if limited.latency:
        raise HnasError("--improve keeps multiply-adds and parameters; leave out --max-latency")
    usage, lam = searcher.costs.usage(limited), sum(settings.lam_range) / 2.0
    (best,) = validated(searcher, [genotype], lam)
    known: dict[Genotype, Scored] = {genotype: best}
    while True:
        new = [
            one
            for one in inside(space, best.genotype)
            if one not in known and usage(one) <= 1.0 and searcher.costs(one).relative <= known[genotype].cost.relative
        ]
        known |= {one.genotype: one for one in validated(searcher, new, lam)} if new else {}
        better = max((known[one] for one in new), key=lambda one: one.psnr, default=best)
        if better.psnr <= best.psnr:
            break
        best = better
        say(f"{best.psnr - known[genotype].psnr:+.3f} dB: {best.genotype.summary()}")
    ranked = sorted(known.values(), key=lambda one: one.psnr, reverse=True)
    return Derived(best, tuple(ranked), limits=limited)


def inside(space: Space, genotype: Genotype) -> list[Genotype]:
    """Those that differ in one choice, and in none of the network level."""
    levels = [head.level for head in space.heads for _ in head.choices]

    def outside(one: Genotype) -> list[int]:
        return [token for token, level in zip(space.encode(one), levels, strict=True) if level == "network"]

    return [one for one in space.neighbours(genotype) if outside(one) == outside(genotype)]
