"""The score of one genotype by short training as a piece of work: a function of values that any process can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor

from hnas.data.degradations import as_degraded
from hnas.data.folders import Pair, load_pairs
from hnas.data.known_sets import locate_set
from hnas.data.patches import PatchSampler
from hnas.searching.evaluators import score_shortly
from hnas.searching.pictures import SearchPictures, search_pictures, training_patches
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
class FoldersOfPictures:
    """Where pictures are: folders, or names of known sets (:func:`hnas.data.known_sets.locate_set`).

    Attributes:
        data: those that are shared out between training and scoring.
        val: those that validate; None takes a tenth of the others.
    """

    data: str
    val: str | None

    @classmethod
    def named(cls, config: Mapping[str, Any]) -> FoldersOfPictures:
        """Those of a run's settings."""
        return cls(config["data"], config["val"])


def recipe_of(settings: SearchSettings) -> SearchSettings:
    """What a score by short training hangs on: the rest of a search's settings at their defaults."""
    usual: dict[str, Any] = {field.name: field.default for field in fields(SearchSettings)}
    return replace(settings, **{name: usual[name] for name in _OF_THE_SEARCH})


@dataclass(frozen=True)
class Prepared:
    """All that a score by short training takes beside the genotype.

    Attributes:
        patches: that train it.
        asked: pictures (LR and HR) that it is scored on: one batch of the strategy's, and validation.
        fabric: the device.
    """

    patches: PatchSampler
    asked: tuple[tuple[Tensor, Tensor], ...]
    fabric: Fabric


def prepared(recipe: SearchSettings, pictures: SearchPictures, fabric: Fabric) -> Prepared:
    """What scores by a recipe take, of pictures that are at hand."""
    asked = pictures.scoring.batch(0, device=fabric.device), pictures.validation
    return Prepared(training_patches(recipe, pictures.splits), asked, fabric)


def evaluate(
    pictures: FoldersOfPictures,
    recipe: SearchSettings,
    device: DeviceSettings,
    trained: SearchSettings,
    genotype: Genotype,
) -> list[float]:
    """PSNR in dB of a genotype trained alone, on one batch of the strategy's pictures and on validation.

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


def evaluate_by(at_hand: Prepared, trained: SearchSettings, genotype: Genotype) -> list[float]:
    """:func:`evaluate` with what is at hand."""
    return score_shortly(
        genotype, settings=trained, patches=at_hand.patches, pictures=at_hand.asked, fabric=at_hand.fabric
    )


def read_pairs(pictures: FoldersOfPictures, scale: int) -> tuple[list[Pair], list[Pair]]:
    """Those of ``data``, and of ``val`` (none without it), as they are on disk.

    Raises:
        HnasError: a set, folder or picture that cannot be read.
    """
    training = load_pairs(locate_set(pictures.data), scale)
    return training, load_pairs(locate_set(pictures.val), scale) if pictures.val else []


#: What several searches of one process share.
_read_once = lru_cache(maxsize=2)(read_pairs)


def splits_of(pictures: FoldersOfPictures, settings: SearchSettings, *, once: bool = False) -> Splits:
    """The pictures as a search shares them out.

    Args:
        pictures: where they are.
        settings: of the search.
        once: whether they stay in this process's memory for the next search on the same pictures.

    Raises:
        HnasError: a set, folder or picture that cannot be read, too few pictures, or one in two parts.
    """
    pairs_of = (_read_once if once else read_pairs)(pictures, settings.scale)
    training, validation = (as_degraded(pairs, settings.degradation, seed=settings.seed) for pairs in pairs_of)
    return split_pictures(training, validation, w_fraction=settings.w_fraction, seed=settings.seed)


@lru_cache(maxsize=2)
def _prepared(pictures: FoldersOfPictures, recipe: SearchSettings, device: DeviceSettings) -> Prepared:
    fabric = start_fabric(device)
    return prepared(recipe, search_pictures(recipe, splits_of(pictures, recipe, once=True), fabric.device), fabric)
