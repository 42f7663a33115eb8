"""What does it cost that chains of several depths share one trunk? (docs/search.md)

    python bench/sharing_depths.py --data train/open --val benchmark/Kodak24

For every width the shared weights of all depths are trained, an exit for each, and then every depth by itself: the same
search with one depth, for as many steps, from the same seed. All have the settings of preset cpu for chains. PSNR is
that of the averaged weights on the whole validation pictures, in float32; seconds are those of one CPU core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from time import process_time
from typing import Any, cast

from hnas.extras import script_needs

script_needs("torch")

from torch import nn

from hnas.data.folders import load_pairs
from hnas.evaluation.benchmark import evaluate_model
from hnas.memory import keep_memory
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits, split_pictures
from hnas.settings import load_settings, read_config
from hnas.training.devices import start_fabric
from hnas.training.settings import DeviceSettings


@dataclass(frozen=True)
class Trained:
    """Shared weights after their training.

    Attributes:
        psnr: of the chain of every depth, dB.
        seconds: of the training.
    """

    psnr: dict[int, float]
    seconds: float


def train(splits: Splits, width: int, depths: Sequence[int], arguments: argparse.Namespace, seed: int) -> Trained:
    """Trains chains of these depths together and measures each."""
    changes = {
        "widths": (width,),
        "depths": tuple(depths),
        "w_genotypes": 1,
        "batch": arguments.batch,
        "seed": seed,
        "rounds": 1,
        "w_steps": arguments.steps,
    }
    settings = load_settings(SearchSettings, {**read_config("cpu", "search", space="chain"), **changes})
    fabric = start_fabric(DeviceSettings(accelerator="cpu", precision=arguments.precision))
    searcher = build_searcher(settings, splits, CostTable(settings), fabric)
    began = process_time()
    searcher.run_round()
    seconds = process_time() - began
    assert searcher.weights is not None
    judging = searcher.weights.judging
    networks = {genotype.depth: judging.member(genotype) for genotype in settings.search_space}
    return Trained({depth: measure(cast(nn.Module, network), splits) for depth, network in networks.items()}, seconds)


def measure(network: nn.Module, splits: Splits) -> float:
    """PSNR on the validation pictures, dB."""
    return evaluate_model(network, splits.validation, scale=2).psnr


def compare(splits: Splits, width: int, arguments: argparse.Namespace, seed: int) -> dict[str, Any]:
    """One training together and one of each depth."""
    together = train(splits, width, arguments.depths, arguments, seed)
    alone = [train(splits, width, [depth], arguments, seed) for depth in arguments.depths]
    return {
        "width": width,
        "seed": seed,
        "together": [together.psnr[depth] for depth in arguments.depths],
        "together_seconds": together.seconds,
        "alone": [one.psnr[depth] for one, depth in zip(alone, arguments.depths, strict=True)],
        "alone_seconds": [one.seconds for one in alone],
    }


def print_table(width: int, depths: Sequence[int], lines: Sequence[dict[str, Any]], *, first: bool) -> None:
    """Lines of Markdown, one for every depth; means over the seeds."""
    if first:
        print("| width | depth | together, dB | alone, dB | sharing costs, dB | seconds together | alone |")
        print("|---" * 7 + "|")
    together_seconds = fmean(line["together_seconds"] for line in lines)
    for index, depth in enumerate(depths):
        together, alone, seconds = (
            [line[name][index] for line in lines] for name in ("together", "alone", "alone_seconds")
        )
        costs = ", ".join(f"{one - both:+.3f}" for one, both in zip(alone, together, strict=True))
        shared = f"{together_seconds:.0f} for all" if index == 0 else ""
        figures = f"{fmean(together):.3f} | {fmean(alone):.3f} | {costs} | {shared} | {fmean(seconds):.0f}"
        print(f"| {width} | {depth} | {figures} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of training pictures")
    parser.add_argument("--val", required=True, help="folder of validation pictures")
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--depths", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--steps", type=int, default=2000, help="of every training")
    parser.add_argument("--batch", type=int, default=16, help="patches a step")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--precision", choices=("32-true", "bf16-mixed"), default="bf16-mixed")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    keep_memory()
    splits = split_pictures(load_pairs(arguments.data, 2), load_pairs(arguments.val, 2), w_fraction=0.9, seed=0)
    found: list[dict[str, Any]] = []
    for width in arguments.widths:
        lines = [compare(splits, width, arguments, seed) for seed in arguments.seeds]
        if not arguments.json:
            print_table(width, arguments.depths, lines, first=not found)
        found += lines
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
