"""``hnas upscale``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from hnas.cli.options import Device
from hnas.cli.progress import file_progress
from hnas.errors import HnasError

if TYPE_CHECKING:
    from hnas.deploy.files import Job, Outcome
    from hnas.deploy.upscale import Upscaler

STREAM = "-"


def upscale(
    *inputs: Annotated[str, Parameter(negative="", allow_leading_hyphen=True)],
    output: Annotated[str, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)],
    input: Annotated[tuple[str, ...], Parameter(name=["--input", "-i"], negative="", allow_leading_hyphen=True)] = (),
    model: Annotated[str | None, Parameter(name=["--model", "-m", "--model_name", "-n"])] = None,
    scale: Annotated[int | None, Parameter(name=["--scale", "-s", "--outscale"])] = None,
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
) -> int:
    """Enlarge pictures: files, folders, patterns, or standard input.

    PNG, JPEG, WebP, TIFF and BMP; gray, transparency and 16 bits are kept, and so are colour profile and metadata.
    Large pictures are run in tiles that leave no seams. The flags that people know from Real-ESRGAN are understood.

    Args:
        inputs: Files, folders (everything below them) or patterns; - is standard input.
        output: A file for one picture, else a folder; - is standard output.
        input: The same as inputs, as a flag.
        model: Weights file, run folder, exported file, bundled model or Hub id; by default the best bundled model.
        scale: Chooses among the bundled models; must be the model's own where one is named.
        tile: Side of a tile in pixels of the input; by default as large as the free memory allows; 0 is no tiles.
        tile_pad: Pixels read around a tile, at least; never fewer than seamless tiles need.
        self_ensemble: Average over the 8 turns and flips: 8 times slower, a little better.
        suffix: Put behind the names of results, after an underscore.
        ext: Ending of results: png, jpg, webp, tif, bmp, or auto for that of the input (png on standard output).
        quality: Of JPEG and WebP, 1 to 100; WebP is lossless at 100.
        skip_existing: Pass over pictures whose result is there.
        backend: What runs the network; by default onnx (onnxruntime) where a model comes as a graph, as bundled ones
            do, and torch for weights and other devices (extra: train).
        precision: What openvino computes in: f32, or bf16, which is faster on processors that have it, and a few
            hundredths of a dB worse.
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
    streaming = STREAM in (*names, output)
    if streaming and len(names) > 1:
        raise HnasError("- stands for one picture, so it can be the only input, and takes one input to standard output")

    from hnas.deploy.files import plan_jobs
    from hnas.deploy.models import load_for_scale

    jobs = [] if streaming else plan_jobs(names, Path(output), suffix=suffix, extension=ext)
    upscaler = load_for_scale(
        model,
        scale,
        device=device,
        backend=backend,
        precision=precision,
        tile=tile,
        self_ensemble=self_ensemble,
    )
    upscaler = replace(upscaler, margin=tile_pad)
    if streaming:
        _stream(upscaler, names[0], output, ext, quality)
        return 0
    return _files(upscaler, jobs, skip_existing, quality)


def _stream(upscaler: Upscaler, source: str, output: str, ext: str, quality: int) -> None:
    from hnas.deploy.files import extension_format, upscale_stream
    from hnas.files import atomic_file

    ending = Path(output).suffix if output != STREAM else ".png" if ext == "auto" else f".{ext.lstrip('.')}"
    format = extension_format(ending)
    data = sys.stdin.buffer.read() if source == STREAM else Path(source)
    if output == STREAM:
        notes = upscale_stream(upscaler, data, sys.stdout.buffer, format, quality=quality)
    else:
        with atomic_file(Path(output)) as stream:
            notes = upscale_stream(upscaler, data, stream, format, quality=quality)
    for note in notes:
        print(f"hnas: note: {note}", file=sys.stderr)


def _files(upscaler: Upscaler, jobs: list[Job], skip_existing: bool, quality: int) -> int:
    from hnas.deploy.files import upscale_file, upscale_files

    if len(jobs) == 1 and not skip_existing:
        with file_progress(1) as begin:
            notes = upscale_file(upscaler, jobs[0], quality=quality, progress=begin(0, str(jobs[0].source)))
        for note in notes:
            print(f"hnas: note: {jobs[0].source}: {note}", file=sys.stderr)
        return 0
    with file_progress(len(jobs)) as begin:
        outcomes = upscale_files(
            upscaler,
            jobs,
            skip_existing=skip_existing,
            quality=quality,
            before_file=lambda index, job: begin(index, str(job.source)),
        )
    return _report(outcomes, len(jobs))


def _report(outcomes: list[Outcome], planned: int) -> int:
    """Says what became of the files; 1 where one failed or the disk was full before all were done."""
    for outcome in outcomes:
        for note in outcome.notes:
            print(f"hnas: note: {outcome.job.source}: {note}", file=sys.stderr)
    for outcome in outcomes:
        if outcome.error:
            print(f"hnas: error: {outcome.error}", file=sys.stderr)
    counts = {status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "skipped", "failed")}
    counts["not begun"] = planned - len(outcomes)
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    print(f"{planned} pictures: {said}", file=sys.stderr)
    return int(bool(counts["failed"]))
