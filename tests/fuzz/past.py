"""Contents that readers once broke on, each made anew; larger ones are in ``tests/hostile_files.py``."""

from __future__ import annotations

import json
from typing import Any

import torch
import yaml

from hnas.bundled import BUNDLED
from tests.fuzz.readers import CHAIN, GENOTYPE, PLAN, SMALL, STATE, made_run, table, tensors, torch_file
from tests.hostile_files import weights


def _without(value: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if name not in names} | more


def _bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


#: Both upsampling edges from -1, so that the weights of the other input get no gradient; it is a whole genotype.
ONE_INPUT = {
    "format": "hnas-genotype/1", "layers": 2, "position": 1, "normal": [[["identity", -1], ["identity", -1]]],
    "upsampling": [[["sub_pixel", -1], ["nearest", -1]]],
}  # fmt: skip
#: The reader, and what it is given.
PAST: list[tuple[str, bytes]] = [
    *(("settings of a training", text) for text in (
        b"train: {lr: 2001-02-30}", b"train: {steps: 0x_}", b"train: {steps: !!bool x}", b"train: {lr: .inf}",
        b"train: &a [*a]", b"? [a]\n: b", b"train: {steps: !!timestamp x}", b"train: !!python/name:os.system",
        b"train: {steps: 1_0}", b"train: 3", b"\xff\xfe", b"train: {1: 2}", b"- train",
    )),
    *(("genotype", content) for content in (
        _bytes(ONE_INPUT), _bytes(_without(GENOTYPE, "normal")), _bytes(_without(GENOTYPE, layers=10**30)),
        _bytes(_without(CHAIN, blocks=[])), b"[" * 100_000, b"NaN", b'{"format": "\\ud800"}', b"",
    )),
    *(("latency table", _bytes(value)) for value in (
        _without(table(), "machine"), _without(table(), milliseconds={"stem 8": float("inf")}),
        _without(table(), check=3),
    )),
    *(("run, its config.yaml", text) for text in (b"command: train\nlr: .nan", b"command: [train]", b"", b"&a")),
    *(("run, its candidates.jsonl", made_run()["run/candidates.jsonl"].replace(old, new)) for old, new in (
        (b'"macs": ', b'"macs": 1e999, "x": '), (b'"psnr": ', b'"psnr": null, "x": '), (b'"genotype": ', b'"g": '),
    )),
    *(("checkpoint, its values", torch_file(value)) for value in (
        _without(STATE, "format"), _without(STATE, place={"step": float("inf")}), [STATE], {}, torch.ones(3),
    )),
    ("weights, what they say", weights(SMALL, **{name: tensor * torch.nan for name, tensor in tensors().items()})),
    ("weights, what they say", weights(_without(SMALL, scale=2.5), **tensors())),
    ("published .pt", torch_file({"a": torch.zeros(1).expand(1 << 20)})),
    *(("plan", yaml.safe_dump(_without(PLAN, warm_start=value)).encode()) for value in (3, 0.5, [3], {"a": 1})),
    *(("plan", yaml.safe_dump({**PLAN, "models": {"a": {"model": value}}}).encode()) for value in (
        "9" * 400, "a\0b", "\n",
    )),
    ("graph", (BUNDLED / "fast-x2.onnx").read_bytes().replace(b'"description"', b'"\xff\xfe\xfdcription"')),
    ("picture", b"GIF89a"), ("picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 30),
]  # fmt: skip
