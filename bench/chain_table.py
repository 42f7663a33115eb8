"""Trains every chain of one small space alone, and times it: the table of ``hnas study --table``.

    python bench/chain_table.py train --data train/open --val benchmark/Kodak24 --lines lines.jsonl
    python bench/chain_table.py time --lines lines.jsonl
    python bench/chain_table.py pack --lines lines.jsonl --out src/hnas/tables/chains.json

The first two can be stopped and begun again: a line that is in the file is not made again. Some chains are trained a
second time, from another start and on other patches, which says how far two trainings agree.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from hnas.extras import script_needs

script_needs("torch")

from hnas.data.folders import Pair, load_pairs
from hnas.data.patches import PatchSampler
from hnas.deploy.timing.graphs import graph_of
from hnas.deploy.timing.stopwatch import Machine, Stopwatch
from hnas.files import write_atomically
from hnas.memory import keep_memory
from hnas.nets import family_of
from hnas.searching.costs import CostTable
from hnas.searching.evaluators import score_shortly
from hnas.searching.pictures import middle_crops
from hnas.searching.scoring import bicubic_psnr
from hnas.searching.settings import SearchSettings
from hnas.space import Genotype
from hnas.training.devices import start_fabric
from hnas.training.settings import DeviceSettings

#: The space, and how each of its chains is trained; the cost is counted, and timed, at 180x320.
SETTINGS = SearchSettings(
    space="chain",
    widths=(4, 8, 16),
    depths=(2, 3, 4, 5),
    blocks=("conv_3x3", "residual_3x3"),
    after=(0, 1),
    batch=8,
    patch=16,
    short_lr=4e-3,
    grad_clip=0.5,
    derive_pictures=0,
    derive_patch=64,
    lr_size="180x320",
)
#: Updates of the trainings of every chain.
LENGTHS = (100, 300, 900)
#: So many chains are trained twice for the most updates.
AGAIN = 48
#: Turns of every chain, of which the median counts.
ROUNDS = 7

Line = dict[str, Any]


def trained(pairs: list[Pair], validation: list[Pair], done: set[str]) -> Iterator[Line]:
    """A line for every training that is not done."""
    fabric = start_fabric(DeviceSettings(accelerator="cpu", precision="32-true"))
    lr, hr = middle_crops(validation, patch=SETTINGS.derive_patch)
    bicubic = bicubic_psnr(lr, hr)
    for genotype, steps, seed in trainings():
        if (name := key(genotype, steps, seed)) in done:
            continue
        own = replace(SETTINGS, short_steps=steps, seed=seed)
        sampler = PatchSampler(pairs, scale=own.scale, patch=own.patch, batch=own.batch, seed=seed)
        (psnr,) = score_shortly(genotype, settings=own, patches=sampler, pictures=[(lr, hr)], fabric=fabric)
        yield {"key": name, "psnr": psnr, "bicubic": bicubic, "pictures": len(pairs)}


def trainings() -> Iterator[tuple[Genotype, int, int]]:
    """Chain, updates and seed of every training, the deepest chains last."""
    deepest = max(SETTINGS.depths)
    first = [one for one in shuffled() if len(one.to_dict()["blocks"]) < deepest]
    last = [one for one in shuffled() if len(one.to_dict()["blocks"]) == deepest]
    for genotype in first:
        yield from ((genotype, steps, 0) for steps in LENGTHS)
    yield from ((genotype, max(LENGTHS), 1) for genotype in first[:AGAIN])
    for genotype in last:
        yield from ((genotype, steps, 0) for steps in LENGTHS)


def timed(machine: Machine, done: set[str]) -> Iterator[Line]:
    """A line for every turn of every chain that is not done, all chains in every round."""
    family = family_of(SETTINGS.space, SETTINGS)
    graphs = {one.to_json(): graph_of(family.target(one).eval(), machine.backend) for one in shuffled()}
    watch = Stopwatch(machine, graphs)
    for turn in range(ROUNDS):
        for genotype in shuffled():
            name = key(genotype, "ms", turn)
            if name not in done:
                yield {"key": name, "ms": watch.turn(genotype.to_json()), "machine": machine.as_dict()}


def shuffled() -> list[Genotype]:
    """All chains, always in the same random order."""
    space: Any = SETTINGS.search_space
    chains = list(space)
    Random(0).shuffle(chains)
    return chains


def key(genotype: Genotype, *what: int | str) -> str:
    """The name of a line."""
    return " ".join((genotype.to_json(), *map(str, what)))


def packed(lines: dict[str, Line], **told: str) -> dict[str, Any]:
    """The table: where it is from, and a row for every chain; without the deepest ones if they are not all done."""
    settings = SETTINGS
    if any(key(*training) not in lines for training in trainings()):
        settings = replace(settings, depths=settings.depths[:-1])
    costs = CostTable(settings)
    rows = []
    for one in sorted(shuffled(), key=lambda one: one.to_json()):
        if one not in settings.search_space:
            continue
        cost, again = costs(one), lines.get(key(one, max(LENGTHS), 1))
        ms = median(lines[key(one, "ms", turn)]["ms"] for turn in range(ROUNDS))
        rows.append(
            {
                "genotype": one.to_dict(),
                "psnr": [round(lines[key(one, steps, 0)]["psnr"], 4) for steps in LENGTHS],
                "again": again and round(again["psnr"], 4),
                "ms": round(ms, 3),
                "macs": cost.macs,
                "params": cost.params,
            }
        )
    usual, own = asdict(SearchSettings()), asdict(settings)
    return {
        "format": "hnas-table/1",
        **told,
        "made_by": "bench/chain_table.py",
        "settings": {name: value for name, value in own.items() if value != usual[name]},
        "lengths": LENGTHS,
        "bicubic": round(next(line["bicubic"] for line in lines.values() if "bicubic" in line), 4),
        "pictures": next(line["pictures"] for line in lines.values() if "pictures" in line),
        "machine": next(line["machine"] for line in lines.values() if "machine" in line),
        "turns": ROUNDS,
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("train", "time", "pack"))
    parser.add_argument("--data", default="train/open")
    parser.add_argument("--val", default="benchmark/Kodak24")
    parser.add_argument("--lines", type=Path, required=True, help="what is done, a line each")
    parser.add_argument("--out", type=Path, help="the table")
    parser.add_argument("--commit", default="", help="of this file, for the table to name")
    parser.add_argument("--threads", type=int, default=1, help="of the networks that are timed")
    arguments = parser.parse_args()
    keep_memory()
    text = arguments.lines.read_text(encoding="utf-8") if arguments.lines.exists() else ""
    # A line that a stop has cut short is made again.
    known = {line["key"]: line for line in map(json.loads, text[: text.rfind("\n") + 1].splitlines())}
    if arguments.what == "pack":
        table = packed(known, commit=arguments.commit, data=arguments.data, validation=arguments.val)
        rows = ",\n".join(json.dumps(row) for row in table.pop("rows"))
        write_atomically(arguments.out, f'{json.dumps(table)[:-1]}, "rows": [\n{rows}\n]}}\n')
        return
    write_atomically(arguments.lines, "".join(json.dumps(line) + "\n" for line in known.values()))
    if arguments.what == "time":
        made = timed(Machine("onnx", arguments.threads, SETTINGS.lr_shape), set(known))
    else:
        made = trained(load_pairs(arguments.data, 2), load_pairs(arguments.val, 2), set(known))
    with arguments.lines.open("a", encoding="utf-8") as file:
        for line in made:
            file.write(json.dumps(line) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
