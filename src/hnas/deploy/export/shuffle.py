"""The pixel shuffle of an ONNX graph as two transpositions, which onnxruntime runs faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hnas.extras import need

#: What gives its result with the channels innermost if that is asked for, at no cost (onnxruntime's blocked layout).
_GIVES_ANY_LAYOUT = ("Conv", "Add")


#: Shuffles by more stay whole: OpenVINO, which may read the same files, loses far more there than onnxruntime gains.
_MOST = 2


def split_shuffles(model: Any, *, most: int = _MOST) -> None:
    """Rewrites ``DepthToSpace`` nodes of an ``onnx.ModelProto`` whose channels are ordered as torch orders them.

    The single node moves pixels one by one, on one thread. Of the two transpositions the first puts the pixels of a
    row side by side, the second moves whole rows. The result is the same to the last bit. Times are in
    ``docs/speed.md``.

    Args:
        model: changed in place.
        most: nodes that enlarge by more than this are left.
    """
    onnx = need("onnx")
    nodes = list(model.graph.node)
    makers = {output: node.op_type for node in nodes for output in node.output}
    del model.graph.node[:]
    for node in nodes:
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "DepthToSpace" and attributes.get("mode") == b"CRD" and attributes["blocksize"] <= most:
            scale = attributes["blocksize"]
            # Pairs of innermost values are moved as one number; of more, onnxruntime copies every few bytes by a call.
            pairs = scale == 2 and makers.get(node.input[0]) in _GIVES_ANY_LAYOUT
            model.graph.node.extend(_transpositions(onnx, model.graph, node, scale, innermost=pairs))
        else:
            model.graph.node.append(node)


def _transpositions(onnx: Any, graph: Any, node: Any, scale: int, *, innermost: bool) -> list[Any]:
    """(N, C * scale * scale, H, W) to (N, C, scale * H, scale * W); the comments give shapes, s for the scale."""
    made: list[Any] = []

    def constant(*values: int) -> str:
        name = f"{node.name}/constant_{len(graph.initializer)}"
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def step(operation: str, *inputs: str, **attributes: Any) -> str:
        name = f"{node.name}/{operation}_{len(made)}"
        made.append(onnx.helper.make_node(operation, inputs, [name], name, **attributes))
        return name

    picture = node.input[0]
    if innermost:
        channels = step("Transpose", picture, perm=[0, 2, 3, 1])  # N, H, W, C * s * s
        apart = step("Reshape", channels, constant(0, 0, 0, -1, scale))  # N, H, W, C * s, s
        # Not the picture's: onnxruntime would bring all of it into another order to know its size.
        height, width = _lengths(step, constant, apart, 1, 2)
        beside = step("Transpose", apart, perm=[0, 3, 1, 2, 4])  # N, C * s, H, W, s
    else:
        height, width = _lengths(step, constant, picture, 2, 3)
        shape = step("Concat", constant(0, -1, scale), step("Mul", height, width), axis=0)
        apart = step("Reshape", picture, shape)  # N, C * s, s, H * W
        beside = step("Transpose", apart, perm=[0, 1, 3, 2])  # N, C * s, H * W, s
    wide = step("Mul", width, constant(scale))
    split = step("Reshape", beside, step("Concat", constant(0, -1, scale), height, wide, axis=0))  # N, C, s, H, W * s
    rows = step("Transpose", split, perm=[0, 1, 3, 2, 4])  # N, C, H, s, W * s
    step("Reshape", rows, step("Concat", constant(0, 0, -1), wide, axis=0))  # N, C, H * s, W * s
    made[-1].output[0] = node.output[0]
    return made


def _lengths(step: Callable[..., str], constant: Callable[..., str], values: str, *axes: int) -> list[str]:
    """How long values are along axes: (1,) each."""
    size = step("Shape", values)
    return [step("Slice", size, constant(axis), constant(axis + 1)) for axis in axes]
