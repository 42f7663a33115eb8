"""One policy for a whole range of lambda learns for all of it from every score.

Each update scores genotypes that were drawn for one lambda. Neither their PSNR nor their cost depends on it, so their
rewards for every other lambda are known as well (Andrychowicz et al., 2017, do so with goals). The policy for another
lambda is taught by them with importance weights, and by the best genotypes known for it (Abolafia et al., 2018). Its
entropy is taken along the same genotypes, unweighted: near enough to keep it from settling early.
Without this, a policy for a range learns as if its search were a fraction as long (docs/search.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from hnas.searching.reward import Known, Spread

#: Lambdas besides the one that genotypes were drawn for which an update teaches.
_OTHERS = 8
#: Largest importance weight, so that no single genotype decides an update.
_LARGEST_WEIGHT = 2.0
#: The best genotypes known for a lambda whose log-probability an update raises.
_BEST = 4
#: Weight of their mean log-probability in what the controller makes large, in units of a reward's usual spread.
IMITATION = 0.2
#: How many times the entropy weight of a search for one lambda a policy for a range needs; with less it settles on the
#: cheap, which most lambdas like, before it knows what the others want.
ENTROPY = 4.0
_GOLDEN = 0.618033988749895


def other_lambdas(lam_range: tuple[float, float], spread: Spread, update: int) -> list[float]:
    """Lambdas spread evenly over the range, shifted from update to update so that none is left out.

    Args:
        lam_range: smallest and largest.
        spread: says what is even (:meth:`hnas.searching.reward.Spread.lam_between`).
        update: number of the update, from 0.
    """
    shift = update * _GOLDEN % 1.0
    return [spread.lam_between(*lam_range, (index + shift) / _OTHERS) for index in range(_OTHERS)]


def importance(log_prob: Tensor) -> Tensor:
    """How much each genotype counts for each lambda: by how much likelier it is there than where it was drawn, cut.

    Args:
        log_prob: (lambdas, n); the first row is for the lambda that the genotypes were drawn for.

    Returns:
        Weights (lambdas, n) between 0 and 2; the first row is 1.
    """
    return (log_prob - log_prob[0]).exp().clamp(max=_LARGEST_WEIGHT)


def to_imitate(known: Sequence[Known], lams: Sequence[float]) -> list[tuple[Known, float]]:
    """For each lambda the best genotypes known for it, each with that lambda."""
    return [(one, lam) for lam in lams for one in best_known(known, lam)[:_BEST]]


def best_known(known: Sequence[Known], lam: float) -> list[Known]:
    """Different genotypes, best reward for lambda first."""
    distinct = {one.genotype: one for one in known}
    return sorted(distinct.values(), key=lambda one: one.worth(lam), reverse=True)
