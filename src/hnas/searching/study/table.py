"""A tabular benchmark: what every genotype of a small space reaches trained alone, so that a search takes seconds.

As NAS-Bench-101 (Ying et al., ICML 2019) and NAS-Bench-201 (Dong and Yang, ICLR 2020) are for classification.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from hnas.errors import HnasError
from hnas.searching.costs import CostTable
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import build_strategy
from hnas.settings import TABLES, load_settings
from hnas.space import Genotype, read_genotype
from hnas.values import read_json

FORMAT = "hnas-table/1"
#: The table in the package; ``bench/chain_table.py`` made it.
CHAINS = TABLES / "chains.json"


@dataclass(frozen=True)
class Row:
    """What is known of a genotype.

    Attributes:
        psnr: dB on the validation crops after so many updates of training alone.
        again: the same after the most updates of another training, from another start; None where there was none.
        ms: milliseconds of the whole network for one LR picture of the stated size.
    """

    psnr: Mapping[int, float]
    again: float | None
    ms: float


@dataclass(frozen=True)
class Table:
    """All genotypes of a space with their rows.

    Attributes:
        about: where the table is from: pictures, machine, commit.
        settings: of the space, the training and the size that costs are counted at, by their names in a search.
        bicubic: PSNR of bicubic interpolation on the same crops, dB.
        rows: by genotype.
    """

    about: Mapping[str, Any]
    settings: Mapping[str, Any]
    bicubic: float
    rows: Mapping[Genotype, Row]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Updates of the trainings, fewest first."""
        return tuple(sorted(next(iter(self.rows.values())).psnr))

    def applied_to(self, settings: SearchSettings) -> SearchSettings:
        """Settings of a search by this table, which scores by training alone for ``short_steps`` updates.

        Raises:
            HnasError: a setting that the table has otherwise, or updates that it has no scores of.
        """
        usual, own = asdict(SearchSettings()), asdict(settings)
        for name, value in self.settings.items():
            if own[name] not in (usual[name], value):
                raise HnasError(f"{name} is {own[name]}; the table has {value}, and nothing else")
        if settings.short_steps not in self.lengths:
            lengths = ", ".join(map(str, self.lengths))
            raise HnasError(f"short_steps is {settings.short_steps}; the table has scores after {lengths} updates")
        return replace(settings, **self.settings, scorer="short", warmup=0, controller_steps=1)

    def costs(self, settings: SearchSettings) -> CostTable:
        """Costs of the genotypes; their milliseconds are those of the table."""
        return CostTable(settings, lambda genotype: self.rows[genotype].ms)

    def score(self, genotype: Genotype, steps: int, costs: CostTable, lam: float) -> Scored:
        """A genotype as a search sees it after so many updates of training alone."""
        psnr, cost = self.rows[genotype].psnr[steps], costs(genotype)
        return Scored(genotype, psnr, psnr - self.bicubic, cost, joint_reward(psnr, cost.relative, lam))


def read_table(path: Path = CHAINS) -> Table:
    """Reads a table.

    Raises:
        HnasError: there is none, it is no such file, or it does not have every genotype of its space.
    """
    value = read_json(path, advice="bench/chain_table.py makes a table")
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise HnasError(f"{path}: no table of the format {FORMAT}; bench/chain_table.py makes one")
    try:
        settings = load_settings(SearchSettings, value["settings"], source=str(path))
        own = {name: getattr(settings, name) for name in value["settings"]}
        rows = {
            read_genotype(row["genotype"]): Row(
                dict(zip(value["lengths"], row["psnr"], strict=True)), row["again"], row["ms"]
            )
            for row in value["rows"]
        }
        about = {name: each for name, each in value.items() if name not in ("settings", "rows")}
        table = Table(about, own, value["bicubic"], rows)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HnasError(f"{path}: damaged ({error}); bench/chain_table.py makes a table") from error
    space = settings.search_space
    if len(rows) != space.size or not all(genotype in space for genotype in rows):
        raise HnasError(f"{path}: has {len(rows)} genotypes, and its space {space.size}")
    return table


def search_by_scores(settings: SearchSettings, costs: CostTable, score: Callable[[Genotype], Scored]) -> list[Scored]:
    """All that one strategy scored, in order; a genotype that it proposes again counts again.

    Args:
        settings: name the strategy, the number of its updates and the seed.
        costs: of the limits.
        score: what there is to know of a genotype.

    Raises:
        HnasError: the settings are not for this strategy.
    """
    lam = settings.lam_range[0]
    strategy, spread = build_strategy(settings, costs.usage(settings.limits)), Spread()
    found: list[Scored] = []
    for update in range(settings.updates):
        genotypes = strategy.ask(settings.samples, lam=lam, random=Random(f"{settings.seed} strategy {update}"))
        scored = [score(genotype) for genotype in genotypes]
        spread = spread.after(scored)
        strategy.tell(scored, lam=lam, spread=spread)
        found += scored
    return found
