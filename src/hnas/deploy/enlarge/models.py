"""From a model's name to an upscaler: a weights file, a run folder, a bundled name, an exported file,
a repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnas.bundled import bundled_graph, bundled_models, locate_weights
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.running.backends import Backend, RuntimeBackend
from hnas.deploy.running.runtimes import EXPORTED, BackendName, Precision, open_session, refuse_precision, try_out
from hnas.errors import HnasError
from hnas.extras import missing

if TYPE_CHECKING:
    from torch import nn

#: The scale where neither a model nor a scale is asked for.
DEFAULT_SCALE = 2


def default_model(scale: int | None = None) -> str:
    """The name of the bundled model for a scale that nobody chose a model for: the best, which takes half a second.

    It is for clean pictures, and for films; :mod:`hnas.deploy.enlarge.auto` chooses for each picture.

    Raises:
        HnasError: none comes with the package at this scale.
    """
    bundled = bundled_models()
    name = f"best-x{scale or DEFAULT_SCALE}"
    if name not in bundled:
        raise HnasError(
            f"no model for scale {scale or DEFAULT_SCALE} comes with the package; name a weights file or a run folder "
            f"(-m); bundled are {', '.join(bundled) or 'none'}"
        )
    return name


def load(
    model: str | Path,
    *,
    device: str = "cpu",
    backend: BackendName | None = None,
    precision: Precision = "f32",
    tile: int | None = None,
    self_ensemble: bool = False,
) -> Upscaler:
    """A model ready to enlarge pictures: ``hnas.load("weights.safetensors").upscale(image)``.

    Args:
        model: a weights file, a run folder, the name of a bundled model, or an exported .onnx or .xml file,
            or a repository on the Hub (``user/name``).
        device: where torch runs it, such as ``cpu`` or ``cuda``; the other backends run on the CPU.
        backend: what runs it, torch or a runtime; by default onnxruntime where the model comes as a graph and nothing
            but the CPU is asked for, as bundled models do, else torch. Exported files choose for themselves.
        precision: what OpenVINO computes in: f32, equal to torch within one grey level, or bf16, which is faster on
            processors that have it.
        tile: side of a tile in low-resolution pixels; None chooses by the free memory, 0 is the whole picture.
        self_ensemble: average over the 8 turns and flips of the picture.

    Raises:
        HnasError: there is no such model or device, its file is damaged, the backend's package is missing, or it has
            no such precision here.
    """
    return Upscaler(_backend(model, device, backend, precision), tile=tile, self_ensemble=self_ensemble)


def load_for_scale(model: str | None, scale: int | None, **options: Any) -> Upscaler:
    """As :func:`load`, for a person who named a model, a scale, both or neither.

    Args:
        model: see :func:`load`; None is the best bundled model for the scale.
        scale: must be that of the model.
        options: of :func:`load`.

    Raises:
        HnasError: as :func:`load`, or the model has another scale.
    """
    name = model or default_model(scale)
    upscaler = load(name, **options)
    if scale not in (None, upscaler.scale):
        raise HnasError(f"{name} enlarges {upscaler.scale} times; leave --scale {scale} out, or name another model")
    return upscaler


def _backend(model: str | Path, device: str, backend: BackendName | None, precision: Precision) -> Backend:
    exported = Path(model).suffix in EXPORTED
    # A file or folder in the way of a bundled name is meant, as for its weights.
    graph = Path(model) if exported else None if Path(model).exists() else bundled_graph(str(model))
    if not (exported or _is_repository(model)):
        locate_weights(model)
    if not exported and (backend == "torch" or (backend is None and (graph is None or device != "cpu"))):
        refuse_precision("torch", precision)
        return _torch_backend(model, device)
    if device != "cpu":
        raise HnasError(
            f"--device {device} goes with --backend torch only; onnxruntime and OpenVINO run on the CPU here"
        )
    # OpenVINO reads ONNX files too, so it may be asked for.
    runtime: BackendName = "openvino" if backend == "openvino" or (graph and graph.suffix == ".xml") else "onnx"
    refuse_precision(runtime, precision)
    if graph is None:
        return _exported_here(model, runtime, precision)
    if not graph.is_file():
        raise HnasError(f"{model}: no such file")
    run, said = open_session(runtime, graph, precision=precision)
    try_out(run, said["footprint"].scale, where=str(model))
    return RuntimeBackend(run, said["footprint"])


def _torch_backend(model: str | Path, device: str) -> Backend:
    try:
        from hnas.deploy.running.torch_backend import TorchBackend
    except ModuleNotFoundError as error:
        raise missing(error) from error
    return TorchBackend(_trained(model), device)


def _exported_here(model: str | Path, backend: BackendName, precision: Precision) -> Backend:
    """Weights run by a runtime, exported in passing."""
    try:
        from hnas.deploy.export.writing import describe, onnx_bytes
        from hnas.deploy.running.simplify import simplify
    except ModuleNotFoundError as error:
        raise missing(error) from error
    trained = _trained(model)
    graph = onnx_bytes(simplify(trained), describe(trained, {}), split=backend != "openvino")
    run, said = open_session(backend, graph, precision=precision)
    return RuntimeBackend(run, said["footprint"])


def _trained(model: str | Path) -> nn.Module:
    """The model of a weights file, a run folder, a bundled name, or a repository on the Hub (``user/name``)."""
    from hnas.weights import load_model

    if not _is_repository(model):
        return load_model(model)
    from hnas.deploy.share.hub import download

    return load_model(download(str(model)))


def _is_repository(model: str | Path) -> bool:
    """Whether a name is that of a repository on the Hub: nothing that is there, nor that is missing in a folder."""
    path = Path(model)
    named_so = re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", str(model)) is not None
    return named_so and path.suffix != ".safetensors" and not (path.exists() or path.parent.is_dir())
