"""What exported networks reach on this machine: PSNR, and milliseconds of one picture in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from hnas.data.folders import Pair
from hnas.deploy.export.writing import ExportFormat, describe, load_torchscript, onnx_bytes
from hnas.deploy.running.runtime_network import RuntimeNetwork
from hnas.deploy.running.runtimes import BackendName, Floats, Precision, Run, open_session, precisions
from hnas.deploy.running.simplify import simplify
from hnas.deploy.running.torch_backend import torch_threads
from hnas.deploy.timing.stopwatch import Machine
from hnas.deploy.timing.turns import medians_in_turns
from hnas.evaluation.benchmark import evaluate_model
from hnas.memory import keep_memory
from hnas.nets import model_scale

#: The runtime that a file of this format is for.
RUNTIMES: Mapping[ExportFormat, BackendName] = {"onnx": "onnx", "openvino": "openvino", "torchscript": "torch"}
#: What a file is computed in: f32, bf16 of the same file, or int8 of another one.
Variant = Literal["f32", "bf16", "int8"]
#: Turns of which the median counts.
ROUNDS = 5
#: Eight bits pay from this share of the time of f32 on; nearer to it is within what a machine varies.
_PAYS = 0.95


@dataclass(frozen=True)
class Reached:
    """One way of computing a network.

    Attributes:
        variant: which way.
        psnr: dB on Y, mean over the pictures.
        milliseconds: of one picture.
    """

    variant: Variant
    psnr: float
    milliseconds: float


@dataclass(frozen=True)
class Exports:
    """All ways that were measured, in one run.

    Attributes:
        machine: what times are of.
        ways: f32 first.
    """

    machine: Machine
    ways: tuple[Reached, ...]

    def pays(self, way: Reached) -> bool:
        """Whether a way is clearly faster than f32 on this machine."""
        return way.milliseconds < _PAYS * self.ways[0].milliseconds

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "machine": self.machine.as_dict(),
            "ways": [asdict(way) | {"faster": self.pays(way)} for way in self.ways],
        }


def measure_exports(
    model: nn.Module, path: Path, machine: Machine, pairs: Sequence[Pair], *, int8: bool, rounds: int = ROUNDS
) -> Exports:
    """Measures an exported file, beside it the network in f32 where the file has 8 bits, and in bf16 where OpenVINO has
    that here.

    Args:
        model: what was exported, in evaluation mode, on the CPU.
        path: the file.
        machine: the runtime that the file is for, its threads, and the size of the picture that is timed.
        pairs: pictures that PSNR is measured on.
        int8: whether the file has 8 bits.
        rounds: turns of which the median counts.

    Raises:
        HnasError: the runtime is missing, or a picture cannot be measured.
    """
    openers = _openers(model, path, machine, int8=int8)
    scale = model_scale(model)
    picture = np.random.default_rng(0).random((1, 3, *machine.lr_size), np.float32)

    def make(opened: Callable[[], Run]) -> Callable[[], Floats]:
        return partial(opened(), picture)

    with torch_threads(machine.threads):  # those of TorchScript; sessions have their own
        psnr = {
            variant: evaluate_model(RuntimeNetwork(opened(), scale), pairs, scale=scale).psnr
            for variant, opened in openers.items()
        }
        keep_memory()
        seconds = medians_in_turns({name: partial(make, opened) for name, opened in openers.items()}, rounds=rounds)
    return Exports(machine, tuple(Reached(name, psnr[name], 1e3 * seconds[name]) for name in openers))


def _openers(model: nn.Module, path: Path, machine: Machine, *, int8: bool) -> dict[Variant, Callable[[], Run]]:
    """By variant, what makes it ready to run."""
    if machine.backend == "torch":
        return {"f32": partial(_torchscript, path.read_bytes())}

    def graph(file: Path | bytes, precision: Precision) -> Callable[[], Run]:
        return lambda: open_session(machine.backend, file, threads=machine.threads, precision=precision)[0]

    plain: Path | bytes = path
    if int8:
        plain = onnx_bytes(simplify(model), describe(model, {}), split=machine.backend == "onnx")
    openers: dict[Variant, Callable[[], Run]] = {each: graph(plain, each) for each in precisions(machine.backend)}
    return openers | ({"int8": graph(path, "f32")} if int8 else {})


def _torchscript(data: bytes) -> Run:
    network = load_torchscript(data)

    def run(x: Floats) -> Floats:
        with torch.inference_mode():
            result: Floats = network(torch.from_numpy(x)).numpy()
        return result

    return run
