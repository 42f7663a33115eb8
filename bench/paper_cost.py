"""What the paper's search and retraining cost here: seconds an update, hours in all, memory (docs/reproduce.md).

    OMP_NUM_THREADS=1 python bench/paper_cost.py
    python bench/paper_cost.py --device cuda

On a CPU these are the process's own seconds, so that other work beside it counts little; on a GPU those of the clock.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable
from random import Random
from statistics import fmean
from time import perf_counter, process_time

from hnas.extras import script_needs

script_needs("torch")

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from hnas.memory import keep_memory
from hnas.nets import Network, NetworkSettings, device_description, family_of, to_channels_last
from hnas.searching.settings import SearchSettings
from hnas.settings import load_settings, read_config
from hnas.space.cells import NAMED_GENOTYPES, Cell, CellGenotype, Edge

SEARCH = load_settings(SearchSettings, read_config("paper", "search"))
TRAINING = read_config("paper", "train")
#: Genotypes that the steps of a search are averaged over.
GENOTYPES = 8
#: Part of the batch by which the peak of memory is measured, which grows with it.
PART = 4


def supernet() -> nn.Module:
    """The shared weights of the paper's search."""
    return to_channels_last(family_of(SEARCH.space, SEARCH).supernet(SEARCH.search_space))


def retrained(name: str) -> nn.Module:
    """A network as the paper trains it in the end."""
    return to_channels_last(Network(NAMED_GENOTYPES[name], NetworkSettings(TRAINING["channels"], image_skip="none")))


def worst() -> CellGenotype:
    """Every edge a projection, as early as can be at the large size."""
    layers, nodes = SEARCH.layers, range(SEARCH.nodes)
    normal = Cell("normal", tuple((Edge("up_down_projection", i - 1), Edge("up_down_projection", -1)) for i in nodes))
    up = Cell("upsampling", tuple((Edge("deconvolution", i - 1), Edge("deconvolution", -1)) for i in nodes))
    return CellGenotype(layers=layers, position=1, normal=normal, upsampling=up)


def patches(device: str, batch: int = SEARCH.batch) -> tuple[Tensor, Tensor]:
    """Noise: neither time nor memory hangs on what is in a picture."""
    lr = torch.rand(batch, 3, SEARCH.patch, SEARCH.patch)
    hr = torch.rand(batch, 3, 2 * SEARCH.patch, 2 * SEARCH.patch)
    return lr.to(device, memory_format=torch.channels_last), hr.to(device, memory_format=torch.channels_last)


def kept(model: nn.Module, *genotype: CellGenotype) -> float:
    """GiB that a forward pass keeps for the backward pass, counted without computing anything."""
    model = model.to("meta")
    storages: dict[int, tuple[int, object]] = {}
    own = {parameter.untyped_storage()._cdata for parameter in model.parameters()}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            storages[storage._cdata] = (storage.nbytes(), storage)  # held, so that its number is not given again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(torch.zeros(SEARCH.batch, 3, SEARCH.patch, SEARCH.patch, device="meta"), *genotype)
    return sum(size for size, _ in storages.values()) / 2**30


def seconds(step: Callable[[], None], device: str, repeats: int) -> float:
    """The quickest of some turns after one that is thrown away."""
    clock = process_time if device == "cpu" else perf_counter
    times = []
    for _ in range(repeats + 1):
        began = clock()
        step()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(clock() - began)
    return min(times[1:])


def update(model: nn.Module, device: str, repeats: int, *genotype: CellGenotype) -> float:
    """Seconds of an update of weights."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    lr, hr = patches(device)

    def step() -> None:
        l1_loss(model(lr, *genotype), hr).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return seconds(step, device, repeats)


def scoring(model: nn.Module, device: str, repeats: int, genotype: CellGenotype) -> float:
    """Seconds of scoring a genotype: nearly all of an update of the controller."""
    lr, _ = patches(device)

    @torch.no_grad()
    def step() -> None:
        for few in torch.split(lr, 8 if device == "cpu" else len(lr)):
            model(few, genotype)

    return seconds(step, device, repeats)


def peak(model: nn.Module, genotype: CellGenotype) -> float:
    """GiB that this process grows by in an update on a part of a batch, times the parts."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lr, hr = patches("cpu", SEARCH.batch // PART)
    l1_loss(model(lr, genotype), hr).backward()  # type: ignore[no-untyped-call]
    return PART * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", choices=("memory", "times"))
    arguments = parser.parse_args()
    keep_memory()
    device, random = arguments.device, Random(0)
    drawn = [SEARCH.search_space.sample(random) for _ in range(GENOTYPES)]
    if arguments.only != "times":
        if device == "cpu":
            print(
                f"worst genotype, whole process at its peak: {peak(supernet(), worst()):.1f} GiB more than at its start"
            )
        print(f"worst genotype, kept for the backward pass: {kept(supernet(), worst()):.1f} GiB")
        print(f"mean of {GENOTYPES} uniformly drawn: {fmean(kept(supernet(), one) for one in drawn):.1f} GiB")
    if arguments.only == "memory":
        return
    print(device_description(torch.device(device)))
    shared = supernet().to(device)
    weights = fmean(update(shared, device, arguments.repeats, one) for one in drawn)
    scored = fmean(scoring(shared, device, arguments.repeats, one) for one in drawn)
    for name, each, count in (
        ("update of the shared weights", weights, SEARCH.rounds * SEARCH.w_steps),
        ("update of the controller", scored, SEARCH.rounds * SEARCH.controller_steps),
        *((f"training step of {name}", update(retrained(name).to(device), device, arguments.repeats), TRAINING["steps"])
          for name in NAMED_GENOTYPES),
    ):  # fmt: skip
        print(f"{name}: {each:.2f} s; {count} of them {count * each / 3600:.1f} hours", flush=True)


if __name__ == "__main__":
    main()
