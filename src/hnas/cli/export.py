"""``hnas export``."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hnas.cli.options import Json
from hnas.errors import HnasError


def export(
    model: str,
    /,
    *,
    format: Literal["onnx", "openvino", "torchscript", "hub"] = "onnx",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    int8: Annotated[bool, Parameter(negative="")] = False,
    calibration: Path | None = None,
    card: Annotated[bool, Parameter(negative="")] = False,
    push: str | None = None,
    json: Json = False,
) -> None:
    """Write a trained model for other runtimes, or for sharing.

    The network takes RGB in [0, 1] as (N, 3, H, W) with free N, H and W. Before it is kept, the file is run on three
    sizes and must agree with torch to 1e-5; genotype, scale and licence go into its metadata. What is exact is
    simplified first: equal edges merged, identities dropped, parallel 1x1 convolutions joined.

    Args:
        model: Weights file, run folder or name of a bundled model.
        format: onnx (opset 17, IR 8), openvino (.xml and .bin), torchscript, or hub (a folder with config.json,
            model.safetensors and a model card, as the Hugging Face Hub has them).
        output: The file, or the folder for hub; by default named after the model, in the working directory.
        int8: Quantise to 8 bits (onnx and openvino), and print what it costs in PSNR.
        calibration: Folder of pictures that set the ranges of int8; by default photographs that come along.
        card: Write the entry for OpenModelDB beside the output.
        push: Upload to this repository on the Hub too (user/name; format hub).
    """
    from hnas.deploy.export import ENDINGS, export_model
    from hnas.deploy.openmodeldb import write_entry
    from hnas.deploy.quantize import calibration_pictures, psnr_of_both
    from hnas.weights import load_model, locate_weights, read_weights

    if int8 and format not in ("onnx", "openvino"):
        raise HnasError(f"--int8 goes with --format onnx and openvino, not {format}")
    if push and format != "hub":
        raise HnasError(f"--push goes with --format hub, not {format}")
    weights = locate_weights(model)
    name = weights.parent.name if Path(model).is_dir() else weights.stem
    result: dict[str, object] = {}
    if format == "hub":
        from hnas.deploy.hub import write_hub_folder

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
        result["difference"] = exported.difference
        if int8:
            print("measuring what 8 bits cost ...", file=sys.stderr, flush=True)
            result["psnr"], result["psnr_int8"] = psnr_of_both(network, output)
    result = {"output": str(output), **result}
    if card:
        result["card"] = str(write_entry(weights, output, name=name))
    if json:
        print(json_module.dumps(result))
    else:
        _print(result)


def _print(result: dict[str, object]) -> None:
    print(f"written      {result['output']}")
    if "psnr" in result:
        psnr, psnr_int8 = float(str(result["psnr"])), float(str(result["psnr_int8"]))
        print(f"PSNR         {psnr:.3f} dB, with 8 bits {psnr_int8:.3f} dB: {psnr_int8 - psnr:+.3f} dB")
    elif "difference" in result:
        print(f"difference   {result['difference']:.1e} at most from torch, on pictures in [0, 1]")
    if "card" in result:
        print(f"card         {result['card']}")
