"""Networks of a family in 8 bits: made here, measured on pictures, and candidates like any other.

Needs torch and onnx.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hnas.data.sample import HELD_OUT, held_out_pairs
from hnas.deploy.design.choice import Requirements, best_within, front
from hnas.deploy.design.family import Candidate, write_card_of
from hnas.deploy.export.quantize import calibration_pictures, quantize_onnx
from hnas.deploy.export.writing import describe, onnx_bytes
from hnas.deploy.running.runtimes import Run, onnx_session, openvino_session
from hnas.deploy.running.simplify import simplify
from hnas.deploy.timing.stopwatch import Machine
from hnas.evaluation.benchmark import evaluate_model
from hnas.files import make_folder, write_atomically
from hnas.nets import model_scale
from hnas.weights import load_model, read_weights

#: On what the loss in dB is measured.
PICTURES = " and ".join(HELD_OUT)
#: Networks that are tried, and how many times the limit they may take in 32 bits.
_MOST, _BEYOND = 2, 3.0


@dataclass(frozen=True)
class InEightBits:
    """A network in 8 bits.

    Attributes:
        candidate: its name, files and what decides: PSNR on the validation pictures in 32 bits, less the loss.
        of: the same network in 32 bits.
        psnr: dB on Y, mean over :data:`PICTURES`, in 8 bits on the runtime.
        psnr_32: the same in 32 bits.
    """

    candidate: Candidate
    of: Candidate
    psnr: float
    psnr_32: float

    @property
    def loss(self) -> float:
        """What 8 bits cost, dB."""
        return self.psnr_32 - self.psnr

    def words(self, times: Mapping[str, float]) -> str:
        """Time and PSNR beside those in 32 bits."""
        here, there = times[self.candidate.name], times[self.of.name]
        return f"{self.of.name} takes {here:.1f} ms (32 bits: {there:.1f}) and loses {self.loss:.2f} dB on {PICTURES}"


def worth_trying(family: Sequence[Candidate], times: Mapping[str, float], limits: Requirements) -> list[Candidate]:
    """Networks that 8 bits may bring within the limits: the next slower ones on the front, else the best one itself.

    Args:
        family: in 32 bits.
        times: their ms by name.
        limits: what must be kept.
    """
    allowed = [one for one in front(family, times) if limits.allow(one)]
    best = best_within(family, times, limits)
    least = times[best.name] if best else 0.0
    most = _BEYOND * limits.latency_ms if limits.latency_ms else float("inf")
    slower = [one for one in allowed if least < times[one.name] <= most]
    return slower[:_MOST] or ([best] if best else [])


def in_eight_bits(one: Candidate, folder: Path, machine: Machine) -> InEightBits:
    """Quantises a network by the photographs that come along, and measures what that costs on those held out.

    Args:
        one: in 32 bits.
        folder: where its files are written.
        machine: on whose runtime it is measured.

    Raises:
        HnasError: the package onnx is missing, or the runtime cannot load the graph.
    """
    model = load_model(one.weights)
    provenance = read_weights(one.weights).provenance
    graph = onnx_bytes(simplify(model), describe(model, provenance), split=machine.backend == "onnx")
    data = quantize_onnx(graph, calibration_pictures(None, model))
    session = openvino_session if machine.backend == "openvino" else onnx_session
    scale = model_scale(model)
    pairs = held_out_pairs(scale)
    psnr_32 = evaluate_model(model, pairs, scale=scale).psnr
    psnr = evaluate_model(_Session(session(data, threads=machine.threads)[0]), pairs, scale=scale).psnr
    name = f"{one.name}-int8"
    found = replace(
        one, name=name, psnr=one.psnr - (psnr_32 - psnr), results={}, weights=folder / f"{name}.safetensors"
    )
    make_folder(folder)
    write_atomically(found.weights, one.weights.read_bytes())
    write_atomically(found.graph, data)
    eight_bits = {"psnr": psnr, "psnr_32_bits": psnr_32, "pictures": list(HELD_OUT)}
    write_card_of(found, one, {"results": {}, "eight_bits": eight_bits})
    return InEightBits(found, one, psnr, psnr_32)


class _Session(nn.Module):
    """A runtime's session as a module."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.run(np.ascontiguousarray(x.numpy())))
