"""Static quantisation of an exported ONNX model to 8 bits, with ranges measured on real pictures."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from hnas.data.folders import load_pairs, pair_of
from hnas.data.sample import HELD_OUT, sample_pictures
from hnas.deploy.running.runtimes import Floats
from hnas.extras import need
from hnas.nets import model_scale

#: Patches of this side, in low-resolution pixels, are cut from the middle of every calibration picture.
PATCH = 96
#: More pictures hardly move the ranges, but each takes seconds.
MOST_PICTURES = 24


def quantize_onnx(data: bytes, pictures: Iterable[NDArray[np.uint8]]) -> bytes:
    """Quantises the convolutions inside a network; the first and the last, where most is lost, stay as they are.

    Args:
        data: an ONNX model with the input ``lr``.
        pictures: low-resolution pictures, uint8 (H, W, 3), whose features set the ranges.

    Returns:
        The model with 8-bit activations and weights (one range per output channel), in QDQ form.

    Raises:
        HnasError: the package onnx or onnxruntime is missing.
    """
    onnx = need("onnx")
    quantization = need("onnxruntime.quantization")
    graph = onnx.load_from_string(data)
    convolutions = [node.name for node in graph.graph.node if node.op_type == "Conv"]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "int8.onnx"
        with _without_advice():
            quantization.quantize_static(
                graph,
                str(target),
                _reader(quantization.CalibrationDataReader, pictures),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                op_types_to_quantize=["Conv"],
                nodes_to_exclude=[convolutions[0], convolutions[-1]],
                per_channel=True,
            )
        quantized = onnx.load(str(target))
    quantized.ir_version = graph.ir_version
    del quantized.metadata_props[:]
    quantized.metadata_props.extend(graph.metadata_props)
    return quantized.SerializeToString()  # type: ignore[no-any-return]


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keeps onnxruntime's advice out of the log: a shape inference that dynamic sizes do not need."""

    def of_others(record: logging.LogRecord) -> bool:
        return record.levelno > logging.WARNING or "quantization" not in Path(record.pathname).parts

    log = logging.getLogger()  # which onnxruntime writes to
    log.addFilter(of_others)
    try:
        yield
    finally:
        log.removeFilter(of_others)


def calibration_pictures(folder: Path | None, model: nn.Module) -> list[NDArray[np.uint8]]:
    """Low-resolution pictures for :func:`quantize_onnx`.

    Args:
        folder: of pictures that are made smaller; None takes the photographs that come along, but not the held-out.
        model: whose scale they are made smaller by.

    Raises:
        HnasError: there are no pictures.
    """
    scale = model_scale(model)
    if folder is not None:
        return [pair.lr for pair in load_pairs(folder, scale, limit=MOST_PICTURES)]
    pictures = {name: picture for name, picture in sample_pictures().items() if name not in HELD_OUT}
    return [pair_of(name, picture, scale).lr for name, picture in pictures.items()][:MOST_PICTURES]


def _reader(base: Any, pictures: Iterable[NDArray[np.uint8]]) -> Any:
    batches = ({"lr": batch} for batch in _batches(pictures))

    class Reader(base):  # type: ignore[misc]
        def get_next(self) -> dict[str, Floats] | None:
            return next(batches, None)

    return Reader()


def _batches(pictures: Iterable[NDArray[np.uint8]]) -> Iterator[Floats]:
    for picture in pictures:
        top, left = (max(0, (length - PATCH) // 2) for length in picture.shape[:2])
        patch = picture[top : top + PATCH, left : left + PATCH]
        yield np.ascontiguousarray(np.moveaxis(patch, 2, 0)[None], dtype=np.float32) / np.float32(255)
