"""The score of one genotype by short training as a piece of work: a function of values that any process can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from torch import Tensor

from hnas.data.folders import Pair, load_pairs
from hnas.searching.algorithm import Searcher
from hnas.searching.costs import CostTable
from hnas.searching.scoring import short_scorer
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits, split_pictures
from hnas.space import Genotype
from hnas.training.devices import start_fabric
from hnas.training.settings import DeviceSettings

#: Settings that such a score does not hang on: what proposes genotypes, and what is made of their scores.
_OF_THE_SEARCH = (
    *("rounds", "warmup", "w_steps", "controller_steps", "w_sampling", "w_genotypes", "batch_per_device", "loss"),
    *("schedule", "ema", "optimizer", "lr", "lr_end", "strategy", "hidden", "controller_lr", "controller_lr_end"),
    *("standardise", "entropy_weight", "baseline", "baseline_decay", "samples", "population", "tournament", "lam"),
    *("cost", "cost_reference", "target_channels", "lr_size", "latency_table", "max_macs", "max_params", "max_latency"),
    *("backend", "threads", "tau_samples", "exhaustive", "measure", "derive_samples", "checkpoint_every"),
    "asynchronous",
)


@dataclass(frozen=True)
class Pictures:
    """Where pictures are.

    Attributes:
        data: folder of those that are shared out between training and scoring.
        val: folder of those that validate; None takes a tenth of the others.
    """

    data: str
    val: str | None

    @classmethod
    def named(cls, config: Mapping[str, Any]) -> Pictures:
        """Those of a run's settings."""
        return cls(config["data"], config["val"])


def recipe_of(settings: SearchSettings) -> SearchSettings:
    """What a score by short training hangs on: the rest of a search's settings at their defaults."""
    usual: dict[str, Any] = {field.name: field.default for field in fields(SearchSettings)}
    return replace(settings, **{name: usual[name] for name in _OF_THE_SEARCH})


def asked_for(searcher: Searcher) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The pictures (LR and HR) on which a search by short training scores: one batch of the strategy's; validation."""
    return searcher.controller_patches.batch(0, device=searcher.fabric.device), searcher.validation


def evaluate(
    pictures: Pictures, recipe: SearchSettings, device: DeviceSettings, trained: SearchSettings, genotype: Genotype
) -> list[float]:
    """PSNR in dB of a genotype trained alone, on each of :func:`asked_for`.

    Args:
        pictures: read once in every process.
        recipe: which of them train and which score; see :func:`recipe_of`.
        device: one, and the precision.
        trained: for how many steps and from which start; the same in most cases.
        genotype: of the recipe's space.

    Raises:
        HnasError: pictures that this process cannot read.
    """
    return evaluate_by(_prepared(pictures, recipe, device), trained, genotype)


def evaluate_by(searcher: Searcher, trained: SearchSettings, genotype: Genotype) -> list[float]:
    """:func:`evaluate` with a search that is at hand."""
    score = short_scorer(trained, searcher.shared_patches, searcher.fabric)
    return [score(genotype, *some) for some in asked_for(searcher)]


@lru_cache(maxsize=2)
def read_pairs(pictures: Pictures, scale: int) -> tuple[list[Pair], list[Pair]]:
    """Read once in every process."""
    return load_pairs(pictures.data, scale), load_pairs(pictures.val, scale) if pictures.val else []


def splits_of(pictures: Pictures, settings: SearchSettings) -> Splits:
    """The pictures as a search shares them out."""
    training, validation = read_pairs(pictures, settings.scale)
    return split_pictures(training, validation, w_fraction=settings.w_fraction, seed=settings.seed)


@lru_cache(maxsize=2)
def _prepared(pictures: Pictures, recipe: SearchSettings, device: DeviceSettings) -> Searcher:
    return Searcher(recipe, splits_of(pictures, recipe), CostTable(recipe), start_fabric(device))
