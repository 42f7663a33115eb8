"""All readers of files, each with whole files to damage: made anew, no bigger than needed."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from hnas.bundled import BUNDLED
from hnas.data.pictures import read_picture
from hnas.deploy.enlarge.files import upscale_file
from hnas.deploy.enlarge.models import load
from hnas.deploy.enlarge.planning import Job
from hnas.deploy.pictures.animation import read_animation
from hnas.deploy.pictures.reading import open_picture
from hnas.deploy.timing.latency_table import LatencyCheck, LatencyTable, load_latency_table
from hnas.nets import build_model
from hnas.report.run import read_run
from hnas.settings import read_config
from hnas.space import load_genotype
from hnas.space.cells import NAMED_GENOTYPES
from hnas.training.checkpoint import load_checkpoint, save_checkpoint
from hnas.training.run_folder import RunFolder
from hnas.weights import load_model
from hnas.zoo.plans import read_plan
from hnas.zoo.published import read_published
from tests.fuzz.mutations import changed, damaged
from tests.hostile_files import description, onnx_that_says, weights
from tests.report.example import make_run

CHAIN = {"format": "hnas-chain/1", "width": 8, "blocks": ["conv_3x3"] * 2, "colour": "luma", "enlargement": 0}
SMALL = {"format": "hnas-model/1", "architecture": "chain", "scale": 2, "genotype": CHAIN}
STATE = {
    "format": "hnas-checkpoint/1", "place": {"step": 3, "seconds": 1.5, "line": {}, "pending": [], "best": None},
    "log_lengths": {"log.jsonl": 30}, "generators": [{"cuda": []}], "pictures": {"a": [["a", [4, 4, 3]]]},
}  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """One way in.

    Attributes:
        read: what is given the path.
        files: makes the contents of a file that is damaged as bytes.
        values: makes plain values that are changed.
        encode: changed values as the contents of a file.
        path: of the file within an empty folder; what is read is the first part of it.
        beside: makes what else lies in the folder, by path.
        writes: what it may leave in the folder when it ends well.
        share: of all inputs, against that of the others.
    """

    read: Callable[[Path], Any]
    path: str
    files: Callable[[], list[bytes]] = list
    values: Callable[[], list[Any]] = list
    encode: Callable[[Any], bytes] = lambda value: json.dumps(value).encode()
    beside: Callable[[], dict[str, bytes]] = dict
    writes: tuple[str, ...] = ()
    share: float = field(default=1.0)

    def contents(self) -> st.SearchStrategy[bytes]:
        """Damaged contents of the file."""
        ways: list[st.SearchStrategy[bytes]] = [damaged(data) for data in self.files()]
        ways += [changed(value).map(_or_nothing(self.encode)) for value in self.values()]
        return st.one_of(ways)


def _or_nothing(encode: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Half a character, and numbers of any size, do not go into every format."""

    def encoded(value: Any) -> bytes:
        try:
            return encode(value)[: 1 << 20]
        except Exception:
            return b""

    return encoded


def noise(*shape: int, kind: Any = np.uint8) -> Any:
    """Values that do not compress."""
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape).astype(kind)


@cache
def pictures() -> tuple[bytes, ...]:
    """A small picture in every format that Pillow writes here."""
    found = []
    image = Image.fromarray(noise(9, 13, 3))
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("JPEG", {"exif": b"Exif\0\0" + b"MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True}),
        *((name, {}) for name in ("PNG", "TIFF", "BMP", "GIF", "JPEG2000", "AVIF", "PPM")),
    ]
    for name, more in kinds:
        buffer = io.BytesIO()
        try:
            image.save(buffer, name, **more)
        except (KeyError, OSError, ValueError):
            continue
        found.append(buffer.getvalue())
    for deep in (noise(7, 9, kind=np.uint16), noise(7, 9, 4)):
        buffer = io.BytesIO()
        Image.fromarray(deep).save(buffer, "PNG")
        found.append(buffer.getvalue())
    return tuple(found)


def animations() -> list[bytes]:
    """Two frames."""
    frames = [Image.fromarray(noise(8, 8, 3)), Image.fromarray(255 - noise(8, 8, 3))]
    found = []
    for name in ("GIF", "PNG", "WEBP"):
        buffer = io.BytesIO()
        frames[0].save(buffer, name, save_all=True, append_images=frames[1:], duration=40)
        found.append(buffer.getvalue())
    return found


@cache
def made_run() -> dict[str, bytes]:
    """The files of a run, by path."""
    with tempfile.TemporaryDirectory() as name:
        run = make_run(Path(name) / "run", steps=6, pictures=False)
        return {f"run/{path.name}": path.read_bytes() for path in run.iterdir()}


def checkpoint() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        save_checkpoint(Path(name), {**STATE, "model": {"a": torch.ones(4, 4)}})
        return (Path(name) / "state.pt").read_bytes()


def torch_file(value: Any, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def arrays(kind: str) -> bytes:
    buffer = io.BytesIO()
    numbers: dict[str, Any] = {}
    for layer, shape in (("conv1", (9, 4)), ("conv2", (4, 9, 2)), ("conv3", (2, 9))):
        numbers[f"weights_{layer}"] = noise(*shape).astype(np.float32)
        numbers[f"biases_{layer}"] = np.ones((shape[-1], 1))
    if kind == "npz":
        np.savez(buffer, **numbers)
    else:
        savemat(buffer, {**numbers, "cell": np.array([np.ones(2), "x"], dtype=object)}, do_compression=kind == "packed")
    return buffer.getvalue()


def model_file() -> bytes:
    from hnas.bundled import bundled_models

    return Path(bundled_models()["fast-x2"]).read_bytes()[: 1 << 20]


def table() -> dict[str, Any]:
    """Of a space of chains."""
    machine = {
        "backend": "onnx", "threads": 2, "device": "cpu", "precision": "f32", "lr_size": [180, 320],
        "runtime": "onnxruntime 1.20", "processor": "x",
    }  # fmt: skip
    space = {"space": "chain", "widths": [8], "depths": [2], "scale": 2}
    made = LatencyTable(machine, space, {"stem 8": 1.0, "conv_3x3 8": 0.5}, 3, LatencyCheck.of([1.0, 2.0], [1.1, 2.1]))
    value: dict[str, Any] = json.loads(made.to_json())
    return value


@cache
def tensors() -> dict[str, torch.Tensor]:
    """The weights of the smallest chain."""
    return dict(build_model(SMALL).state_dict())


def weights_that_say(network: Any) -> bytes:
    """A weights file with this description, whatever it is."""
    return weights(network, **tensors())


@cache
def upscaler() -> Any:
    """The quickest of the models."""
    return load("fast-x2")


def enlarge(path: Path) -> None:
    upscale_file(upscaler(), Job(path, path.with_name("out.png")))


SETTINGS = {"search": {"space": "chain", "widths": [8, 16], "lam": 0.5, "rounds": 3}, "train": {"steps": 3, "lr": 1e-3}}
PLAN = {**yaml.safe_load((Path(__file__).parents[2] / "zoo" / "plan.yaml").read_text()), "data": "/", "val": "/"}
GENOTYPE = NAMED_GENOTYPES["HNAS-A"].to_dict()


def _yaml(value: Any) -> bytes:
    return yaml.safe_dump(value, allow_unicode=True).encode()


READERS = {
    "genotype": Reader(load_genotype, "a.json", lambda: [json.dumps(GENOTYPE).encode()], lambda: [GENOTYPE, CHAIN]),
    "latency table": Reader(
        load_latency_table, "a.json", lambda: [json.dumps(table()).encode()], lambda: [table()]
    ),
    "settings of a search": Reader(
        lambda path: read_config(path, "search"), "a.yaml", lambda: [_yaml(SETTINGS)], lambda: [SETTINGS], _yaml
    ),
    "settings of a training": Reader(
        lambda path: read_config(path, "train"), "a.yaml", lambda: [_yaml(SETTINGS)], lambda: [SETTINGS], _yaml
    ),
    "plan": Reader(
        lambda path: read_plan(path, runs="runs"), "a.yaml",
        lambda: [_yaml(PLAN)], lambda: [PLAN], _yaml, share=0.1,
    ),
    **{
        f"run, its {name}": Reader(
            read_run, f"run/{name}", lambda name=name: [made_run()[f"run/{name}"]],  # type: ignore[misc]
            lambda name=name: [json.loads(made_run()[f"run/{name}"])] if name.endswith(".json") else [],  # type: ignore[misc]
            beside=made_run,
        )
        for name in ("config.yaml", "log.jsonl", "candidates.jsonl", "genotype.json", "evaluation.json")
    },
    "lines of a run": Reader(
        lambda path: RunFolder(path, "x").lines(), "run/log.jsonl", lambda: [made_run()["run/log.jsonl"]]
    ),
    "weights": Reader(load_model, "a.safetensors", lambda: [model_file()], share=1.5),
    "weights, what they say": Reader(
        load_model, "a.safetensors", values=lambda: [
            description(2, 1, 4), SMALL,
            {"format": "hnas-model/1", "architecture": "plain", "scale": 2, "channels": 4, "depth": 1},
        ],
        encode=weights_that_say, share=1.5,
    ),
    "graph": Reader(load, "a.onnx", lambda: [(BUNDLED / "fast-x2.onnx").read_bytes()], share=0.5),
    "graph, what it says": Reader(
        load, "a.onnx", values=lambda: [{"scale": 2, "radius": 1, "bytes_per_pixel": 100, "can_tile": True}],
        encode=lambda footprint: onnx_that_says(SMALL, footprint), share=0.5,
    ),
    "checkpoint": Reader(load_checkpoint, "run/state.pt", lambda: [checkpoint()]),
    "checkpoint, its values": Reader(load_checkpoint, "run/state.pt", values=lambda: [STATE], encode=torch_file),
    "published .pt": Reader(
        read_published, "a.pt", lambda: [torch_file({"a.weight": torch.ones(3, 3), "b": torch.zeros(2)})]
    ),
    "published .pth of old": Reader(
        read_published, "a.pth", lambda: [torch_file({"a.weight": torch.ones(3, 3)}, zipped=False)]
    ),
    "published .npz": Reader(read_published, "a.npz", lambda: [arrays("npz")]),
    "published .mat": Reader(read_published, "a.mat", lambda: [arrays("mat"), arrays("packed")]),
    "picture": Reader(open_picture, "a.png", lambda: list(pictures()), share=3),
    "picture of a data set": Reader(read_picture, "a.png", lambda: list(pictures())),
    "animation": Reader(lambda path: read_animation(path, 2), "a.gif", animations, share=1.5),
    "picture that is enlarged": Reader(
        enlarge, "a.png", lambda: [*pictures(), *animations()], writes=("out.png",), share=1.5
    ),
}  # fmt: skip
