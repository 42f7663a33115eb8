"""``hnas look``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hnas.cli.options import Device
from hnas.errors import HnasError

if TYPE_CHECKING:
    from hnas.data.folders import Pair

BICUBIC = "bicubic"


def look(
    models: Annotated[tuple[str, ...], Parameter(name="model", negative="")],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    benchmarks: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = ("sample",),
    pictures: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    scale: int | None = None,
    detail: int = 72,
    device: Device = "cpu",
) -> None:
    """Draw the same detail of pictures by several models, with the PSNR of each (as Fig. 3 of the paper).

    The detail is where the models differ most from each other.

    Args:
        models: Weights files, run folders, names of bundled models, or `bicubic`; shown in this order.
        output: The .png or .svg file to write.
        benchmarks: Folders with pictures or with sets, or `sample` (two photographs that come along).
        pictures: Names of the pictures to show, such as zebra; by default the first four.
        scale: 2, 3 or 4; by default that of the models.
        detail: Side of the detail, pixels of the original.
    """
    from hnas.data.benchmarks import find_benchmarks
    from hnas.deploy.running.torch_backend import torch_device
    from hnas.evaluation.details import compare_details
    from hnas.nets import model_scale
    from hnas.report.figures import visual_comparison
    from hnas.weights import load_model

    torch_device(device)
    loaded = {_label(name): None if name == BICUBIC else load_model(name) for name in models}
    if len(loaded) < len(models):
        raise HnasError(
            f"two of the models would both be called one of {', '.join(loaded)}; give their folders other names"
        )
    scales = {model_scale(model) for model in loaded.values() if model} | ({scale} if scale else set())
    if len(scales) > 1:
        raise HnasError(f"these enlarge by {' and '.join(map(str, sorted(scales)))}; models of one scale are needed")
    at_scale = scales.pop() if scales else 2
    pairs = [pair for _, load_pairs in find_benchmarks(benchmarks) for pair in load_pairs(at_scale)]
    chosen = _choose(pairs, pictures)
    comparisons = compare_details(loaded, chosen, scale=at_scale, detail=detail, device=device)
    visual_comparison(comparisons, output)
    for comparison in comparisons:
        figures = ", ".join(f"{name} {psnr:.2f} dB" for name, (_, psnr) in comparison.versions.items())
        print(f"{comparison.name}: {figures}")


def _label(name: str) -> str:
    """What a model is called in the figure: a weights file in a run by its folder, another by its own name."""
    path = Path(name)
    if path.suffix != ".safetensors":
        return path.name
    return path.resolve().parent.name if path.stem == "weights" else path.stem


def _choose(pairs: list[Pair], names: tuple[str, ...]) -> list[Pair]:
    if not names:
        return pairs[:4]
    by_name = {pair.name: pair for pair in pairs}
    if missing := [name for name in names if name not in by_name]:
        raise HnasError(f"no picture {missing[0]!r}; there are {', '.join(by_name)}")
    return [by_name[name] for name in names]
