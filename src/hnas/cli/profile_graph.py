"""``hnas profile MODEL --backend``: the time of one network by the runtime that is to run it, as designs are timed."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from hnas.bundled import bundled_graph
from hnas.deploy.design.hand_over import GRAPH
from hnas.errors import HnasError
from hnas.machine import other_work

if TYPE_CHECKING:
    from hnas.deploy.running.runtimes import BackendName
    from hnas.deploy.timing.stopwatch import Graph


def profile_graph(
    model: str, backend: BackendName, *, threads: int | None, lr_size: tuple[int, int], repeats: int, json: bool
) -> None:
    """Prints the median milliseconds of one picture, and those that three of four runs keep.

    Args:
        model: an exported file, what `hnas design` handed over, a bundled model, a run folder or a weights file.
        backend: what runs it, on the CPU.
        threads: that it has; None for the usual ones.
        lr_size: (height, width) of the low-resolution picture in pixels.
        repeats: timed passes.
        json: print JSON and nothing else.

    Raises:
        HnasError: there is no such model, the runtime is not installed or cannot load it.
    """
    from hnas.deploy.timing.stopwatch import Stopwatch, this_machine

    machine = this_machine(backend, threads, lr_size)
    stopwatch = Stopwatch(machine, {model: _graph(model, backend)})
    busy = other_work()
    found = [stopwatch.turn(model) for _ in range(repeats)]
    middle = median(found)
    kept = quantiles(found, n=4, method="inclusive")[2] if repeats > 1 else middle
    if json:
        said = {"model": model, "repeats": repeats, "latency_ms": middle, "kept_ms": kept, **machine.as_dict()}
        print(json_module.dumps(said))
        return
    print(f"model       {model}")
    print(f"latency     {middle:,.1f} ms (median of {repeats}; three of four runs keep {kept:,.1f} ms)")
    print(f"measured    {machine.words}; {machine.processor}")
    if busy:
        print(f"beside      other work ({busy}), which makes times longer than on a quiet machine")


def _graph(model: str, backend: BackendName) -> Graph:
    """What the runtime takes: a file that is there, or else the network exported in passing."""
    from hnas.deploy.running.runtimes import EXPORTED

    path = Path(model)
    if path.suffix in EXPORTED and not path.is_file():
        raise HnasError(f"{model}: no such file")
    if backend == "torch" and path.suffix in EXPORTED:
        raise HnasError(f"{model}: torch runs weights, not exported files; use --backend onnx or openvino")
    if backend != "torch":
        beside = path / GRAPH
        there = beside if beside.is_file() else path if path.exists() else bundled_graph(model)
        if there and there.suffix in EXPORTED:
            return there
    from hnas.deploy.timing.graphs import graph_of
    from hnas.weights import load_model

    return graph_of(load_model(model), backend)
