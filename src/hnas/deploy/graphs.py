"""Models as what a stopwatch times. Needs torch."""

from __future__ import annotations

from copy import deepcopy

from torch import nn

from hnas.deploy.export import describe, onnx_bytes
from hnas.deploy.runtimes import BackendName
from hnas.deploy.simplify import simplify
from hnas.deploy.stopwatch import Graph
from hnas.deploy.torch_backend import TorchBackend


def graph_of(model: nn.Module, backend: BackendName) -> Graph:
    """What a runtime takes: the exported network's bytes; for torch, what gives a copy of the model ready to run.

    Args:
        model: on the CPU, in evaluation mode.
        backend: what is to run it.

    Raises:
        HnasError: the package onnx is missing.
    """
    if backend == "torch":
        return lambda: TorchBackend(deepcopy(model))
    return onnx_bytes(simplify(model), describe(model, {}), split=backend == "onnx")
