"""The pixel shuffle of exported graphs: torch's own says what it must give."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from hnas.deploy.export.shuffle import split_shuffles

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")


def _graph(*layers: nn.Module) -> onnx.ModelProto:
    buffer = io.BytesIO()
    free = {0: "n", 2: "h", 3: "w"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            nn.Sequential(*layers), (torch.rand(1, layers[0].in_channels, 8, 6),), buffer,  # type: ignore[arg-type]
            dynamo=False, opset_version=17, input_names=["x"], output_names=["y"], dynamic_axes={"x": free},
        )  # fmt: skip
    return onnx.load_from_string(buffer.getvalue())


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("between", [nn.Identity(), nn.Sigmoid()], ids=["after a convolution", "after another node"])
def test_it_moves_the_same_values(channels: int, scale: int, between: nn.Module) -> None:
    conv = nn.Conv2d(2, channels * scale**2, 3, padding=1)
    graph = _graph(conv, between, nn.PixelShuffle(scale))
    split_shuffles(graph, most=4)
    onnx.checker.check_model(graph, full_check=True)
    assert "DepthToSpace" not in {node.op_type for node in graph.graph.node}
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    for shape in ((1, 2, 7, 5), (3, 2, 4, 9)):
        picture = torch.rand(shape)
        with torch.inference_mode():
            wanted = nn.PixelShuffle(scale)(between(conv(picture)))
        np.testing.assert_allclose(session.run(None, {"x": picture.numpy()})[0], wanted.numpy(), rtol=0, atol=1e-6)


def test_several_shuffles_in_a_graph() -> None:
    layers = nn.Conv2d(3, 16, 1), nn.PixelShuffle(2), nn.Conv2d(4, 8, 1), nn.PixelShuffle(2)
    graph = _graph(*layers)
    split_shuffles(graph)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    picture = torch.rand(1, 3, 5, 6)
    with torch.inference_mode():
        wanted = nn.Sequential(*layers)(picture)
    np.testing.assert_allclose(session.run(None, {"x": picture.numpy()})[0], wanted.numpy(), rtol=0, atol=1e-6)


def test_other_orders_of_channels_are_left_as_they_are() -> None:
    node = onnx.helper.make_node("DepthToSpace", ["x"], ["y"], "shuffle", blocksize=2, mode="DCR")
    values = [onnx.helper.make_tensor_value_info(name, 1, [1, None, None, None]) for name in "xy"]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:1], values[1:]))
    split_shuffles(model)
    assert [each.op_type for each in model.graph.node] == ["DepthToSpace"]


def test_larger_shuffles_stay_whole_unless_asked_for() -> None:
    graph = _graph(nn.Conv2d(2, 9, 1), nn.PixelShuffle(3))
    split_shuffles(graph)
    assert "DepthToSpace" in {node.op_type for node in graph.graph.node}
