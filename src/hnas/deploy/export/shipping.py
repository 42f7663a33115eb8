"""A trained model as the two files that it is shipped as."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from hnas.deploy.export.halve import halve_weights
from hnas.deploy.export.writing import describe, onnx_bytes
from hnas.deploy.running.simplify import simplify
from hnas.files import write_atomically
from hnas.weights import load_model, read_weights, save_model


def write_halved(trained: Path, weights: Path, onnx: Path) -> None:
    """Writes a trained model with weights in half precision, and the same model as an ONNX graph.

    Args:
        trained: a weights file.
        weights: the ``.safetensors`` file to write.
        onnx: the ``.onnx`` file to write.
    """
    provenance = read_weights(trained).provenance
    save_model(weights, load_model(trained).half(), provenance)
    rounded: nn.Module = load_model(weights)
    write_atomically(onnx, halve_weights(onnx_bytes(simplify(rounded), describe(rounded, provenance))))
