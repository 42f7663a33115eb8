"""``hnas compare``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hnas.cli.compare_by_latency import LatencyOptions, compare_by_latency
from hnas.cli.compare_by_macs import MacsOptions, compare_by_macs
from hnas.cli.options import Folders, Json, Names, parse_size
from hnas.errors import HnasError


def compare(
    *,
    by: Literal["macs", "latency"] = "macs",
    benchmarks: Names = (),
    rows: Names = (),
    weights: Folders = (),
    latency_size: str | None = None,
    table: Annotated[MacsOptions | None, Parameter(name="*", group="With --by macs")] = None,
    timing: Annotated[LatencyOptions | None, Parameter(name="*", group="With --by latency")] = None,
    figure: Path | None = None,
    json: Json = False,
) -> int:
    """Networks beside each other: Table II of the paper, or all that have weights, by their time on this machine.

    By multiply-adds, for every system of Table II the published PSNR and SSIM, the printed cost, the true
    multiply-adds at a 3x480x480 input, the parameters, the time of one picture on this machine and, where weights are
    at hand, PSNR and SSIM measured here.

    By latency, every model of the package at one scale and every published hand-made network whose weights are at hand,
    sorted by the milliseconds of one run, in which they take turns; and what the best of ours reaches in the time of
    each published one.

    Args:
        by: What the table is about: the costs that the paper prints (`macs`), or milliseconds (`latency`).
        benchmarks: Folders with sets, or names of sets that were got with `hnas data get`; without any, nothing is
            measured on pictures.
        rows: Only these rows, such as CARN-M HNAS-A.
        weights: Folders with weights: files of this project (carn-m.safetensors) or published ones under their own
            names (carn_m.pth); by default the folder `weights` beside the benchmarks and the folders in it. Bundled
            models always count.
        latency_size: Low-resolution input to time, HEIGHTxWIDTH in pixels; by default 120x120 in Table II and 480x480
            by latency.
        figure: Draw PSNR against multiply-adds or milliseconds into this PNG, SVG or PDF file.
    """
    if missing := [folder for folder in weights if not folder.is_dir()]:
        raise HnasError(f"--weights: {missing[0]} is no folder")
    if by == "macs":
        _refuse(timing, "latency")
        return compare_by_macs(
            table or MacsOptions(),
            benchmarks=benchmarks,
            rows=rows,
            weights=weights or _beside(benchmarks),
            latency_size=parse_size(latency_size or "120x120", "--latency-size"),
            figure=figure,
            json=json,
        )
    _refuse(table, "macs")
    compare_by_latency(
        timing or LatencyOptions(),
        benchmarks=benchmarks,
        rows=rows,
        weights=weights or _beside(benchmarks),
        lr_size=parse_size(latency_size or "480x480", "--latency-size"),
        figure=figure,
        json=json,
    )
    return 0


def _beside(benchmarks: Sequence[str]) -> tuple[Path, ...]:
    """Folders of weights beside the benchmarks; beside those of the data folder where none are named."""
    from hnas.data.benchmarks import SAMPLE
    from hnas.data.known_sets import data_folder, locate_set
    from hnas.zoo.weights_at_hand import weights_beside

    named = [locate_set(name) for name in benchmarks if name != SAMPLE]
    return weights_beside(named or [data_folder() / "benchmark"])


def _refuse(options: object, by: str) -> None:
    """Options of the other table.

    Raises:
        HnasError: there are any.
    """
    if options is None:
        return
    changed = [one.name for one in fields(options) if getattr(options, one.name) != one.default]  # type: ignore[arg-type]
    flag = f"--{(changed or [fields(options)[0].name])[0].replace('_', '-')}"  # type: ignore[arg-type]
    raise HnasError(f"{flag} goes with --by {by} only; leave it out, or ask for that table")
