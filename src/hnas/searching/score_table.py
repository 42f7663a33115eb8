"""A table of scores on disk: what is slow to score is scored once, by whichever search meets it first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from hnas.files import write_atomically
from hnas.searching.algorithm import Searcher
from hnas.searching.costs import CostTable
from hnas.searching.latency import find_table
from hnas.searching.scoring import Scorer
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits
from hnas.space import Genotype
from hnas.training.devices import start_fabric
from hnas.values import read_json


def tabulated(score: Scorer, pictures: Sequence[tuple[Tensor, Tensor]], folder: Path) -> Scorer:
    """The same scores, computed once per genotype for all processes and runs that share the folder.

    Args:
        score: a function of genotype and pictures alone, such as :func:`hnas.searching.scoring.short_scorer`.
        pictures: all that will be asked for (LR and HR); a new genotype is scored on all of them.
        folder: where the table is, a file for every genotype; made when it is first written to.
    """

    def look_up(genotype: Genotype, lr: Tensor, hr: Tensor) -> float:
        index = next(i for i, (known, _) in enumerate(pictures) if known.shape == lr.shape and torch.equal(known, lr))
        text = genotype.to_json()
        path = folder / f"{sha256(text.encode()).hexdigest()[:24]}.json"
        if not path.exists():
            row = {"genotype": genotype.to_dict(), "psnr": [score(genotype, *some) for some in pictures]}
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(row) + "\n")
        return float(read_json(path)["psnr"][index])

    return look_up


def open_table(settings: SearchSettings, splits: Splits, folder: Path) -> Searcher:
    """A search by short training that scores by a table: on one batch of the strategy's pictures, and on validation."""
    fabric = start_fabric()
    costs = CostTable.with_table(settings, find_table(settings, fabric.device))
    searcher = Searcher(settings, splits, costs, fabric)
    pictures = searcher.controller_patches.batch(0), searcher.validation
    searcher.scorer = tabulated(searcher.scorer, pictures, folder)
    return searcher


def search_by(table: Searcher, settings: SearchSettings) -> Searcher:
    """Another search that scores by the same table, or the same shared weights, whatever its seed and strategy."""
    searcher = Searcher(settings, table.splits, table.costs, table.fabric)
    searcher.scorer = table.scorer
    if settings.scorer == "short":  # the table has scores on one batch only
        searcher.controller_patches = table.controller_patches
    return searcher
