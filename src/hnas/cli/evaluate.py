"""``hnas evaluate``."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from hnas.cli.options import Device, Json
from hnas.cli.progress import picture_progress
from hnas.errors import HnasError

if TYPE_CHECKING:
    from torch import nn

    from hnas.data.pictures import Pixels
    from hnas.deploy.running.runtimes import BackendName, Precision
    from hnas.evaluation.benchmark import BicubicPath, PictureResult

BICUBIC = "bicubic"
#: What stands in its place at scale 1.
UNCHANGED = "as it is"


def evaluate(
    models: Annotated[tuple[str, ...], Parameter(name="model", negative="")],
    /,
    *,
    benchmarks: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = ("sample",),
    scale: int | None = None,
    degradation: str = "",
    lr_data: Path | None = None,
    self_ensemble: Annotated[bool, Parameter(negative="")] = False,
    lpips: Annotated[bool, Parameter(negative="")] = False,
    per_picture: Annotated[bool, Parameter(negative="")] = False,
    save_pictures: Path | None = None,
    csv: Path | None = None,
    markdown: Path | None = None,
    device: Device = "cpu",
    backend: Literal["torch", "onnx", "openvino"] = "torch",
    precision: Literal["f32", "bf16"] = "f32",
    json: Json = False,
) -> None:
    """Measure models on benchmarks: PSNR and SSIM as papers compute them.

    The output is rounded to 8 bits; Y of BT.601 (16 to 235) is compared inside a border of as many pixels as the scale.
    Low-resolution pictures are the published ones where the set has them, else MATLAB's bicubic, bit for bit.

    Args:
        models: Weights files, run folders, names of bundled weights, or `bicubic` (measured in both ways in use).
        benchmarks: Folders with pictures or with sets, names of sets that were got with `hnas data get`, or `sample`
            (two photographs that come along).
        scale: 2, 3 or 4; by default that of the models. Networks of scale 1 restore; they take no other.
        degradation: What the small pictures went through besides, such as jpeg:50, noise:10 or blur:0.5-1+jpeg:30-95;
            the same for every model.
        lr_data: Folder with the small pictures of the one set that is named, by their names or their order.
        self_ensemble: Measure the mean over the eight flips and turns too, in columns of its own (x8).
        lpips: Measure LPIPS too; needs the extra of that name.
        per_picture: Print every picture too.
        save_pictures: Write the outputs below this folder.
        csv: Write the figures with all digits to this file.
        markdown: Write the table to this file.
        backend: What runs the models: torch, or onnx (onnxruntime) or openvino on the CPU, which exported files need.
        precision: What openvino computes in; bf16 is measured beside f32.
    """
    from hnas.data.benchmarks import find_benchmarks
    from hnas.deploy.running.torch_backend import torch_device
    from hnas.evaluation.benchmark import bicubic_result, evaluate_model
    from hnas.evaluation.perceptual import lpips_distance
    from hnas.evaluation.table import Row, as_cells, as_csv, as_markdown, as_objects
    from hnas.files import make_folder, write_atomically
    from hnas.space.scales import ALL_SCALES

    torch_device(device)
    if scale not in (None, *ALL_SCALES):
        raise HnasError(f"--scale is {scale}; allowed are {', '.join(map(str, ALL_SCALES))}")
    if backend != "torch" and device != "cpu":
        raise HnasError(f"--device {device} goes with --backend torch; {backend} runs on the CPU here")
    loaded = {shown: network for name in models for shown, network in _load(name, scale, backend, precision).items()}
    scales = [scale] if scale else sorted({_scale(model) for model in loaded.values() if model}) or [2]
    distance = lpips_distance(device) if lpips else None
    rows: list[Row] = []
    with picture_progress() as begin:
        for dataset, load_pairs in find_benchmarks(benchmarks, lr_data=lr_data, degradation=degradation):
            for at_scale in scales:
                ways = _ways_without_a_model(at_scale, published=not degradation and lr_data is None)
                pairs = load_pairs(at_scale)
                for name, model in loaded.items():
                    if model is not None and _scale(model) != at_scale:
                        continue
                    folder = save_pictures and save_pictures / _file_name(name) / f"{_file_name(dataset)}-x{at_scale}"
                    passes = len(ways) if model is None else 1
                    after = _after_picture(begin(f"{name} on {dataset}", passes * len(pairs)), folder)
                    if model is None:
                        for path, title in ways.items():
                            result = bicubic_result(pairs, at_scale, path, distance=distance, on_picture=after)
                            rows.append(Row(title, dataset, at_scale, result))
                    else:
                        result = evaluate_model(
                            model,
                            pairs,
                            scale=at_scale,
                            self_ensemble=self_ensemble,
                            device=device,
                            distance=distance,
                            on_picture=after,
                        )
                        rows.append(Row(name, dataset, at_scale, result))
    for file, text in ((csv, as_csv), (markdown, as_markdown)):
        if file is not None:
            make_folder(file.parent)
            write_atomically(file, text(rows, per_picture=per_picture))
    if json:
        print(json_module.dumps(as_objects(rows, per_picture=per_picture), indent=2))
    else:
        _print_table(*as_cells(rows, per_picture=per_picture))


def _ways_without_a_model(scale: int, *, published: bool) -> Mapping[BicubicPath, str]:
    """What bicubic interpolation is measured by, and called; the rows that papers print need their small pictures."""
    from hnas.evaluation.benchmark import BICUBIC_NAMES

    if scale == 1:
        return {"uint8": UNCHANGED}
    return BICUBIC_NAMES if published else {"uint8": BICUBIC_NAMES["uint8"]}


def _load(name: str, scale: int | None, backend: BackendName, precision: Precision) -> dict[str, nn.Module | None]:
    """A model by what it is called in the table, in f32 and what is asked for; None for bicubic interpolation."""
    from hnas.deploy.enlarge.models import load
    from hnas.deploy.running.runtime_network import RuntimeNetwork
    from hnas.deploy.running.runtimes import refuse_precision
    from hnas.weights import load_model

    if name == BICUBIC:
        return {name: None}
    refuse_precision(backend, precision)
    found: dict[str, nn.Module | None] = {}
    if backend == "torch":
        found[name] = load_model(name)
    else:
        for each in dict.fromkeys(("f32", precision)):
            runs = load(name, backend=backend, precision=each).backend
            found[f"{name} ({backend} {each})"] = RuntimeNetwork(runs, runs.scale)
    for model in found.values():
        if model is not None and scale not in (None, _scale(model)):
            raise HnasError(f"{name} enlarges {model.scale} times; leave --scale {scale} out, or name another model")
    return found


def _scale(model: nn.Module) -> int:
    scale: Any = model.scale  # every model has it; nn.Module's type does not say so
    return int(scale)


def _after_picture(advance: Callable[[], None], folder: Path | None) -> Callable[[PictureResult, Pixels], None]:
    """What is done after every picture: the bar advances, the output is saved where there is a folder for it."""
    from hnas.data.pictures import write_picture

    def after_picture(picture: PictureResult, sr: Pixels) -> None:
        advance()
        if folder is not None:
            write_picture(folder / f"{picture.name}.png", sr)

    return after_picture


def _file_name(name: str) -> str:
    """A name as one part of a path."""
    return re.sub(r"[^\w.+-]+", "_", name).strip("._") or "model"


def _print_table(headings: list[str], lines: list[list[str]]) -> None:
    from rich.table import Table

    from hnas.cli.tables import print_tables

    table = Table(caption="PSNR in dB and SSIM on Y", caption_justify="left")
    for heading in headings:
        table.add_column(
            heading, overflow="fold", justify="left" if heading in ("Model", "Dataset", "Picture") else "right"
        )
    for line in lines:
        table.add_row(*line)
    print_tables(table)
