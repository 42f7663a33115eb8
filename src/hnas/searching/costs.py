"""What a genotype costs, from tables: never by running a network, so no score depends on what ran before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from random import Random
from statistics import fmean

from hnas.deploy.timing.latency_table import LatencyTable
from hnas.errors import HnasError
from hnas.nets import family_of
from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.settings import Limits, SearchSettings, in_words
from hnas.searching.within import Usage, cheapest
from hnas.space import Genotype

#: The latency of a genotype at the target size, ms.
PredictLatency = Callable[[Genotype], float]

_REFERENCE_GENOTYPES = 1000


class CostTable:
    """Costs of genotypes at the target size, each computed once.

    Args:
        settings: which cost the reward counts, its reference, and the size that costs are meant for.
        predict_latency: needed where latency is the cost or limited.

    Attributes:
        reference: the cost that counts as 1, in MACs, parameters or ms: as set, or the hard limit of that cost, or,
            without one, the mean over 1,000 uniformly drawn genotypes of the space (always the same ones). The mean
            alone would not do under a small limit: all costs within it, and what lambda weighs, would be next to 0.
        table: what predicts latency; None where nothing does, or something else.
    """

    def __init__(self, settings: SearchSettings, predict_latency: PredictLatency | None = None) -> None:
        if predict_latency is None and (settings.cost == "latency" or settings.limits.latency):
            raise HnasError("latency as cost or limit needs predictions; take the table that find_table gives")
        self.table: LatencyTable | None = None
        self._settings, self._predict_latency = settings, predict_latency
        self._family = family_of(settings.space, settings)
        self._known: dict[Genotype, CandidateCost] = {}
        self.reference = settings.cost_reference or getattr(settings.limits, settings.cost) or self._mean_cost()

    def __call__(self, genotype: Genotype) -> CandidateCost:
        """The cost of one genotype."""
        known = self._known.get(genotype)
        if known is None:
            cost = self._family.cost(genotype, self._settings.lr_shape)
            latency = self._predict_latency(genotype) if self._predict_latency else None
            absolute = {"macs": cost.macs, "params": cost.params, "latency": latency or 0.0}[self._settings.cost]
            known = CandidateCost(cost.macs, cost.params, latency, absolute / self.reference)
            self._known[genotype] = known
        return known

    def usage(self, limits: Limits) -> Usage:
        """How much of the limits a genotype uses: its cost divided by the limit, the largest of several; 0 of none.

        Raises:
            HnasError: a limit of latency without predictions, or one below the cheapest genotype, which is named.
        """
        limited = {name: limit for name, limit in asdict(limits).items() if limit}
        if limits.latency and self._predict_latency is None:
            raise HnasError("a limit of latency needs predictions; take the table that find_table gives")
        for name, limit in limited.items():
            self._refuse_below_cheapest(name, limit)

        def usage(genotype: Genotype) -> float:
            cost = self(genotype)
            return max((getattr(cost, name) / limit for name, limit in limited.items()), default=0.0)

        return usage

    def _refuse_below_cheapest(self, name: str, limit: float) -> None:
        def cost(genotype: Genotype) -> float:
            return float(getattr(self(genotype), name))

        least = cost(cheapest(self._settings.search_space, cost))
        if least > limit:
            raise HnasError(
                f"max_{name} is {in_words(name, limit)}, and the cheapest genotype has {in_words(name, least)}; raise "
                f"max_{name} to at least that, or make networks smaller (target_channels, layers; widths, depths)"
            )

    @classmethod
    def with_table(cls, settings: SearchSettings, table: LatencyTable | None) -> CostTable:
        """With the predictions of a latency table, if there is one."""
        if table is None:
            return cls(settings)
        family = family_of(settings.space, settings)
        made = cls(settings, lambda genotype: table.predict(family.parts(genotype)))
        made.table = table
        return made

    def _mean_cost(self) -> float:
        self.reference = 1.0
        random, space = Random(0), self._settings.search_space
        drawn = [space.sample(random) for _ in range(_REFERENCE_GENOTYPES)]
        mean = fmean(self(genotype).relative for genotype in drawn)
        self._known.clear()
        return mean
