"""Other runtimes than torch: sessions of onnxruntime and OpenVINO behind one call, from numpy to numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hnas.deploy.running.footprint import Footprint
from hnas.description import MAX_BYTES, parse_description
from hnas.errors import HnasError
from hnas.extras import need
from hnas.machine import processor

Floats = NDArray[np.float32]
#: (N, 3, H, W) in [0, 1] to (N, 3, scale * H, scale * W).
Run = Callable[[Floats], Floats]
BackendName = Literal["torch", "onnx", "openvino"]
#: What a runtime computes in. Weights and pictures are float32 in any case.
Precision = Literal["f32", "bf16"]
#: By the ending of an exported file: what runs it.
EXPORTED: Mapping[str, BackendName] = {".onnx": "onnx", ".xml": "openvino"}
#: By backend: the package that runs the network.
PACKAGES: Mapping[BackendName, str] = {"onnx": "onnxruntime", "openvino": "openvino", "torch": "torch"}
#: The key under which an exported file holds its model's description, provenance and footprint, as JSON.
METADATA = "hnas"
#: onnxruntime's log: nothing less than what ends the process.
_FATAL = 4


def runtime_version(backend: BackendName) -> str:
    """The runtime and its version in words.

    Raises:
        HnasError: it is not installed.
    """
    package = PACKAGES[backend]
    return f"{package} {need(package).__version__.partition('-')[0]}"  # OpenVINO adds its commit


def precisions(backend: BackendName) -> tuple[Precision, ...]:
    """What a runtime can compute in on this processor, the usual first.

    Only OpenVINO has more than float32, where the processor multiplies bfloat16 by itself.

    Raises:
        HnasError: it is not installed.
    """
    if backend != "openvino":
        return ("f32",)
    return ("f32", "bf16") if "BF16" in _capabilities() else ("f32",)


def _capabilities() -> list[str]:
    """What OpenVINO says that it computes in here."""
    found: list[str] = need("openvino").Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return found


def refuse_precision(backend: BackendName, precision: Precision) -> None:
    """Raises :class:`HnasError` where a runtime does not compute in this on this processor."""
    if precision == "f32":
        return
    if backend != "openvino":
        raise HnasError(f"{precision} goes with openvino; {PACKAGES[backend]} computes in f32 here")
    if precision not in precisions(backend):
        raise HnasError(f"OpenVINO has no {precision} on this processor ({processor()}); f32 is what it computes in")


def open_session(
    backend: BackendName, model: Path | bytes, *, threads: int | None = None, precision: Precision = "f32"
) -> tuple[Run, dict[str, Any]]:
    """A graph on the runtime of this name: as :func:`onnx_session` or :func:`openvino_session`.

    Args:
        backend: ``onnx`` or ``openvino``; torch takes no graphs.
        model: a file or its bytes.
        threads: of one operation; by default the runtime decides.
        precision: what it computes in.

    Raises:
        HnasError: the runtime is missing or has no such precision here, or the file is damaged or none of ours.
    """
    if backend == "openvino":
        return openvino_session(model, threads=threads, precision=precision)
    refuse_precision(backend, precision)
    return onnx_session(model, threads=threads)


def onnx_session(model: Path | bytes, *, threads: int | None = None) -> tuple[Run, dict[str, Any]]:
    """An ONNX model on onnxruntime's CPU provider, and what the file says of itself.

    That is its ``description``, its ``provenance`` and its ``footprint``
    (:class:`~hnas.deploy.running.footprint.Footprint`).

    Args:
        model: a file or its bytes.
        threads: of one operation; by default onnxruntime decides.

    Raises:
        HnasError: onnxruntime is missing, or the file is damaged or none of ours.
    """
    ort = need("onnxruntime")
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL  # what goes wrong is raised, and said in one line
    options.enable_mem_pattern = False  # it would keep a plan for every size of picture, and is no faster
    if threads:
        options.intra_op_num_threads = threads
    source = str(model) if isinstance(model, Path) else model
    try:
        # Without its way of beginning anew, which says on standard output what went wrong.
        session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"], enable_fallback=0)
        text = session.get_modelmeta().custom_metadata_map.get(METADATA)  # text of any kind, where it is damaged
    except Exception as error:  # onnxruntime's own types derive from nothing narrower
        raise HnasError(f"{_name(model)}: onnxruntime cannot load it ({_first_line(error)})") from error

    def run(x: Floats) -> Floats:
        try:
            result: Floats = session.run(None, {"lr": x})[0]
        except Exception as error:  # see above
            raise _failed(model, error) from error
        return result

    return run, _metadata(text, model)


def openvino_session(
    model: Path | bytes, *, threads: int | None = None, precision: Precision = "f32"
) -> tuple[Run, dict[str, Any]]:
    """An OpenVINO (.xml) or ONNX model on OpenVINO's CPU device; as :func:`onnx_session`.

    Args:
        model: a file or its bytes.
        threads: by default OpenVINO decides.
        precision: what it computes in. In bf16 the enlarged picture, too, has 8 significant bits, so that results are
            some grey levels from those of f32.

    Raises:
        HnasError: as there, or the processor has no such precision.
    """
    ov = need("openvino")
    refuse_precision("openvino", precision)
    core = ov.Core()
    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    try:
        graph = core.read_model(model)
        compiled = core.compile_model(graph, "CPU", options)
    except RuntimeError as error:
        raise HnasError(f"{_name(model)}: OpenVINO cannot load it ({_first_line(error)})") from error
    places = ([METADATA], ["framework", METADATA])  # in a model of OpenVINO's own, and in one read from ONNX
    text = next((graph.get_rt_info(place).astype(str) for place in places if graph.has_rt_info(place)), None)

    def run(x: Floats) -> Floats:
        nonlocal compiled
        try:
            return np.array(compiled(x)[0])
        except RuntimeError as error:
            compiled = core.compile_model(graph, "CPU", options)  # one that failed fails at whatever comes next
            raise _failed(model, error) from error

    return run, _metadata(text, model)


def try_out(run: Run, scale: int, *, where: str) -> None:
    """Enlarges a small picture, to find out whether a file holds a network that does.

    Args:
        run: of its session.
        scale: by how much it says to enlarge.
        where: the file.

    Raises:
        HnasError: it fails, gives a picture of another shape, or numbers that are not finite.
    """
    side = 16
    result = run(np.full((1, 3, side, side), 0.5, np.float32))
    wanted = (1, 3, scale * side, scale * side)
    if result.shape != wanted:
        raise HnasError(f"{where}: gives a picture of the shape {result.shape} instead of {wanted}; export it anew")
    if not np.isfinite(result).all():
        raise HnasError(f"{where}: gives numbers that are not finite; its weights are damaged")


def _failed(model: Path | bytes, error: Exception) -> HnasError:
    """A failure while a model runs, with all that is said of it: whether memory was short, too."""
    return HnasError(f"{_name(model)}: fails while it runs ({' '.join(str(error).split())})")


def _metadata(text: str | None, model: Path | bytes) -> dict[str, Any]:
    if not text or len(text) > MAX_BYTES:
        raise HnasError(f"{_name(model)}: does not say which model it holds; export it with `hnas export`")
    said = parse_description(text, where=_name(model))
    try:
        return said | {"footprint": Footprint.from_dict(said.get("footprint"))}
    except HnasError as error:
        raise HnasError(f"{_name(model)}: {error}; export it anew with `hnas export`") from error


def _name(model: Path | bytes) -> str:
    return str(model) if isinstance(model, Path) else "the exported model"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
