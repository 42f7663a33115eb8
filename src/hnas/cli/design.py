"""``hnas design``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hnas.cli.design_view import attainable_line, machine_of, print_networks, read_candidates, time_here
from hnas.cli.options import Json, parse_size, say

#: What milliseconds buy is said of these.
STEPS = (10.0, 20.0, 50.0, 100.0)


def design(
    *,
    max_latency: str | None = None,
    max_macs: str | None = None,
    max_params: str | None = None,
    min_psnr: float | None = None,
    lr_size: str = "360x640",
    scale: int = 2,
    backend: Literal["onnx", "openvino", "torch"] = "onnx",
    threads: int | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    family: Path | None = None,
    json: Json = False,
) -> None:
    """The best ready network for so many milliseconds on this machine, in less than a minute. No data, no training.

    Every network of the family that comes with the package is timed here, in turns. The best within the limits (by
    PSNR on its validation pictures, Kodak24) is measured whole together with its neighbours, and handed over only if
    the measured time keeps the limit: weights, ONNX graph, card, and a report of what this machine reaches, beside
    published hand-made networks. Give one limit or several.

    Args:
        max_latency: No more milliseconds for one picture than this, such as 40ms.
        max_macs: No more multiply-adds at a 3x480x480 input than this, such as 10G.
        max_params: No more parameters than this, such as 50k.
        min_psnr: At least so many dB on the validation pictures (Kodak24); the fastest such network is taken.
        lr_size: Low-resolution picture to time, HEIGHTxWIDTH in pixels.
        scale: 2, 3 or 4.
        backend: What will run the network, on the CPU: onnx (onnxruntime), openvino or torch.
        threads: Threads that it will have; by default 2, or what the machine has if fewer.
        output: Folder for the files; by default designs/x2-360x640-40ms or the like.
        overwrite: Replace an earlier design in the folder.
        family: Folder with other networks to choose from, as `hnas zoo export` writes them.
    """
    from hnas.deploy.choice import Limits, refuse_impossible
    from hnas.deploy.design import design as choose
    from hnas.deploy.family import read_card
    from hnas.deploy.hand_over import CARD, GRAPH, REPORT, WEIGHTS, check_free, hand_over

    limits = Limits.parse(max_latency=max_latency, max_macs=max_macs, max_params=max_params, min_psnr=min_psnr)
    machine = machine_of(backend, threads, parse_size(lr_size, "--lr-size"))
    candidates = read_candidates(scale, family)
    refuse_impossible(candidates, limits)
    folder = output or Path("designs") / _folder_name(limits.words, scale, machine.size, backend)
    check_free(folder, overwrite=overwrite)

    found, stopwatch = time_here(candidates, machine, limit_ms=limits.latency_ms)
    if not json:
        print(attainable_line(found, STEPS), flush=True)
    result = choose(found, limits, stopwatch.turn, say)
    chosen = result.chosen.candidate

    from hnas.report.design import render_design

    report = render_design(result, read_card(chosen.card)["provenance"])
    hand_over(folder, chosen, result.note(), report, overwrite=overwrite)
    if json:
        files = {name: str(folder / name) for name in (WEIGHTS, GRAPH, CARD, REPORT)}
        print(json_module.dumps({**result.as_dict(), "folder": str(folder), "files": files}))
        return
    print()
    print_networks(result.attainable, chosen=chosen)
    print()
    figures = {chosen.validation: chosen.psnr, **chosen.results}
    reached = ", ".join(f"{psnr:.2f} dB on {name}" for name, psnr in figures.items())
    print(f"{chosen.name}: {reached}")
    print(f"limit {limits.words}, measured {result.chosen.milliseconds:.1f} ms (expected {result.expected_ms:.1f} ms)")
    print(f"files in {folder}: {WEIGHTS}, {GRAPH}, {CARD}, {REPORT}")


def _folder_name(limits: str, scale: int, size: str, backend: str) -> str:
    words = limits.replace(" multiply-adds", "-macs").replace(" parameters", "-params").replace("at least ", "")
    parts = [f"x{scale}", size, *words.replace(" ", "").split(","), *([] if backend == "onnx" else [backend])]
    return "-".join(parts)
