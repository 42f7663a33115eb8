"""``hnas profile``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hnas.cli.options import Device, Json, parse_size
from hnas.errors import HnasError
from hnas.nets import NetworkSettings

if TYPE_CHECKING:
    from torch import nn


def profile(
    model: str,
    /,
    *,
    settings: Annotated[NetworkSettings | None, Parameter(name="*")] = None,
    lr_size: str = "480x480",
    latency: bool = True,
    repeats: int = 5,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Multiply-adds and parameters of a network, and how long it takes here.

    Multiply-adds (MACs) count all convolutions, transposed ones included, for one low-resolution picture of the given
    size. Latency is measured on this machine, with untrained weights where the model has none.

    Args:
        model: A genotype (HNAS-A, HNAS-B, HNAS-C, a JSON file, a run's folder), a published network (carn-m), or a
            weights file.
        lr_size: Low-resolution input, HEIGHTxWIDTH in pixels.
        latency: Measure the time of one picture.
        repeats: Timed passes; the median is printed.
    """
    from hnas import nets

    size = parse_size(lr_size, "--lr-size")
    if repeats < 1:
        raise HnasError(f"--repeats is {repeats}; allowed is 1 and more")
    network = _build(model, settings)
    cost = nets.model_cost(network, lr_size=size)
    result: dict[str, object] = {"model": model, "scale": network.scale, "lr_size": list(size)}
    result |= {"macs": cost.macs, "params": cost.params}
    if latency:
        measured = nets.measure_latency(network, lr_size=size, device=device, repeats=repeats)
        result |= {"latency_ms": measured.median_ms, "repeats": measured.repeats, "device": measured.device}
    if json:
        print(json_module.dumps(result))
        return
    height, width = size
    print(f"model       {model}, x{network.scale}")
    print(f"input       3x{height}x{width}")
    print(f"MACs        {cost.macs / 1e9:,.2f} G")
    print(f"parameters  {cost.params / 1e3:,.1f} K")
    if latency:
        print(f"latency     {measured.median_ms:,.1f} ms (median of {measured.repeats}; {measured.device})")


def _build(model: str, settings: NetworkSettings | None) -> nn.Module:
    from hnas.nets import build_model
    from hnas.training.train_network import model_description
    from hnas.weights import load_model

    if Path(model).suffix != ".safetensors":
        return build_model(model_description(model, settings or NetworkSettings()))
    if settings is not None:
        raise HnasError(f"{model}: a weights file has its own width and scale; leave --channels and the like out")
    return load_model(model)
