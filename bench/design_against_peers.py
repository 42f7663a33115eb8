"""What designs reach at equal milliseconds, beside every peer with weights at hand (docs/milliseconds.md).

    python bench/design_against_peers.py --benchmarks data/benchmark --weights data/weights data/weights/peers

One run of one runtime. For every size all networks of the family and all peers are timed in turns, in two passes of
several rounds; a time is what three of four runs keep, in the slower pass. For every limit the network that `hnas
design` hands over by these times stands beside the best peer that keeps the limit (by the mean PSNR of the sets).
`ahead` is against the best of all those peers on each set by itself. PSNR is measured once for every network.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from hnas.extras import script_needs

script_needs("torch")

from hnas.bundled import BUNDLED
from hnas.cli.options import parse_size
from hnas.data.benchmarks import find_benchmarks
from hnas.data.folders import Pair
from hnas.deploy.design.choice import Requirements, settle
from hnas.deploy.design.family import Candidate, read_family
from hnas.deploy.design.survey import measure_whole
from hnas.deploy.timing.graphs import graph_of
from hnas.deploy.timing.stopwatch import Graph, Machine, Stopwatch
from hnas.errors import HnasError
from hnas.machine import default_threads
from hnas.memory import keep_memory
from hnas.weights import load_model
from hnas.zoo.by_latency import measure_pictures
from hnas.zoo.contenders import Contender, find_contenders
from hnas.zoo.hand_made import torch_graphs
from hnas.zoo.weights_at_hand import weights_beside

SIZES, LIMITS = ("256x256", "480x480"), (10.0, 25.0, 50.0, 100.0, 250.0)
SETS = ("Set5", "B100", "Kodak24")
#: Networks that take so many times the largest limit in their first turn have no further ones.
BEYOND = 1.5
#: PSNR in dB of a network by set.
Quality = Callable[[str], Mapping[str, float]]


def time_all(graphs: Mapping[str, Graph], machine: Machine, longest: float, seconds: float) -> dict[str, float]:
    """Milliseconds by name of those that may keep the longest limit, all in turns."""
    stopwatch = Stopwatch(machine, graphs)
    near = [name for name in graphs if stopwatch.turn(name) <= BEYOND * longest]
    return measure_whole(near, stopwatch.turn, seconds=seconds) if near else {}


def handed_over(family: Sequence[Candidate], times: Mapping[str, float], limit: float) -> str | None:
    """The network of the design for a limit by these times; None where all take longer."""
    estimates = {one.name: times.get(one.name, float("inf")) for one in family}
    try:
        chosen, _ = settle(
            family, estimates, Requirements(latency_ms=limit), lambda names: {name: estimates[name] for name in names}
        )
    except HnasError:
        return None
    return chosen.name


def row(
    limit: float, size: str, ours: str | None, peers: Sequence[str], times: Mapping[str, float], quality: Quality
) -> str:
    """A line of the table.

    Args:
        limit: ms.
        size: HEIGHTxWIDTH.
        ours: the network handed over; None where there is none.
        peers: those that keep the limit.
        times: ms by name.
        quality: PSNR of any of them.
    """
    found = {name: quality(name) for name in peers}
    best = max(found, key=lambda name: fmean(found[name].values()), default=None)
    cells = [f"{limit:g}", size, *_cells(ours, times, quality), *_cells(best, times, quality)]
    if ours and best:
        reached = quality(ours)
        ahead = {name: value - max(psnr[name] for psnr in found.values()) for name, value in reached.items()}
        cells.append(", ".join(f"{value:+.2f}" for value in ahead.values()))
    else:
        cells.append("no peer" if ours else "none of ours" if best else "nothing")
    return f"| {' | '.join(cells)} |"


def _cells(name: str | None, times: Mapping[str, float], quality: Quality) -> list[str]:
    if name is None:
        return ["none", "", ""]
    return [name, f"{times[name]:.1f}", ", ".join(f"{psnr:.2f}" for psnr in quality(name).values())]


def quality_of(networks: Mapping[str, Contender], sets: Mapping[str, Sequence[Pair]], scale: int) -> Quality:
    """PSNR of a network, measured when it is asked for the first time."""
    known: dict[str, dict[str, float]] = {}

    def quality(name: str) -> Mapping[str, float]:
        if name not in known:
            print(f"measuring {name}", file=sys.stderr, flush=True)
            results = measure_pictures(networks[name], sets, scale)
            known[name] = {dataset: result.psnr for dataset, result in results.items()}
        return known[name]

    return quality


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmarks", nargs="+", default=["data/benchmark"], help="folders with sets")
    parser.add_argument("--sets", nargs="+", default=SETS, help="names of the sets that are measured")
    parser.add_argument("--weights", nargs="*", type=Path, default=[], help="folders with weights of peers")
    parser.add_argument("--family", type=Path, default=BUNDLED)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--backend", choices=("onnx", "openvino", "torch"), default="onnx")
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--limits", nargs="+", type=float, default=LIMITS)
    parser.add_argument("--seconds", type=float, default=120.0, help="about how long a size is measured")
    options = parser.parse_args(arguments)
    keep_memory()
    folders = (*options.weights, *weights_beside(map(Path, options.benchmarks)))
    family = read_family(options.scale, options.family)
    peers = [one for one in find_contenders(options.scale, folders=folders) if one.system]
    networks = {one.name: one for one in peers}
    networks |= {one.name: Contender(one.name, load_model(one.weights), one.weights) for one in family}
    found = dict(find_benchmarks(options.benchmarks))
    sets = {name: found[name](options.scale) for name in options.sets}
    quality = quality_of(networks, sets, options.scale)
    graphs: dict[str, Graph] = {one.name: graph_of(one.model, options.backend) for one in peers}
    graphs |= torch_graphs(family) if options.backend == "torch" else {one.name: one.graph for one in family}
    machines = [Machine(options.backend, options.threads, parse_size(size, "--sizes")) for size in options.sizes]
    names = ", ".join(options.sets)
    print(f"x{options.scale}, {machines[0].runtime}, {options.threads} threads; {machines[0].processor}\n")
    print(f"| limit, ms | size | design | ms | {names} | best peer | ms | {names} | ahead |")
    print("|---:|---|---|---:|---|---|---:|---|---|", flush=True)
    for machine in machines:
        times = time_all(graphs, machine, max(options.limits), options.seconds)
        for limit in options.limits:
            ours = handed_over(family, times, limit)
            keeping = [one.name for one in peers if times.get(one.name, float("inf")) <= limit]
            print(row(limit, machine.size, ours, keeping, times, quality), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
