"""What a genotype costs, from tables: never by running a network, so no score depends on what ran before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from random import Random
from statistics import fmean

from hnas.errors import HnasError
from hnas.nets.families import PredictLatency, family_of
from hnas.searching.settings import Limits, SearchSettings, in_words
from hnas.searching.within import Usage, cheapest
from hnas.space import Genotype

_REFERENCE_GENOTYPES = 1000


@dataclass(frozen=True)
class CandidateCost:
    """What the network of a genotype costs at the target size.

    Attributes:
        macs: multiply-adds for one LR picture of the stated size.
        params: trained parameters.
        latency: milliseconds; None where it is not asked for.
        relative: the cost of the reward, divided by the reference.
        measured: whether the latency was measured on the whole network; otherwise it is a table's prediction.
    """

    macs: int
    params: int
    latency: float | None
    relative: float
    measured: bool = False


class CostTable:
    """Costs of genotypes at the target size, each computed once.

    Args:
        settings: which cost the reward counts, its reference, and the size that costs are meant for.
        predict_latency: needed where latency is the cost or limited.

    Attributes:
        reference: the cost that counts as 1, in MACs, parameters or ms: as set, or the hard limit of that cost, or,
            without one, the mean over 1,000 uniformly drawn genotypes of the space (always the same ones). The mean
            alone would not do under a small limit: all costs within it, and what lambda weighs, would be next to 0.
    """

    def __init__(self, settings: SearchSettings, predict_latency: PredictLatency | None = None) -> None:
        unknown = settings.limits.latency and not settings.measure
        if predict_latency is None and (settings.cost == "latency" or unknown):
            raise HnasError(
                "latency as cost or limit needs a table, which only cells have (hnas profile --build-table); a limit "
                "can also be held by --measure, which times finalists"
            )
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
            HnasError: a limit of latency, and no latency table; or a limit below the cheapest genotype, which is named.
        """
        limited = {name: limit for name, limit in asdict(limits).items() if limit}
        if limits.latency and self._predict_latency is None:
            if not self._settings.measure:
                raise HnasError(
                    "a limit of latency needs a table: search with --latency-table (hnas profile --build-table), or "
                    "with --measure, so that finalists are timed"
                )
            del limited["latency"]  # which the derivation measures
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
    def load(cls, settings: SearchSettings) -> CostTable:
        """With the latency table that the settings name, if they do.

        Raises:
            HnasError: no such table, or one that was measured for other networks than the target.
        """
        if not settings.latency_table:
            return cls(settings)
        return cls(settings, family_of(settings.space, settings).latencies(settings.latency_table, settings.lr_shape))

    def _mean_cost(self) -> float:
        self.reference = 1.0
        random, space = Random(0), self._settings.search_space
        drawn = [space.sample(random) for _ in range(_REFERENCE_GENOTYPES)]
        mean = fmean(self(genotype).relative for genotype in drawn)
        self._known.clear()
        return mean
