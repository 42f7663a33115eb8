"""``hnas bench``."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hnas.cli.options import Device, Json, Names
from hnas.errors import HnasError

if TYPE_CHECKING:
    from hnas.chain_step_times import ChainStep
    from hnas.step_times import BenchSettings, StepTimes


def bench(
    *,
    only: Names = (),
    backends: Annotated[bool, Parameter(negative="")] = False,
    channels: int = 16,
    genotypes: int = 12,
    repeats: int = 2,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Time the steps of a search and a training, and an enlargement, beside the straightforward way of doing them.

    Sizes are those of the paper's search (12 cells, C = 8, 16 patches of 48x48) and of HNAS-A, x2; the picture
    is 512x512. All ways run in turns; printed are medians over the repetitions, and how many times faster ours
    is, in float32 and, where it trains and the device knows it, in bfloat16 (--precision bf16-mixed). chain-step times
    the shared weights of chains, as preset cpu trains them, in both precisions, and says which share of the fastest
    large convolution here that is. Run it on a quiet machine: beside other work only the ratios mean something.

    Args:
        backends: Time torch eager, torch tuned, onnxruntime and OpenVINO (in bfloat16 too, where the processor has it)
            instead, on a picture of 256x256; beside them stands the share of this machine's peak that each reaches.
        only: Time only this: w-step, controller-step, training-step, upscaling or chain-step; several at once, as in
            --only w-step upscaling.
        channels: C of the network that is trained and enlarges.
        genotypes: Uniformly drawn genotypes that the steps of the search are averaged over.
        repeats: Repetitions of every step (chain-step: ten steps each).
    """
    from hnas.chain_step_times import CHAIN_STEP, ChainBenchSettings, bench_chain_steps
    from hnas.deploy.running.torch_backend import torch_device
    from hnas.nets import device_description
    from hnas.step_times import BENCHES, BenchSettings

    names = (*BENCHES, CHAIN_STEP)
    if unknown := [name for name in only if name not in names]:
        raise HnasError(f"--only is {', '.join(unknown)}; allowed are {', '.join(names)}")
    for option, value in (("--channels", channels), ("--genotypes", genotypes), ("--repeats", repeats)):
        if value < 1:
            raise HnasError(f"{option} is {value}; allowed is 1 and more")
    settings = BenchSettings(channels=channels, genotypes=genotypes, repeats=repeats)
    if backends:
        _bench_backends(settings, json)
        return
    where = torch_device(device)
    found, chains = [], []
    for name in only or names:
        print(f"timing {name} ...", file=sys.stderr, flush=True)
        if name == CHAIN_STEP:
            chains = bench_chain_steps(ChainBenchSettings.of_preset(repeats=repeats, device=where), where)
        else:
            found.append(BENCHES[name](settings, where))
    described = device_description(where)
    if json:
        ratios = ({"ratio": item.ratio, "mixed_ratio": item.mixed_ratio} for item in found)
        results = [{**asdict(item), **both, "device": described} for item, both in zip(found, ratios, strict=True)]
        results += [{"name": CHAIN_STEP, **item.line(), "device": described} for item in chains]
        print(json_module.dumps(results))
        return
    if found:
        _print_table(found, described)
    if chains:
        _print_chains(chains, described)


def _bench_backends(settings: BenchSettings, json: bool) -> None:
    import torch

    from hnas.deploy.timing.backend_bench import compare_backends
    from hnas.nets import device_description
    from hnas.step_times import network

    found = compare_backends(network(settings).eval(), lr_size=(256, 256), repeats=settings.repeats)
    device = device_description(torch.device("cpu"))
    if json:
        print(json_module.dumps({**asdict(found), "device": device}))
        return
    from rich.table import Table

    from hnas.cli.tables import print_tables

    print(f"HNAS-A, C = {settings.channels}, x2, input 3x256x256: {found.macs / 1e9:.1f} G multiply-adds; {device}")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "ms", "faster", "G MACs/s", "of peak"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for item in found.timings:
        if item.seconds is None or item.macs_per_second is None:
            table.add_row(item.name, "not available here")
            continue
        figures = (f"{item.seconds * 1e3:.0f}", f"{item.faster:.2f}x", f"{item.macs_per_second / 1e9:.1f}")
        table.add_row(item.name, *figures, f"{item.share:.0%}")
    print_tables(table)
    print(f"peak: a matrix product in the same run, {found.peak / 1e9:.1f} G multiply-adds a second")


def _print_table(found: list[StepTimes], device: str) -> None:
    from rich.table import Table

    from hnas.cli.tables import print_tables
    from hnas.step_times import PARTS

    table = Table(title=f"Seconds a step, {device}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("", "plain", "ours", "faster", "bfloat16", "faster", *PARTS):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for item in found:
        figures = [f"{item.plain.seconds:.3f}", f"{item.ours.seconds:.3f}", f"{item.ratio:.2f}x"]
        mixed = [f"{item.mixed.seconds:.3f}", f"{item.mixed_ratio:.2f}x"] if item.mixed else ["", ""]
        shares = (f"{(item.mixed or item.ours).share(part):.1%}" for part in PARTS)
        table.add_row(item.name, *figures, *mixed, *shares)
    print_tables(table)


def _print_chains(found: list[ChainStep], device: str) -> None:
    from rich.table import Table

    from hnas.cli.tables import print_tables

    print(f"Training steps of chains' shared weights, {device}")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("width", "precision", "steps/s", "ms", "G MACs", "G MACs/s", "peak", "of peak"):
        table.add_column(column, justify="left" if column == "precision" else "right", no_wrap=True)
    for item in found:
        speed = (f"{item.steps_per_second:.1f}", f"{item.seconds * 1e3:.1f}")
        macs = (f"{value / 1e9:.{digits}f}" for value, digits in ((item.macs, 2), (item.macs_per_second, 1)))
        table.add_row(str(item.width), item.precision, *speed, *macs, f"{item.peak / 1e9:.1f}", f"{item.share:.0%}")
    print_tables(table)
    print("peak: the fastest of a few large 3x3 convolutions in the same run and precision, G multiply-adds a second")
