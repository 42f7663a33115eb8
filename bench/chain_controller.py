"""Does the controller find the best chain under a limit with a third of the scores of exhaustion? (docs/search.md)

    python bench/chain_controller.py --data train/open --val benchmark/Kodak24 --table scores.json

Shared weights of a space that can be enumerated are trained once, and every genotype is scored with them once, on the
middle crops of the validation pictures: that is the table, which is kept in its file. Every strategy then searches by
the table, under each limit of multiply-adds and with each seed. It may score a third as many genotypes as there are
within the limit (a genotype that it proposes again counts again), and hands over the best that it met. Regret is by
how much, in dB, this falls short of the best there is.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from hnas.extras import script_needs

script_needs("torch")

from hnas.data.folders import load_pairs
from hnas.files import write_atomically
from hnas.memory import keep_memory
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.scoring import bicubic_psnr
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.splits import split_pictures
from hnas.searching.strategies import STRATEGIES, build_strategy
from hnas.searching.study.run import shared_weights_only
from hnas.settings import load_settings, read_config
from hnas.space import Genotype, read_genotype
from hnas.training.devices import start_fabric
from hnas.training.settings import DeviceSettings

#: The space, and what differs from preset cpu in training: a step shows a chain of every width and enlargement.
SPACE: dict[str, Any] = {
    "widths": (8, 16, 32),
    "depths": (2, 3, 4, 5, 6, 7),
    "blocks": ("conv_3x3", "residual_3x3"),
    "after": (0, 1),
    "w_genotypes": 6,
    "batch": 24,
    "lr": 4e-3,
    "derive_patch": 48,
}
#: Of the strategies. Rate and weight of the entropy are half and six times those that preset cpu has for cells, chosen
#: by the seeds 100 to 105; evolution has its defaults.
CONTROLLER: dict[str, Any] = {
    "lam": 0.999,
    "controller_steps": 1,
    "samples": 4,
    "controller_lr": 5e-3,
    "controller_lr_end": 3e-3,
    "standardise": True,
    "entropy_weight": 0.3,
}


@dataclass(frozen=True)
class Table:
    """Scores of all genotypes on the same pictures.

    Attributes:
        psnr: of every genotype, dB.
        bicubic: PSNR of bicubic interpolation, dB.
    """

    psnr: Mapping[Genotype, float]
    bicubic: float


@dataclass(frozen=True)
class Found:
    """What one search handed over.

    Attributes:
        regret: dB below the best within the limit.
        rank: among those within the limit; 1 is the best.
        distinct: different genotypes that were scored.
    """

    regret: float
    rank: int
    distinct: int


def make_table(settings: SearchSettings, data: str, val: str, precision: Any) -> Table:
    """Trains the shared weights and scores every genotype of the space."""
    own = shared_weights_only(settings)
    splits = split_pictures(load_pairs(data, 2), load_pairs(val, 2), w_fraction=own.w_fraction, seed=own.seed)
    searcher = build_searcher(own, splits, CostTable(own), start_fabric(DeviceSettings(precision=precision)))
    while searcher.round < searcher.rounds:
        line, _ = searcher.run_round()
        print(
            f"round {searcher.round} of {searcher.rounds}: loss {line['w_loss']:.4f}, {line['seconds']:.0f} s",
            flush=True,
        )
    scores = {
        genotype: searcher.evaluator(genotype, *searcher.pictures.validation) for genotype in settings.search_space
    }
    return Table(scores, bicubic_psnr(*searcher.pictures.validation))


def open_table(path: Path, settings: SearchSettings, data: str | None, val: str | None, precision: Any) -> Table:
    """The table in a file, which is made where there is none."""
    if not path.exists():
        if not data or not val:
            raise SystemExit(f"{path} is made first; give --data and --val")
        table = make_table(settings, data, val, precision)
        rows = [{"genotype": genotype.to_dict(), "psnr": psnr} for genotype, psnr in table.psnr.items()]
        write_atomically(path, json.dumps({"bicubic": table.bicubic, "scores": rows}) + "\n")
        return table
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Table({read_genotype(row["genotype"]): row["psnr"] for row in kept["scores"]}, kept["bicubic"])


def search(settings: SearchSettings, costs: CostTable, table: Table) -> list[Scored]:
    """All that one strategy scored, update by update."""
    lam = settings.lam_range[0]
    strategy, spread, found = build_strategy(settings, costs.usage(settings.limits)), Spread(), []
    for update in range(settings.updates):
        genotypes = strategy.ask(settings.samples, lam=lam, random=Random(f"{settings.seed} strategy {update}"))
        scored = [score(genotype, costs, table, lam) for genotype in genotypes]
        spread = spread.after(scored)
        strategy.tell(scored, lam=lam, spread=spread)
        found += scored
    return found


def score(genotype: Genotype, costs: CostTable, table: Table, lam: float) -> Scored:
    """A genotype with its row of the table."""
    psnr, cost = table.psnr[genotype], costs(genotype)
    return Scored(genotype, psnr, psnr - table.bicubic, cost, joint_reward(psnr, cost.relative, lam))


def judge(found: Sequence[Scored], within: Sequence[float]) -> Found:
    """Compares the best of a search with all PSNR within the limit, best first."""
    best = max(one.psnr for one in found)
    rank = 1 + sum(psnr > best for psnr in within)
    return Found(within[0] - best, rank, len({one.genotype for one in found}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of training pictures, where the table is not made yet")
    parser.add_argument("--val", help="folder of validation pictures")
    parser.add_argument("--table", type=Path, required=True, help="file of the scores")
    parser.add_argument("--steps", type=int, default=2000, help="updates of the shared weights")
    parser.add_argument("--precision", choices=("32-true", "bf16-mixed"), default="bf16-mixed")
    parser.add_argument("--limits", nargs="+", default=["3G", "10G", "26.5G"], help="of multiply-adds at 480x480")
    parser.add_argument("--evaluations", type=int, help="of a search; by default a third of what is within the limit")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=StudySettings().strategies)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings of a search")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    keep_memory()
    rounds = 50
    changes = {**SPACE, **CONTROLLER, "rounds": rounds, "w_steps": arguments.steps // rounds}
    changes |= dict(pair.split("=", 1) for pair in arguments.set)
    settings = load_settings(SearchSettings, {**read_config("cpu", "search", space="chain"), **changes})
    table = open_table(arguments.table, settings, arguments.data, arguments.val, arguments.precision)
    rows = []
    for limit in arguments.limits:
        limited = replace(settings, max_macs=limit)
        costs = CostTable(limited)
        usage = costs.usage(limited.limits)
        within = sorted((psnr for genotype, psnr in table.psnr.items() if usage(genotype) <= 1.0), reverse=True)
        evaluations = arguments.evaluations or len(within) // 3
        own = replace(limited, rounds=max(1, evaluations // limited.samples))
        for name in arguments.strategies:
            found = [
                judge(search(replace(own, strategy=name, seed=seed), costs, table), within) for seed in arguments.seeds
            ]
            row = {"limit": limit, "within": len(within), "scored": own.updates * own.samples, "strategy": name}
            rows.append(row | {"found": [asdict(one) for one in found]})
            if not arguments.json:
                print_row(row, found, first=len(rows) == 1)
    if arguments.json:
        print(json.dumps({"size": len(table.psnr), "set": arguments.set, "rows": rows}))


def print_row(row: Mapping[str, Any], found: Sequence[Found], *, first: bool) -> None:
    """A line of the table in Markdown."""
    if first:
        print("| limit | within | scored | strategy | found the best | ranks | regret, dB: mean, worst | different |")
        print("|---" * 8 + "|")
    hits = f"{sum(one.rank == 1 for one in found)} of {len(found)}"
    ranks = ", ".join(str(one.rank) for one in found)
    regrets = [one.regret for one in found]
    regret = f"{fmean(regrets):.4f}, {max(regrets):.4f}"
    start = " | ".join(str(row[name]) for name in ("limit", "within", "scored", "strategy"))
    print(f"| {start} | {hits} | {ranks} | {regret} | {fmean(one.distinct for one in found):.0f} |", flush=True)


if __name__ == "__main__":
    main()
