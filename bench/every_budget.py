"""One search for every budget against one for each: whose front is larger? (docs/search.md)

    python bench/every_budget.py --data train/open/CLIC2025 --val benchmark/Kodak24 --scorer short --table runs/scores
    python bench/every_budget.py --data train/open/CLIC2025 --val benchmark/Kodak24 --evaluations 960 --nodes 4

A controller that sees lambda, drawn anew in every update, against three that search for one lambda each and as long as
it; and uniform sampling as long as one. All have the settings of preset cpu, but 3 layers, other numbers of rounds, and
scores that do not change: those of shared weights that were trained before, the same for all searches, or those of
training each genotype alone (--scorer short). The latter are a table in a folder, so a run that was stopped goes on,
and processes may share it. A front holds what nothing else in its search beats in gain and cost. It is measured on the
validation pictures: hypervolume is its area in (gain over bicubic interpolation in dB, cost), up to no gain at twice
the mean cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hnas.extras import script_needs

script_needs("torch")

from hnas.data.folders import load_pairs
from hnas.memory import keep_memory
from hnas.searching.building import build_searcher, search_by
from hnas.searching.costs import CostTable
from hnas.searching.evaluators import ScoreFolder
from hnas.searching.reward import Scored
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits, split_pictures
from hnas.searching.strategies import pareto_ranks
from hnas.searching.study.hypervolume import hypervolume
from hnas.searching.study.run import shared_weights_only
from hnas.settings import load_settings, read_config
from hnas.training.devices import start_fabric

BASE = {"layers": 3, "short_steps": 100, "derive_patch": 24, "derive_pictures": 24}
RANGE, SINGLE = "0.75..0.99", (0.75, 0.95, 0.99)


def trained(settings: SearchSettings, splits: Splits) -> Searcher:
    """Shared weights trained for as long as in a search of these settings."""
    own = shared_weights_only(settings)
    searcher = build_searcher(own, splits, CostTable(own), start_fabric())
    while searcher.round < searcher.rounds:
        searcher.run_round()
    return searcher


def search(settings: SearchSettings, base: Searcher) -> list[Scored]:
    """All that one search scored, by the scores of ``base``."""
    searcher = search_by(base, replace(settings, warmup=0, w_steps=0, controller_steps=1))
    return [scored for _ in range(searcher.rounds) for scored in searcher.run_round()[1]]


def volume(found: Sequence[Scored], base: Searcher) -> float:
    """The hypervolume of the front, chosen by the searches' own scores and measured on the validation pictures."""
    ranks = pareto_ranks([(one.gain, -one.cost.relative) for one in found])
    front = dict.fromkeys(one.genotype for one, rank in zip(found, ranks, strict=True) if rank == 0)
    judged = base.score_all(list(front), base.pictures.validation, 0.5)
    return hypervolume([(one.gain, one.cost.relative) for one in judged])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--data", "--val"):
        parser.add_argument(name, required=True)
    parser.add_argument("--scorer", choices=("shared", "short"), default="shared")
    parser.add_argument("--table", type=Path, help="folder of the scores by short training")
    parser.add_argument("--evaluations", type=int, default=240, help="genotypes each search scores: 4 and more")
    parser.add_argument("--nodes", type=int, default=2, help="nodes of a cell")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    keep_memory()
    chosen = {"nodes": arguments.nodes, "scorer": arguments.scorer}
    preset = load_settings(SearchSettings, {**read_config("cpu", "search"), **BASE, **chosen})
    splits = split_pictures(load_pairs(arguments.data, 2), load_pairs(arguments.val, 2), w_fraction=0.4, seed=0)
    if arguments.scorer == "shared" and not arguments.table:
        base = trained(preset, splits)
    elif arguments.scorer == "short" and arguments.table:
        base = build_searcher(preset, splits, CostTable(preset), start_fabric(), table=ScoreFolder(arguments.table))
    else:
        parser.error("--table is for --scorer short, which needs it")
    settings = replace(preset, rounds=arguments.evaluations // preset.samples)
    print("| seed | one search, all lambdas | three searches | uniform sampling |\n|---|---|---|---|")
    for seed in arguments.seeds:
        one = search(replace(settings, seed=seed, lam=RANGE), base)
        three = [scored for lam in SINGLE for scored in search(replace(settings, seed=seed, lam=lam), base)]
        chance = search(replace(settings, seed=seed, strategy="random"), base)
        figures = " | ".join(f"{volume(found, base):.4f}" for found in (one, three, chance))
        print(f"| {seed} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
