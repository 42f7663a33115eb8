"""``hnas profile``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from hnas.cli.options import Device, Json, parse_size
from hnas.errors import HnasError
from hnas.run_files import WEIGHTS
from hnas.searching.settings import SpaceSettings
from hnas.space.options import NetworkOptions, ScaleOnly

if TYPE_CHECKING:
    from torch import nn


#: Flags that `hnas search` has too.
_SPACE = Group("With --build-table, whose networks", sort_key=1)


def profile(
    model: str | None = None,
    /,
    *,
    network: Annotated[NetworkOptions | None, Parameter(name="*")] = None,
    lr_size: str = "480x480",
    latency: bool = True,
    repeats: int = 5,
    device: Device = "cpu",
    build_table: Path | None = None,
    check: int = 12,
    space: Annotated[SpaceSettings | None, Parameter(name="*", consume_multiple=True, group=_SPACE)] = None,
    front: Annotated[bool, Parameter(negative="")] = False,
    backend: Literal["onnx", "openvino", "torch"] | None = None,
    threads: int | None = None,
    family: Path | None = None,
    json: Json = False,
) -> None:
    """Multiply-adds and parameters of a network, and how long it takes here.

    Multiply-adds (MACs) count all convolutions, transposed ones included, for one low-resolution picture of the given
    size. Latency is measured on this machine, with untrained weights where the model has none.

    Args:
        model: A genotype (HNAS-A, HNAS-B, HNAS-C, a JSON file), a published network (carn-m), a run's folder, a
            weights file or the name of a bundled model. With --backend also an exported file, or the folder that
            `hnas design` wrote.
        lr_size: Low-resolution input, HEIGHTxWIDTH in pixels.
        latency: Measure the time of one picture.
        repeats: Timed passes; the median is printed. With --build-table, turns of every network.
        build_table: Instead of a model's, measure the latencies of a space's networks, and write the table here; a
            search reads it with --latency-table. A few dozen networks are timed whole, in turns; what their parts take
            is fitted; and the sums are compared with further networks. A table that fails this check is not written.
        check: With --build-table, on how many networks, 4 and more.
        front: Instead of a model's, say what 10, 20, 50, 100 and 200 ms buy here: the best of the networks that
            `hnas design` chooses from, and of published hand-made ones, all timed in turns in less than a minute.
        backend: What runs the networks: onnx (onnxruntime), openvino or torch. By default onnx for the front and for
            exported files, and torch for a table, as in `hnas search`. With it the time of one model with weights is
            taken as `hnas design` takes it, by that runtime alone.
        threads: With --backend, --front and --build-table, of every network; by default 2, or what the machine has if
            fewer.
        family: With --front, a folder with other networks, as `hnas zoo export` writes them.
    """
    options = network or NetworkOptions()
    if front:
        from hnas.cli.front import front as print_front

        of_one = (model, build_table, None if device == "cpu" else device)
        if any(value is not None for value in of_one) or options.said().keys() - {"scale"}:
            raise HnasError("--front is about many networks; of a model's options it takes --scale and --lr-size alone")
        print_front(
            lr_size=parse_size(lr_size, "--lr-size"),
            scale=options.scale or ScaleOnly().scale,
            backend=backend or "onnx",
            threads=threads,
            family=family,
            json=json,
        )
        return
    from hnas.deploy.running.runtimes import EXPORTED

    exported = model is not None and Path(model).suffix in EXPORTED
    if family is not None or (build_table is None and backend is None and threads is not None and not exported):
        raise HnasError("--family goes with --front, and --threads with --front, --build-table or --backend")
    if space is not None and build_table is None:
        raise HnasError("the flags of a space, such as --layers and --widths, go with --build-table; leave them out")
    size = parse_size(lr_size, "--lr-size")
    if repeats < 1:
        raise HnasError(f"--repeats is {repeats}; allowed is 1 and more")
    if model is not None and build_table is None and (backend or exported):
        from hnas.cli.profile_graph import profile_graph

        if options.said() or device != "cpu" or not latency:
            raise HnasError("--backend is about the time of a network as it is, on the CPU; leave the other flags out")
        runtime = backend or EXPORTED[Path(model).suffix]
        profile_graph(model, runtime, threads=threads, lr_size=size, repeats=repeats, json=json)
        return
    from hnas import nets
    from hnas.deploy.running.torch_backend import torch_device

    torch_device(device)
    if build_table is not None:
        from hnas.cli.build_table import build_table as measure_table
        from hnas.deploy.timing.latency_tables import Thoroughness

        if model is not None:
            raise HnasError(f"--build-table is about a space's networks, not one model; leave {model} out")
        measure_table(
            build_table,
            space or SpaceSettings(),
            options,
            lr_size=size,
            backend=backend or "torch",
            threads=threads,
            device=device,
            thoroughness=Thoroughness(rounds=repeats, check=check),
            json=json,
        )
        return
    if model is None:
        raise HnasError(
            "name a model: a genotype (HNAS-A), a published network (carn-m), a file, or --build-table FILE"
        )
    built = _build(model, options)
    cost = nets.model_cost(built, lr_size=size)
    result: dict[str, object] = {"model": model, "scale": built.scale, "lr_size": list(size)}
    result |= {"macs": cost.macs, "params": cost.params}
    if latency:
        measured = nets.measure_latency(built, lr_size=size, device=device, repeats=repeats)
        result |= {"latency_ms": measured.median_ms, "repeats": measured.repeats, "device": measured.device}
    if json:
        print(json_module.dumps(result))
        return
    height, width = size
    print(f"model       {model}, x{built.scale}")
    print(f"input       3x{height}x{width}")
    print(f"MACs        {cost.macs / 1e9:,.2f} G")
    print(f"parameters  {cost.params / 1e3:,.1f} K")
    if latency:
        print(f"latency     {measured.median_ms:,.1f} ms (median of {measured.repeats}; {measured.device})")


def _build(model: str, options: NetworkOptions) -> nn.Module:
    from hnas.bundled import bundled_models
    from hnas.nets import build_model
    from hnas.training.train_network import model_description
    from hnas.weights import load_model

    has_weights = Path(model).suffix == ".safetensors" or model in bundled_models()
    # With a width of its own, a run folder stands for its genotype.
    if has_weights or (not options.said() and (Path(model) / WEIGHTS).is_file()):
        if options.said():
            raise HnasError(f"{model}: weights have their own width and scale; leave --channels and the like out")
        return load_model(model)
    return build_model(model_description(model, options))
