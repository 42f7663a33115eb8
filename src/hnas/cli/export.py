"""``hnas export``."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from hnas.bundled import locate_weights
from hnas.cli.options import Json, parse_size
from hnas.errors import HnasError
from hnas.extras import need

if TYPE_CHECKING:
    from torch import nn

    from hnas.deploy.export.writing import ExportFormat
    from hnas.deploy.timing.exported import Exports

#: What writes each format, the one whose extra brings the most first.
_PACKAGES = {
    "onnx": ("onnx",),
    "openvino": ("onnx", "openvino"),
    "torchscript": ("torch",),
    "hub": ("huggingface_hub",),
}


def export(
    model: str,
    /,
    *more: str,
    format: Literal["onnx", "openvino", "torchscript", "hub", "web"] = "onnx",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    int8: Annotated[bool, Parameter(negative="")] = False,
    calibration: Path | None = None,
    measure: bool = True,
    val: Path | None = None,
    lr_size: str = "360x640",
    threads: int | None = None,
    card: Annotated[bool, Parameter(negative="")] = False,
    push: str | None = None,
    packages: Path | None = None,
    json: Json = False,
) -> None:
    """Write a trained model for other runtimes, or for sharing.

    The network takes RGB in [0, 1] as (N, 3, H, W) with free N, H and W. Before it is kept, the file is run on three
    sizes and must agree with torch to 1e-5; genotype, scale and licence go into its metadata. What is exact is
    simplified first: equal edges merged, identities dropped, parallel 1x1 convolutions joined.

    Then the file is measured on the runtime that it is for: PSNR, and milliseconds of one picture. Beside it stand, in
    the same turns, f32 where the file has 8 bits, and OpenVINO's bf16 where the processor has it (`hnas upscale
    --precision bf16` runs the same file so).

    A page (`--format web`) is a folder that any static server can serve: it enlarges the reader's own pictures in the
    reader's own browser, by onnxruntime-web, with WebGPU or on the processor, and sends nothing anywhere. Bundled
    models and .onnx files need no torch for it.

    Args:
        model: Weights file, run folder or name of a bundled model.
        more: Further models for one page (format web).
        format: onnx (opset 17, IR 8), openvino (.xml and .bin), torchscript, hub (a folder with config.json,
            model.safetensors and a model card, as the Hugging Face Hub has them), or web.
        output: The file, or the folder for hub and web; by default named after the model, in the working directory.
        int8: Quantise to 8 bits (onnx and openvino).
        calibration: Folder of pictures that set the ranges of int8; by default photographs that come along.
        measure: Measure the file.
        val: Folder of pictures that PSNR is measured on; by default two photographs that come along.
        lr_size: Size of the picture that is timed, HEIGHTxWIDTH in pixels.
        threads: Of the runtime; by default 2, or what the machine has if fewer.
        card: Write the entry for OpenModelDB beside the output.
        push: Upload to this repository on the Hub too (user/name; format hub).
        packages: Folder with what `npm pack` wrote, for machines without npm or a network (format web).
    """
    if format == "web":
        _page(model, *more, output=output, packages=packages, json=json)
        return
    if more or packages:
        raise HnasError(f"{'a second model' if more else '--packages'} goes with --format web, not {format}")
    if int8 and format not in ("onnx", "openvino"):
        raise HnasError(f"--int8 goes with --format onnx and openvino, not {format}")
    if push and format != "hub":
        raise HnasError(f"--push goes with --format hub, not {format}")
    weights = locate_weights(model)
    for package in _PACKAGES[format]:
        need(package)
    from hnas.deploy.export.quantize import calibration_pictures
    from hnas.deploy.export.writing import ENDINGS, export_model
    from hnas.deploy.share.openmodeldb import write_entry
    from hnas.weights import load_model, read_weights

    size = parse_size(lr_size, "--lr-size")
    if threads is not None and threads < 1:
        raise HnasError(f"--threads is {threads}; allowed is 1 and more")
    name = weights.parent.name if Path(model).is_dir() else weights.stem
    result: dict[str, Any] = {}
    found: Exports | None = None
    if format == "hub":
        from hnas.deploy.share.hub import write_hub_folder

        output = output or Path(f"{name}-hub")
        write_hub_folder(weights, output, name=name, push=push)
    else:
        output = output or Path(name + ("-int8" if int8 else "") + ENDINGS[format])
        if output.suffix != ENDINGS[format]:
            raise HnasError(f"{output}: an {format} file ends in {ENDINGS[format]}")
        network = load_model(weights)
        pictures = calibration_pictures(calibration, network) if int8 else None
        provenance = read_weights(weights).provenance
        exported = export_model(network, output, format, provenance=provenance, calibration=pictures)
        if not int8:
            result["difference"] = exported.difference
        if measure:
            found = _measure(network, output, format, val, size, threads, int8)
            result["measured"] = found.as_dict()
    result = {"output": str(output), **result}
    if card:
        result["card"] = str(write_entry(weights, output, name=name))
    if json:
        print(json_module.dumps(result))
    else:
        _print(result)
        if found:
            _print_measured(found)


def _page(*models: str, output: Path | None, packages: Path | None, json: bool) -> None:
    from hnas.deploy.web.graphs import graphs_of
    from hnas.deploy.web.site import write_site

    folder = output or Path("site")
    with graphs_of(models) as graphs:
        size = write_site(graphs, folder, packages=packages)
    result = {"output": str(folder), "models": list(graphs), "bytes": size}
    if json:
        print(json_module.dumps(result))
    else:
        print(f"written      {folder} ({size / 1e6:.1f} MB): {', '.join(graphs)}")
        print(f"try          {Path(sys.executable).name} -m http.server -d {folder} -b 127.0.0.1")


def _measure(
    network: nn.Module,
    output: Path,
    format: ExportFormat,
    val: Path | None,
    size: tuple[int, int],
    threads: int | None,
    int8: bool,
) -> Exports:
    from hnas.data.folders import load_pairs
    from hnas.data.sample import held_out_pairs
    from hnas.deploy.timing.exported import RUNTIMES, measure_exports
    from hnas.deploy.timing.stopwatch import Machine
    from hnas.machine import default_threads
    from hnas.nets import model_scale

    print(f"measuring {output} ...", file=sys.stderr, flush=True)
    machine = Machine(RUNTIMES[format], threads or default_threads(), size)
    scale = model_scale(network)
    pairs = held_out_pairs(scale) if val is None else load_pairs(val, scale)
    return measure_exports(network, output, machine, pairs, int8=int8)


def _print_measured(found: Exports) -> None:
    first = found.ways[0]
    print(f"measured     {found.machine.words}; {found.machine.processor}")
    for way in found.ways:
        more = "" if way is first else f" ({way.psnr - first.psnr:+.3f} dB)"
        print(f"{way.variant:12} {way.milliseconds:.1f} ms, PSNR {way.psnr:.3f} dB{more}")
    for way in found.ways[1:]:
        if not found.pays(way):
            print(f"{way.variant} does not pay on this machine: no faster than f32 by more than what times vary")


def _print(result: dict[str, Any]) -> None:
    print(f"written      {result['output']}")
    if "difference" in result:
        print(f"difference   {result['difference']:.1e} at most from torch, on pictures in [0, 1]")
    if "card" in result:
        print(f"card         {result['card']}")
