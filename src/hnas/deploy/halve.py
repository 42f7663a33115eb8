"""An ONNX graph whose weights are stored in half precision: half the bytes, computed in float32 as before."""

from __future__ import annotations

import numpy as np

from hnas.deploy.runtimes import need

#: Smaller tensors stay as they are.
_LEAST_VALUES = 64


def halve_weights(data: bytes) -> bytes:
    """Stores every larger float32 constant of a model as float16, with a node that casts it back.

    Runtimes compute such casts once, when they load the model. The weights become those that half precision holds:
    give it a model whose weights were rounded so already, and nothing changes but the size.

    Args:
        data: an ONNX model.
    """
    onnx = need("onnx", "onnx")
    model = onnx.load_from_string(data)
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _LEAST_VALUES:
            continue
        stored = f"{tensor.name}/half"
        full = onnx.TensorProto.FLOAT
        casts.append(onnx.helper.make_node("Cast", [stored], [tensor.name], f"{stored}/Cast", to=full))
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()  # type: ignore[no-any-return]
