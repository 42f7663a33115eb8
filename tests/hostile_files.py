"""Files that ask for far more than they hold, and what reading each takes: ``python tests/hostile_files.py FOLDER``."""

from __future__ import annotations

import io
import json
import pickle
import resource
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from hnas.deploy.enlarge.models import load
from hnas.deploy.timing.latency_table import load_latency_table
from hnas.errors import HnasError
from hnas.report.run import read_run
from hnas.settings import read_config
from hnas.space import load_genotype
from hnas.training.checkpoint import load_checkpoint
from hnas.training.run_folder import RunFolder
from hnas.weights import DESCRIPTION, load_model
from hnas.zoo.plans import read_plan
from hnas.zoo.published import read_published

MEGABYTE = 1 << 20
#: Address space beyond what the process has when it is ready, so that a file that gets through cannot harm the machine.
ROOM = 4 << 30


def description(layers: int, nodes: int, channels: int, operation: str = "rcab") -> dict[str, Any]:
    """Of a network of cells whose edges are all this operation."""
    edges = [[[operation, -1], [operation, -2]]] * nodes
    large = [[["deconvolution", -1], ["deconvolution", -2]]] * nodes
    genotype = {"format": "hnas-genotype/1", "layers": layers, "position": 1, "normal": edges, "upsampling": large}
    return {"format": "hnas-model/1", "architecture": "hnas", "genotype": genotype, "channels": channels, "scale": 2}


def weights(said: dict[str, Any], **more: torch.Tensor) -> bytes:
    """A weights file that says this of its model."""
    text = json.dumps({"description": said, "provenance": {}}).encode()
    return save({DESCRIPTION: torch.frombuffer(bytearray(text), dtype=torch.uint8), **more})


def onnx_that_says(said: dict[str, Any], footprint: Any = None) -> bytes:
    """A graph of one pixel shuffle, with the metadata of another network, and what is said of how far it looks."""
    import onnx
    from onnx import TensorProto, helper

    many = helper.make_tensor("many", TensorProto.FLOAT, (12, 3, 1, 1), [1.0] * 36)
    nodes = [
        helper.make_node("Conv", ["lr", "many"], ["wide"]),
        helper.make_node("DepthToSpace", ["wide"], ["sr"], blocksize=2),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, None, None]) for name in ("lr", "sr")]
    graph = helper.make_graph(nodes, "shuffle", values[:1], values[1:], [many])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    told = {"description": said, "provenance": {}, "footprint": footprint}
    model.metadata_props.add(key="hnas", value=json.dumps(told))
    content: bytes = model.SerializeToString()
    return onnx and content


def zipped(name: str, content: bytes) -> bytes:
    """A compressed archive of one member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.writestr(name, content)
    return buffer.getvalue()


def inflating_pt() -> bytes:
    """A state dict of zeros, 256 MB, whose archive was compressed anew."""
    buffer, again = io.BytesIO(), io.BytesIO()
    torch.save({"format": "hnas-checkpoint/1", "weight": torch.zeros(64 << 20)}, buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return again.getvalue()


def expanded_pt() -> bytes:
    """One number that says it is a picture of 256 MB."""
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(1).expand(64 << 20)}, buffer)
    return buffer.getvalue()


def copied_pt() -> bytes:
    """One number that says it is a picture of 256 MB, to be copied to a device, which writes all of it."""

    class Copied:
        def __reduce__(self) -> tuple[Any, ...]:
            arguments = (torch.zeros(1).expand(64 << 20), torch.float64, "cpu", False)
            return torch._utils._rebuild_device_tensor_from_cpu_tensor, arguments

    buffer = io.BytesIO()
    torch.save({"weight": Copied()}, buffer)
    return buffer.getvalue()


def old_pth() -> bytes:
    """A tensor in the format before torch 1.6 that has no numbers."""

    class Storage:
        pass

    class Tensor:
        def __reduce__(self) -> tuple[Any, ...]:
            return torch._utils._rebuild_tensor_v2, (Storage(), 0, (1 << 29,), (1,), False, OrderedDict())

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: object) -> object:
            number = 1 << 29
            return ("storage", torch.FloatStorage, "0", "cpu", number, None) if isinstance(value, Storage) else None

    buffer = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {"weight": Tensor()}, ["0"]):
        Pickler(buffer, 2).dump(value)
    return buffer.getvalue()


def pickled(opcodes: bytes, beside: bytes = b"") -> bytes:
    """An archive of torch's with these opcodes for values, and something beside them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02" + opcodes + b".")
        file.writestr("archive/version", b"3\n")
        file.writestr("archive/data/0", beside)
    return buffer.getvalue()


def element(kind: int, content: bytes) -> bytes:
    """One of a MATLAB file of level 5."""
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(array: int, sizes: tuple[int, ...], content: bytes) -> bytes:
    """A MATLAB array of a class."""
    flags = element(6, struct.pack("<II", array, 0))
    return element(
        14, flags + element(5, struct.pack(f"<{len(sizes)}i", *sizes)) + element(1, b"weights_conv") + content
    )


def mat(content: bytes) -> bytes:
    """A MATLAB file of level 5."""
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + content


def inflating_mat() -> bytes:
    """256 MB of zeros, compressed."""
    numbers = matrix(6, (1, 32 << 20), element(9, bytes(256 << 20)))
    packed = zlib.compress(numbers, 9)
    return mat(struct.pack("<II", 15, len(packed)) + packed)


def config(text: str) -> dict[str, bytes]:
    """A run folder with these settings."""
    return {"config.yaml": text.encode()}


ALIASES = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)
#: By name: the files (or one), and how they are read.
CASES: dict[str, tuple[Callable[[], bytes | dict[str, bytes]], str, Callable[[Path], Any]]] = {
    "onnx: 256 layers of 1024 channels": (lambda: onnx_that_says(description(256, 1, 1024)), "a.onnx", load),
    "onnx: 1024 channels": (lambda: onnx_that_says(description(12, 4, 1024)), "a.onnx", load),
    "safetensors: 256 layers of 64 nodes": (lambda: weights(description(256, 64, 8)), "a.safetensors", load_model),
    "safetensors: 256 nodes of nothing": (
        lambda: weights(description(256, 1, 1, "identity")), "a.safetensors", load_model,
    ),
    "safetensors: 1024 channels": (lambda: weights(description(12, 4, 1024)), "a.safetensors", load_model),
    "safetensors: 8000 tensors of nothing": (
        lambda: weights(
            description(2, 1, 4), **{f"a.long.name.of.a.tensor.{i}": torch.zeros(0, 1 << 30) for i in range(8000)}
        ),
        "a.safetensors", load_model,
    ),
    "safetensors: chain of 128 blocks of 512": (
        lambda: weights(
            {
                "format": "hnas-model/1", "architecture": "chain", "scale": 2,
                "genotype": {
                    "format": "hnas-chain/1", "width": 512, "blocks": ["residual_3x3"] * 128, "colour": "rgb",
                    "enlargement": 0,
                },
            }
        ),
        "a.safetensors", load_model,
    ),
    "safetensors: plain 1024 x 1024": (
        lambda: weights(
            {"format": "hnas-model/1", "architecture": "plain", "scale": 2, "channels": 1024, "depth": 1024}
        ),
        "a.safetensors", load_model,
    ),
    "pt: inflates to 256 MB": (inflating_pt, "a.pt", read_published),
    "pt: one number, expanded": (expanded_pt, "a.pt", read_published),
    "pt: one number, copied to a device": (copied_pt, "a.pt", read_published),
    "pt: half a million lists": (lambda: pickled(b"(" + b"]" * (MEGABYTE // 2) + b"t"), "a.pt", read_published),
    "pt: half a million sets, and room": (
        lambda: pickled(b"(" + b"\x8f" * (MEGABYTE // 2) + b"t", bytes(MEGABYTE // 2)), "a.pt", read_published,
    ),
    "pt: a bytearray of 2 GB": (
        lambda: pickled(b"cbuiltins\nbytearray\nJ\x00\x00\x00\x7f\x85R"), "a.pt", read_published,
    ),
    "pth of old: a tensor of 2 GB": (old_pth, "a.pth", read_published),
    "pth of old: a million sets": (
        lambda: pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02(" + b"\x8f" * MEGABYTE, "a.pth", read_published,
    ),
    "npz: inflates to 256 MB": (lambda: zipped("a.npy", bytes(256 << 20)), "a.npz", read_published),
    "mat: inflates to 256 MB": (inflating_mat, "a.mat", read_published),
    "mat: 100,000,000 cells": (lambda: mat(matrix(1, (10_000, 10_000), b"")), "a.mat", read_published),
    "mat: cells within cells": (
        lambda: mat(_nested(2_000)), "a.mat", read_published,
    ),
    "yaml: aliases": (lambda: config(ALIASES), "run", lambda path: read_config(path / "config.yaml", "train")),
    "yaml: aliases in a run folder": (lambda: config(ALIASES), "run", read_run),
    "yaml: aliases in a plan": (lambda: ALIASES.encode(), "a.yaml", lambda path: read_plan(path, runs="runs")),
    "yaml: 1 MB of lists": (lambda: b"a: " + b"[" * MEGABYTE, "a.yaml", lambda path: read_config(path, "train")),
    "yaml: 60 KB of lists": (lambda: b"a: " + b"[" * 60_000, "a.yaml", lambda path: read_config(path, "train")),
    "yaml: 60 KB of values": (
        lambda: b"a: [" + b"a," * 30_000 + b"a]", "a.yaml", lambda path: read_config(path, "train"),
    ),
    "json: 1 MB of lists": (lambda: b"[" * MEGABYTE, "a.json", load_genotype),
    "json: 300,000 lists": (lambda: b"[" + b"[]," * 300_000 + b"[]]", "a.json", load_latency_table),
    "json: a number of 1 MB": (lambda: b"1" * MEGABYTE, "a.json", load_genotype),
    "json: 300,000 lists for nodes": (
        lambda: json.dumps({**description(2, 1, 4)["genotype"], "normal": [[]] * 250_000}).encode(),
        "a.json", load_genotype,
    ),
    "log: 1 MB of lists": (
        lambda: {"config.yaml": b"command: train", "log.jsonl": b'{"a": ' + b"[" * MEGABYTE + b"\n"}, "run", read_run,
    ),
    "log: 1 MB of lines": (
        lambda: {"config.yaml": b"command: train", "log.jsonl": b"{}\n" * (MEGABYTE // 3)}, "run",
        lambda path: RunFolder(path, "x").lines(),
    ),
    "checkpoint: inflates to 256 MB": (lambda: {"state.pt": inflating_pt()}, "run", load_checkpoint),
    "checkpoint: one number, expanded": (lambda: {"state.pt": expanded_pt()}, "run", load_checkpoint),
    "checkpoint: one number, copied to a device": (lambda: {"state.pt": copied_pt()}, "run", load_checkpoint),
}  # fmt: skip


def _nested(depth: int) -> bytes:
    content = matrix(6, (1, 1), element(9, bytes(8)))
    for _ in range(depth):
        content = matrix(1, (1, 1), content)
    return content


def write(folder: Path) -> dict[str, Path]:
    """All files, each in a folder of its own."""
    paths = {}
    for number, (name, (make, file, _)) in enumerate(CASES.items()):
        path = folder / str(number) / file
        try:
            content = make()
        except ImportError:  # onnx is an extra
            continue
        for inside, data in (content if isinstance(content, dict) else {"": content}).items():
            target = path / inside if inside else path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        paths[name] = path
    return paths


def peak() -> int:
    """Bytes of main memory that the process has had at most since :func:`forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def forget_peak() -> None:
    """Starts :func:`peak` anew."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(read: Callable[[Path], Any], path: Path) -> dict[str, Any]:
    """What reading takes: megabytes beyond what there was, seconds of the processor, and how it ended."""
    forget_peak()
    before, began = peak(), time.process_time()
    try:
        read(path)
        ended = "read"
    except HnasError as error:
        ended = f"refused: {error}"
    except BaseException as error:
        ended = f"{type(error).__name__}: {error}"
    seconds = time.process_time() - began
    return {"megabytes": (peak() - before) / 1e6, "seconds": seconds, "ended": ended}


if __name__ == "__main__":
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    if "--write" in sys.argv:
        (root / "paths.json").write_text(json.dumps({name: str(path) for name, path in write(root).items()}))
        sys.exit()
    # In a process of its own: making files that inflate takes what they inflate to.
    subprocess.run([sys.executable, __file__, str(root), "--write"], check=True)
    # What is loaded once, whatever is read first: readers, runtimes, compilers of kernels.
    np.savez(root / "good.npz", a=np.zeros(3))
    read_published(root / "good.npz")
    load_model("fast-x2")
    load("fast-x2")
    with torch.device("meta"):
        torch.nn.Conv2d(1, 1, 1)
    status = Path("/proc/self/status").read_text().splitlines()
    size = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))
    for case, path in json.loads((root / "paths.json").read_text()).items():
        sys.stdout.write(json.dumps({"name": case, **measure(CASES[case][2], Path(path))}) + "\n")
        sys.stdout.flush()
