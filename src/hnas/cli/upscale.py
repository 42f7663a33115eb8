"""``hnas upscale``."""

from __future__ import annotations

import math
import stat
import sys
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from hnas.cli.options import Device
from hnas.cli.progress import file_progress
from hnas.cli.upscale_view import View
from hnas.errors import HnasError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hnas.deploy.enlarge.planning import Plan
    from hnas.deploy.enlarge.sizes import Wanted
    from hnas.deploy.enlarge.upscale import Enlarging, Upscaler

STREAM = "-"


def upscale(
    *inputs: Annotated[str, Parameter(negative="", allow_leading_hyphen=True)],
    output: Annotated[str | None, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)] = None,
    input: Annotated[tuple[str, ...], Parameter(name=["--input", "-i"], negative="", allow_leading_hyphen=True)] = (),
    model: Annotated[str | None, Parameter(name=["--model", "-m", "--model_name", "-n"])] = None,
    scale: Annotated[float | None, Parameter(name=["--scale", "-s", "--outscale"])] = None,
    size: str | None = None,
    tile: Annotated[int | None, Parameter(name=["--tile", "-t"])] = None,
    tile_pad: Annotated[int, Parameter(name=["--tile-pad", "--tile_pad"])] = 0,
    self_ensemble: Annotated[bool, Parameter(negative="")] = False,
    suffix: str = "",
    ext: str = "auto",
    quality: int = 95,
    skip_existing: Annotated[bool, Parameter(negative="")] = False,
    device: Device = "cpu",
    backend: Literal["onnx", "openvino", "torch"] | None = None,
    precision: Literal["f32", "bf16"] = "f32",
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="")] = False,
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], negative="")] = False,
) -> int:
    """Enlarge pictures: files, folders, patterns, or standard input.

    PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, TGA, JPEG 2000, HEIC and JPEG XL; gray, transparency, 16 bits, colour profile
    and metadata are kept, or what is lost is said. Large pictures are run in tiles that leave no seams. The flags that
    people know from Real-ESRGAN are understood.

    Args:
        inputs: Files, folders (everything below them) or patterns; - is standard input.
        output: A file for one picture, else a folder; - is standard output. By default photo-x2.png beside photo.jpg,
            and never over a file.
        input: The same as inputs, as a flag.
        model: Weights file, run folder, exported file, bundled model or Hub id; by default auto, the best bundled
            model, and for JPEGs that lost much the one trained on such, where there is one.
        scale: By how much, such as 2 or 1.5: the network of the next scale and an antialiased resize.
        size: In place of a scale: 1920x is a width, x1080 a height, 1920x1080 at most both; proportions are kept.
        tile: Side of a tile in pixels of the input; by default as large as the free memory allows; 0 is no tiles.
        tile_pad: Pixels read around a tile, at least; never fewer than seamless tiles need.
        self_ensemble: Average over the 8 turns and flips: 8 times slower, a little better.
        suffix: Put behind the names of results, after an underscore.
        ext: Ending of results, such as png or jpg, or auto for that of the input (png on standard output).
        quality: Of JPEG and WebP, 1 to 100; WebP is lossless at 100.
        skip_existing: Pass over pictures whose result is there.
        backend: What runs the network; by default onnx (onnxruntime) where a model comes as a graph, as bundled ones
            do, and torch for weights and other devices (extra: train).
        precision: What openvino computes in: f32, or bf16, which is faster on processors that have it, and a few
            hundredths of a dB worse.
        quiet: Say nothing but errors.
        verbose: Say how long each picture took, and each file that was passed over.
    """
    names = (*inputs, *input)
    if unknown := [name for name in inputs if name.startswith("-") and name != "-" and not Path(name).exists()]:
        raise HnasError(f"unknown option {unknown[0]}; see hnas upscale --help")
    if not names:
        raise HnasError("no pictures are named; give files, folders, patterns, or - for standard input")
    for option, value, least in (("tile", tile, 0), ("tile-pad", tile_pad, 0), ("quality", quality, 1)):
        most = 100 if option == "quality" else 1 << 16
        if value is not None and not least <= value <= most:
            raise HnasError(f"--{option} is {value}; allowed are {least} to {most}")
    streaming = STREAM in (*names, output) or _is_pipe(output)
    if streaming and len(names) > 1:
        raise HnasError("- stands for one picture, so it can be the only input, and takes one input to standard output")
    if streaming and output is None:
        raise HnasError("standard input lies nowhere; name the result with -o, or -o - for standard output")

    from hnas.deploy.enlarge.auto import AUTO, auto
    from hnas.deploy.enlarge.models import load
    from hnas.deploy.enlarge.planning import Plan, plan_jobs

    wanted = _wanted(scale, size)
    view = View.of(quiet, verbose, output is None)
    plan = Plan(())

    model = None if model == AUTO else model

    def loaded(name: str) -> Upscaler:
        upscaler = load(
            name, device=device, backend=backend, precision=precision, tile=tile, self_ensemble=self_ensemble
        )
        return replace(upscaler, margin=tile_pad)

    @cache
    def network(scale: int | None) -> Enlarging:
        return auto(scale, loaded) if model is None else loaded(model)

    if not streaming:
        enlarged = "" if output is not None else wanted.words if wanted else f"x{network(None).scale}"
        plan = plan_jobs(names, output, suffix=suffix, extension=ext, enlarged=enlarged, skip_existing=skip_existing)
    view.plan(plan)
    upscaler = _upscaler(model, wanted, network)
    if streaming:
        assert output is not None
        _stream(upscaler, names[0], output, ext, quality, view)
        return 0
    return _files(upscaler, plan, skip_existing, quality, view)


def _is_pipe(output: str | None) -> bool:
    """Whether an output is there and neither a file nor a folder, such as /dev/stdout or a FIFO."""
    if output in (None, STREAM):
        return False
    path = Path(str(output))
    return path.exists() and not (path.is_dir() or stat.S_ISREG(path.stat().st_mode))


def _wanted(scale: float | None, size: str | None) -> Wanted | None:
    """The size that was asked for."""
    from hnas.deploy.enlarge.sizes import MOST, Wanted, parse_size

    if size is not None:
        if scale is not None:
            raise HnasError(f"--scale {scale:g} and --size {size} say the same twice; leave one of them out")
        return parse_size(size)
    if scale is None:
        return None
    if not 1 < scale <= MOST:
        raise HnasError(f"--scale is {scale:g}; allowed is more than 1, to {MOST}")
    return Wanted(Fraction(scale).limit_denominator(10_000))


def _upscaler(model: str | None, wanted: Wanted | None, network: Callable[[int | None], Enlarging]) -> Enlarging:
    """What enlarges to the size: a network alone, or networks and a resize."""
    from hnas.bundled import bundled_models
    from hnas.deploy.enlarge.sizes import SizedUpscaler

    if wanted is None:
        return network(None)
    if model is not None:
        alone = network(None)
        if wanted.scale and wanted.scale > alone.scale:
            given = wanted.words.removeprefix("x")
            raise HnasError(f"{model} enlarges {alone.scale} times; leave --scale {given} out, or name another model")
        return alone if wanted.scale == alone.scale else SizedUpscaler(lambda _: alone, (alone.scale,), wanted)
    bundled = bundled_models()
    there = [scale for scale in (2, 3, 4) if f"best-x{scale}" in bundled]
    if wanted.scale in there or not there:
        return network(None if wanted.scale is None else math.ceil(wanted.scale))
    return SizedUpscaler(network, there, wanted)


def _stream(upscaler: Enlarging, source: str, output: str, ext: str, quality: int, view: View) -> None:
    from hnas.deploy.enlarge.files import upscale_stream
    from hnas.deploy.pictures.formats import writable_format
    from hnas.files import atomic_file

    to_pipe = output == STREAM or _is_pipe(output)
    format = writable_format((".png" if ext == "auto" else f".{ext.lstrip('.')}") if to_pipe else Path(output).suffix)
    data = sys.stdin.buffer.read() if source == STREAM else Path(source)
    if output == STREAM:
        notes = upscale_stream(upscaler, data, sys.stdout.buffer, format, quality=quality)
    elif to_pipe:
        with Path(output).open("wb") as stream:
            notes = upscale_stream(upscaler, data, stream, format, quality=quality)
    else:
        with atomic_file(Path(output)) as stream:
            notes = upscale_stream(upscaler, data, stream, format, quality=quality)
    for note in notes:
        view.note(note)


def _files(upscaler: Enlarging, plan: Plan, skip_existing: bool, quality: int, view: View) -> int:
    """Enlarges what was planned; 1 where one of several failed or the disk was full before all were done."""
    from hnas.deploy.enlarge.files import Outcome, upscale_file, upscale_files

    if len(plan.jobs) == 1 and not skip_existing:
        (job,) = plan.jobs
        with file_progress(1, quiet=view.is_quiet) as begin:
            notes = upscale_file(upscaler, job, quality=quality, progress=begin(0, str(job.source)))
        view.done(Outcome(job, "done", notes))
        return 0
    with file_progress(len(plan.jobs), quiet=view.is_quiet) as begin:
        outcomes = upscale_files(
            upscaler,
            plan.jobs,
            skip_existing=skip_existing,
            quality=quality,
            before_file=lambda index, job: begin(index, str(job.source)),
            after_file=view.done,
        )
    view.summary(outcomes, len(plan.jobs))
    return int(any(outcome.status == "failed" for outcome in outcomes))
