"""Do the scores of a search rank genotypes? Kendall's tau of several scorers with training alone (docs/search.md).

    python bench/supernet_ranking.py --data train/open/CLIC2025 --val benchmark/Kodak24 --out ranking.jsonl
    python bench/supernet_ranking.py --out ranking.jsonl --table

With --parts "alone 0" "alone 1" "preset cpu" it does these only. A copy of the lines of the first two, gone on with
under --precision bf16-mixed, gives the tau of shared weights that train and score in bfloat16, by the same truth.
--out one.jsonl --against other.jsonl prints how alike two files rank.

Random genotypes (3 layers, 8 channels, x2, all operations) are trained alone, twice: the mean is the truth, and how far
the two agree is the most that a score can reach. Scores are gains over bicubic interpolation on middle crops of the
validation pictures. Every part is a line of --out and is not run again. Seconds are those of one CPU core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from time import process_time
from typing import Any, get_args

from hnas.extras import script_needs

script_needs("torch")

import torch
from torch.nn import functional as F

from hnas.data.folders import load_pairs
from hnas.memory import keep_memory
from hnas.nets import NetworkSettings, network_cost
from hnas.ranking import kendall_tau
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.evaluators import train_shortly
from hnas.searching.pictures import training_patches
from hnas.searching.scoring import batch_psnr, bicubic_psnr
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import split_pictures
from hnas.settings import load_settings, read_config
from hnas.training.devices import start_fabric
from hnas.training.settings import DeviceSettings, Precision

Line = dict[str, Any]
#: What all trainings here share.
BASE: dict[str, Any] = {"layers": 3, "derive_patch": 24, "derive_pictures": 0}
SPACE = SearchSettings(layers=3).search_space
RANKED = [SPACE.sample(Random(f"ranked {index}")) for index in range(24)]
PROBES = [SPACE.sample(Random(f"probe {index}")) for index in range(60)]
ALONE = {"alone 0": (0, 300), "alone 1": (1, 300), "short 25": (2, 25), "short 100": (2, 100), "short 200": (2, 200)}
#: What differs from the preset, and the updates after which the shared weights score; the rate falls until the last.
FEW, MANY = (100, 200, 400, 800), (400, 800, 1600)
SUPERNETS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "preset cpu": ({}, MANY),
    "cell_skip 1": ({"cell_skip": 1.0}, MANY),
    "cell_skip 0": ({"cell_skip": 0.0}, MANY),
    "sharing edge": ({"sharing": "edge"}, MANY),
    "w_genotypes 1": ({"w_genotypes": 1}, MANY),
    "norm batch-statistics": ({"norm": "batch-statistics"}, MANY),
    "preset cpu, long": ({}, (1600, 3200)),
    "lr 4e-3": ({"lr": 4e-3}, FEW),
    "lr 4e-3, cell_skip 1": ({"lr": 4e-3, "cell_skip": 1.0}, FEW),
    "lr 4e-3, long": ({"lr": 4e-3}, (1600, 3200, 6400, 12800)),
}
#: Steps of a training that goes on from a copy of the shared weights, for each genotype by itself, and its first rate.
TUNED, TUNED_LR, TUNED_FROM = (10, 30), 4e-3, "lr 4e-3"
ORDER = ("alone 0", "alone 1", *SUPERNETS, "short 25", "short 100", "short 200")


def searcher_for(splits: Any, changes: Mapping[str, Any], steps: int, devices: DeviceSettings) -> Searcher:
    """A search that has not begun, with ``steps`` updates of the shared weights ahead."""
    settings = load_settings(SearchSettings, {**read_config("cpu", "search"), **BASE, **changes})
    settings = replace(settings, w_steps=1, warmup=steps - 1, rounds=1)
    return build_searcher(settings, splits, CostTable(settings), start_fabric(devices))


def alone(searcher: Searcher, name: str, index: int) -> Line:
    """One genotype trained alone: the seed decides its start and its patches."""
    seed, steps = ALONE[name]
    began = process_time()
    settings = replace(searcher.settings, short_steps=steps, seed=seed)
    patches = training_patches(settings, searcher.pictures.splits)
    network = train_shortly(RANKED[index], settings, patches, searcher.fabric)
    lr, hr = searcher.pictures.validation
    with torch.no_grad():
        gain = batch_psnr(network(lr), hr, 2) - bicubic_psnr(lr, hr)
    return {"name": f"{name} #{index}", "gain": gain, "seconds": process_time() - began}


def shared(searcher: Searcher, name: str, checkpoints: Sequence[int]) -> Iterator[Line]:
    """Scores at several moments of one training of the shared weights."""
    seconds = 0.0
    for step in range(1, checkpoints[-1] + 1):
        began = process_time()
        searcher.w_step(step - 1)
        seconds += process_time() - began
        if step in checkpoints:
            scores = [one.gain for one in searcher.score_all(RANKED, searcher.pictures.validation, 0.5)]
            probes = [one.gain for one in searcher.score_all(PROBES, searcher.pictures.validation, 0.5)]
            line = {"name": name, "steps": step, "seconds": seconds, "scores": scores}
            yield line | {"gain": fmean(probes), "spread": stdev(probes)}
    if name == TUNED_FROM:
        yield from (tuned(searcher, steps) for steps in TUNED)


def tuned(searcher: Searcher, steps: int) -> Line:
    """Scores after a copy of the shared weights was trained on for one genotype, then thrown away."""
    began, gains = process_time(), []
    lr, hr = searcher.pictures.validation
    weights = searcher.weights
    assert weights is not None
    for genotype in RANKED:
        supernet = deepcopy(weights.supernet)
        optimizer = torch.optim.Adam(supernet.parameters(), fused=True)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = TUNED_LR * (1.0 - step / steps)
            few_lr, few_hr = weights.patches.batch(10**6 + step)
            F.l1_loss(supernet(few_lr, genotype), few_hr).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(supernet.parameters(), searcher.settings.grad_clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            gains.append(batch_psnr(supernet(lr, genotype), hr, 2) - bicubic_psnr(lr, hr))
    return {"name": "tuned", "steps": steps, "scores": gains, "seconds": process_time() - began}


def run(data: str, val: str, parts: Sequence[str], done: Sequence[str], devices: DeviceSettings) -> Iterator[Line]:
    """All of these parts that are not done."""
    splits = split_pictures(load_pairs(data, 2), load_pairs(val, 2), w_fraction=0.4, seed=0)
    plain = searcher_for(splits, {}, 1, devices)
    for name in parts:
        if name in ALONE:
            missing = (index for index in range(len(RANKED)) if f"{name} #{index}" not in done)
            yield from (alone(plain, name, index) for index in missing)
        elif name not in done:
            changes, checkpoints = SUPERNETS[name]
            # All lines at once: a training that was stopped begins anew.
            yield from list(shared(searcher_for(splits, changes, checkpoints[-1], devices), name, checkpoints))


def print_tables(lines: Sequence[Line]) -> None:
    """Markdown: settings of the shared weights, then scorers by the time that they take."""
    gains: dict[str, list[Line]] = {}
    for line in lines:
        gains.setdefault(line["name"].split(" #")[0], []).append(line)
    once, again = ([line["gain"] for line in gains[f"alone {seed}"]] for seed in (0, 1))
    truth = [fmean(both) for both in zip(once, again, strict=True)]

    def tau(scores: Sequence[float]) -> str:
        return f"{kendall_tau(scores, truth[: len(scores)]):+.2f}"

    print("| shared weights | updates | gain, dB | spread, dB | tau | seconds |\n" + "|---" * 6 + "|")
    for name in SUPERNETS:
        for line in gains.get(name, []):
            figures = f"{line['gain']:+.3f} | {line['spread']:.3f} | {tau(line['scores'])} | {line['seconds']:.0f}"
            print(f"| {name} | {line['steps']} | {figures} |")
    print("\n| score | seconds a genotype | tau |\n|---|---|---|")
    costs = [network_cost(genotype, NetworkSettings(channels=8)) for genotype in RANKED]
    print(f"| multiply-adds | 0 | {tau([cost.macs for cost in costs])} |")
    print(f"| parameters | 0 | {tau([cost.params for cost in costs])} |")
    for line in gains.get("tuned", []):
        print(f"| tuned {line['steps']} | {line['seconds'] / len(RANKED):.1f} | {tau(line['scores'])} |")
    for name in ("short 25", "short 100", "short 200"):
        if found := gains.get(name, []):
            seconds = fmean(line["seconds"] for line in found)
            print(f"| {name} ({len(found)} genotypes) | {seconds:.1f} | {tau([line['gain'] for line in found])} |")
    print(f"\nTrained alone they gain {fmean(truth):.2f} dB on average, with a spread of {stdev(truth):.2f} dB;")
    print(f"Kendall's tau between the two trainings is {kendall_tau(once, again):+.2f}.")


def read_lines(path: Path) -> list[Line]:
    """What a file has; nothing if there is none."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def print_agreement(lines: Sequence[Line], others: Sequence[Line]) -> None:
    """Markdown: Kendall's tau between the scores that two files have for the same shared weights and updates."""
    scores = {(line["name"], line["steps"]): line["scores"] for line in others if "scores" in line}
    print("| shared weights | updates | tau between both |\n|---|---|---|")
    for line in lines:
        if (key := (line["name"], line.get("steps"))) in scores:
            print(f"| {line['name']} | {line['steps']} | {kendall_tau(line['scores'], scores[key]):+.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--data", "--val"):
        parser.add_argument(name)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=ORDER, default=ORDER)
    parser.add_argument("--precision", choices=get_args(Precision), default="32-true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--against", type=Path, help="another --out: print how alike both rank, and nothing else")
    arguments = parser.parse_args()
    keep_memory()
    lines = read_lines(arguments.out)
    if arguments.against:
        print_agreement(lines, read_lines(arguments.against))
        return
    if not arguments.table:
        devices = DeviceSettings(accelerator="cpu", precision=arguments.precision)
        done = [line["name"] for line in lines]
        for line in run(arguments.data, arguments.val, arguments.parts, done, devices):
            lines.append(line)
            with arguments.out.open("a") as file:
                file.write(json.dumps(line) + "\n")
    if {line["name"] for line in lines} >= {f"{name} #{len(RANKED) - 1}" for name in ("alone 0", "alone 1")}:
        print_tables(lines)


if __name__ == "__main__":
    main()
