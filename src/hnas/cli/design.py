"""``hnas design``."""

from __future__ import annotations

import json as json_module
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from hnas.cli.design_more import (
    Noted,
    eight_bits_noted,
    quickest_machine,
    read_own,
    tune_chosen,
    with_eight_bits,
)
from hnas.cli.design_view import STEPS, attainable_line, print_networks, read_candidates, time_here
from hnas.cli.options import Json, parse_duration, parse_size, say
from hnas.errors import HnasError
from hnas.extras import need

if TYPE_CHECKING:
    from hnas.deploy.design.eight_bits import InEightBits
    from hnas.deploy.design.family import Candidate
    from hnas.deploy.design.survey import Turn


def design(
    *,
    max_latency: str | None = None,
    max_macs: str | None = None,
    max_params: str | None = None,
    min_psnr: float | None = None,
    lr_size: str = "360x640",
    scale: int = 2,
    backend: Literal["auto", "onnx", "openvino", "torch"] = "onnx",
    threads: int | None = None,
    int8: Annotated[bool, Parameter(negative="")] = False,
    tune: str | None = None,
    data: Path | None = None,
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
        backend: What will run the network, on the CPU: onnx (onnxruntime), openvino or torch; auto takes the quickest
            of those that are installed.
        threads: Threads that it will have; by default 2, or what the machine has if fewer.
        int8: Consider networks in 8 bits too (onnx and openvino; extras train and onnx).
        tune: Go on training the chosen network for so long, such as 10m, and keep that where it helped (extras train
            and onnx).
        data: Folder of pictures to go on training with, also with low-resolution ones of your own beside the originals;
            every tenth is held out to tell what it brought.
        output: Folder for the files; by default designs/x2-360x640-40ms or the like.
        overwrite: Replace an earlier design in the folder.
        family: Folder with other networks to choose from, as `hnas zoo export` writes them.
    """
    from hnas.deploy.design.choice import Requirements, refuse_impossible
    from hnas.deploy.design.hand_over import CARD, GRAPH, REPORT, WEIGHTS, check_free, hand_over
    from hnas.deploy.design.within_limits import design as choose
    from hnas.deploy.export.card import read_card
    from hnas.deploy.timing.stopwatch import this_machine

    limits = Requirements.parse(max_latency=max_latency, max_macs=max_macs, max_params=max_params, min_psnr=min_psnr)
    size = parse_size(lr_size, "--lr-size")
    seconds = _tuning_seconds(tune, data)
    _refuse_missing(backend, int8=int8, tuning=tune is not None)
    candidates = read_candidates(scale, family)
    refuse_impossible(candidates, limits)
    folder = output or Path("designs") / _folder_name(limits.words, scale, lr_size, backend, int8=int8)
    check_free(folder, overwrite=overwrite)

    split = read_own(data, scale) if data is not None else None
    steps = sorted({*STEPS, *([limits.latency_ms] if limits.latency_ms else [])})
    notes: dict[str, Noted] = {}
    if backend == "auto":
        machine, notes["backends"] = quickest_machine(
            candidates, threads, size, limit_ms=limits.latency_ms, graphs_only=int8
        )
        say(f"runtime taken: {notes['backends'].words}")
    else:
        machine = this_machine(backend, threads, size)
    with TemporaryDirectory(prefix="hnas-design-") as place:
        found, stopwatch = time_here(candidates, machine, limit_ms=limits.latency_ms)
        if not json:
            print(attainable_line(found, steps), flush=True)
        turn: Turn = stopwatch.turn
        made: list[InEightBits] = []
        if int8:
            found, turn, made = with_eight_bits(found, limits, turn, Path(place) / "int8")
        result = choose(found, limits, turn, say)
        chosen = handed = result.chosen.candidate
        if int8:
            notes["eight_bits"] = eight_bits_noted(made, chosen, result.attainable)
        if seconds and data is not None and split is not None:
            where = Path(place) / "tuned"
            handed, notes["tuned"] = tune_chosen(
                chosen, made, machine, split=split, data=data, seconds=seconds, folder=where
            )

        from hnas.report.design import render_design

        shown = replace(result, attainable=result.attainable.changed({}, "timed", without=_not_chosen(made, chosen)))
        facts = [(noted.title, noted.words) for noted in notes.values()]
        report = render_design(shown, read_card(chosen.card)["provenance"], facts)
        values = {name: noted.values for name, noted in notes.items()}
        hand_over(folder, handed, {**result.note(), **values}, report, overwrite=overwrite)
    if json:
        files = {name: str(folder / name) for name in (WEIGHTS, GRAPH, CARD, REPORT)}
        print(json_module.dumps({**result.as_dict(), **values, "folder": str(folder), "files": files}))
        return
    print()
    print_networks(result.attainable, chosen=chosen)
    print()
    figures = {chosen.validation: chosen.psnr, **chosen.results}
    reached = ", ".join(f"{psnr:.2f} dB on {name}" for name, psnr in figures.items())
    print(f"{chosen.name}: {reached}")
    for title, words in facts:
        print(f"{title}: {words}")
    print(f"limit {limits.words}; measured {result.chosen.milliseconds:.1f} ms (expected {result.expected_ms:.1f} ms)")
    print(f"files in {folder}: {WEIGHTS}, {GRAPH}, {CARD}, {REPORT}")


def _tuning_seconds(tune: str | None, data: Path | None) -> float | None:
    """How long to go on training; None where that was not asked for."""
    if (tune is None) != (data is None):
        given, missing = ("--tune", "--data FOLDER") if data is None else ("--data", "--tune 10m")
        raise HnasError(f"{given} needs {missing} too: how long to go on training, and on which pictures")
    if data is not None and not data.exists():
        raise HnasError(f"{data} does not exist; name a folder of pictures with --data")
    return None if tune is None else parse_duration(tune, "--tune")


def _refuse_missing(backend: str, *, int8: bool, tuning: bool) -> None:
    """Says what cannot be had, before anything is timed."""
    if int8 and backend == "torch":
        raise HnasError("--int8 with --backend torch; allowed are onnx, openvino and auto")
    for package in ("onnx", "torch") if int8 or tuning else ():
        need(package)


def _not_chosen(made: list[InEightBits], chosen: Candidate) -> set[str]:
    """Networks in 8 bits that were only tried."""
    return {one.candidate.name for one in made} - {chosen.name}


def _folder_name(limits: str, scale: int, size: str, backend: str, *, int8: bool) -> str:
    words = limits.replace(" multiply-adds", "-macs").replace(" parameters", "-params").replace("at least ", "")
    parts = [f"x{scale}", size, *words.replace(" ", "").split(","), *([] if backend == "onnx" else [backend])]
    parts += ["int8"] if int8 else []
    return "-".join(parts)
