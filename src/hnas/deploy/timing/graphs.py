"""A network as a runtime takes it, to be timed. Needs torch."""

from __future__ import annotations

from copy import deepcopy

from torch import nn

from hnas.deploy.export.writing import describe, onnx_bytes
from hnas.deploy.running.runtimes import BackendName
from hnas.deploy.running.simplify import simplify
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.deploy.timing.stopwatch import Graph


def graph_of(model: nn.Module, backend: BackendName, device: str = "cpu") -> Graph:
    """The bytes of the exported network; for torch, what gives the network ready to run.

    Args:
        model: any of ours, in evaluation mode, on the CPU; it stays as it is.
        backend: what is to run it.
        device: where torch is to run it.

    Raises:
        HnasError: the package onnx is missing, or torch has no such device.
    """
    if backend == "torch":
        ready = TorchBackend(deepcopy(model), device)
        return lambda: ready
    return onnx_bytes(simplify(model), describe(model, {}), split=backend == "onnx")
