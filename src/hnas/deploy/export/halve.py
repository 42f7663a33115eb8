"""An ONNX graph whose weights are stored in half precision: half the bytes, computed in float32 as before."""

from __future__ import annotations

import numpy as np

from hnas.extras import need

#: Smaller tensors stay as they are.
_LEAST_VALUES = 64


def halve_weights(data: bytes) -> bytes:
    """Stores float32 constants that float16 holds exactly as float16, each with a node that casts it back.

    Runtimes compute such casts once, when they load the model. Nothing changes but the size, which is half where all
    weights were rounded to half precision before.

    Args:
        data: an ONNX model.
    """
    onnx = need("onnx")
    model = onnx.load_from_string(data)
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        halved = values.astype(np.float16)
        if values.dtype != np.float32 or values.size < _LEAST_VALUES or not np.array_equal(halved, values):
            continue
        stored = f"{tensor.name}/half"
        full = onnx.TensorProto.FLOAT
        casts.append(onnx.helper.make_node("Cast", [stored], [tensor.name], f"{stored}/Cast", to=full))
        tensor.CopyFrom(onnx.numpy_helper.from_array(halved, stored))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()  # type: ignore[no-any-return]
