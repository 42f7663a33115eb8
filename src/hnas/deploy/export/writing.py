"""A trained model as a file for other runtimes: ONNX, OpenVINO, TorchScript; compared with torch before it is kept."""

from __future__ import annotations

import io
import json
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hnas.deploy.export.quantize import quantize_onnx
from hnas.deploy.export.shuffle import split_shuffles
from hnas.deploy.running.probing import footprint_of
from hnas.deploy.running.runtimes import METADATA, Run, onnx_session, openvino_session
from hnas.deploy.running.simplify import TOLERANCE, largest_difference, simplify
from hnas.errors import HnasError
from hnas.extras import need
from hnas.files import make_folder, write_atomically

ExportFormat = Literal["onnx", "openvino", "torchscript"]
ENDINGS: Mapping[ExportFormat, str] = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".pt"}
#: What runtimes in use can read: opset 17 since onnxruntime 1.12, IR 8 since 1.10.
OPSET, IR_VERSION = 17, 8
#: Height and width of the pictures on which an exported file is compared with torch.
CHECK_SIZES = ((24, 32), (17, 45), (64, 48))


@dataclass(frozen=True)
class Exported:
    """What an export gave.

    Attributes:
        path: the file (an OpenVINO model has its weights beside it, with the ending .bin).
        difference: the largest difference from torch on random pictures in [0, 1] of :data:`CHECK_SIZES`.
    """

    path: Path
    difference: float


def export_model(
    model: nn.Module,
    path: Path,
    format: ExportFormat,
    *,
    provenance: Mapping[str, Any],
    calibration: Sequence[NDArray[np.uint8]] | None = None,
) -> Exported:
    """Writes a model for another runtime: RGB in [0, 1], NCHW with free N, H and W; the output is not clamped.

    Args:
        model: any of ours, in evaluation mode, on the CPU.
        path: the file to write.
        format: ``onnx`` (opset 17, IR 8), ``openvino`` (.xml with .bin) or ``torchscript``.
        provenance: of the weights; goes into the file with the model's description.
        calibration: low-resolution pictures, uint8 (H, W, 3), to quantise to 8 bits with (onnx and openvino); None
            keeps 32 bits.

    Raises:
        HnasError: a package is missing, a 32-bit export differs from torch by more than 1e-5, or the file cannot be
            written.
    """
    simplified = simplify(model)
    metadata = describe(model, provenance)
    if format == "torchscript":
        files = {path: torchscript_bytes(simplified, metadata)}
        run: Callable[[Tensor], Tensor] = load_torchscript(files[path])
    else:
        data = onnx_bytes(simplified, metadata, split=format == "onnx")
        if calibration is not None:
            data = quantize_onnx(data, calibration)
        if format == "onnx":
            files, run = {path: data}, on_tensors(onnx_session(data)[0])
        else:
            files, run = _openvino_files(data, path, metadata)
    difference = largest_difference(model, run, CHECK_SIZES)
    if difference > TOLERANCE and calibration is None:
        raise HnasError(f"{path}: not written, since the exported model differs from torch by {difference:.1e}")
    make_folder(path.parent)
    for file, content in files.items():
        write_atomically(file, content)
    return Exported(path, difference)


def describe(model: nn.Module, provenance: Mapping[str, Any]) -> str:
    """What an exported file says of its model, as JSON."""
    said = {"description": model.description, "provenance": dict(provenance)}
    return json.dumps({**said, "footprint": footprint_of(model).as_dict()})


def on_tensors(run: Run) -> Callable[[Tensor], Tensor]:
    """A runtime's session for tensors."""
    return lambda x: torch.from_numpy(run(np.ascontiguousarray(x.numpy())))


def onnx_bytes(model: nn.Module, metadata: str, *, split: bool = True) -> bytes:
    """A model as ONNX; its input is called ``lr`` and its output ``sr``.

    Args:
        model: simplified.
        metadata: from :func:`describe`.
        split: with pixel shuffles in parts (:func:`hnas.deploy.export.shuffle.split_shuffles`), as suits onnxruntime.

    Raises:
        HnasError: the package onnx is missing.
    """
    onnx = need("onnx")
    buffer = io.BytesIO()
    free = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        # The exporter that follows this one writes opset 18 and later only.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(1, 3, 24, 32),),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=["lr"],
            output_names=["sr"],
            dynamic_axes={"lr": free, "sr": {0: "batch", 2: "height_sr", 3: "width_sr"}},
        )
    graph = onnx.load_from_string(buffer.getvalue())
    if split:
        split_shuffles(graph)
    graph.ir_version = IR_VERSION
    graph.producer_name = "hnas-sr"
    description = json.loads(metadata)
    for key, value in (
        (METADATA, metadata),
        ("scale", str(model.scale)),
        ("genotype", json.dumps(description["description"].get("genotype"))),
        ("licence", str(description["provenance"].get("licence", ""))),
    ):
        graph.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString()  # type: ignore[no-any-return]


def torchscript_bytes(model: nn.Module, metadata: str) -> bytes:
    """A model as TorchScript; ``torch.jit.load(file, _extra_files={"hnas": ""})`` gives the metadata too."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # that TorchScript has seen its best days
        traced = torch.jit.trace(model, torch.zeros(1, 3, 24, 32), check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, buffer, _extra_files={METADATA: metadata})
    return buffer.getvalue()


def load_torchscript(data: bytes) -> Callable[[Tensor], Tensor]:
    """The network of a TorchScript file, ready to run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        network: Callable[[Tensor], Tensor] = torch.jit.load(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return network


def _openvino_files(data: bytes, path: Path, metadata: str) -> tuple[dict[Path, bytes], Callable[[Tensor], Tensor]]:
    """The .xml and .bin of a model, and the model itself ready to run."""
    ov = need("openvino")
    graph = ov.Core().read_model(data)
    graph.set_rt_info(metadata, [METADATA])
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / path.with_suffix(".xml").name
        ov.save_model(graph, str(xml), compress_to_fp16=False)
        run, _ = openvino_session(xml)
        weights = path.with_suffix(".bin")
        return {weights: xml.with_suffix(".bin").read_bytes(), path: xml.read_bytes()}, on_tensors(run)
