"""Weights files: ``.safetensors`` that say what they are the weights of.

A file holds the bare state dict, the model's description and its provenance. Both travel twice: as metadata, and as
a uint8 tensor of the same JSON, since readers such as spandrel pass on the tensors alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from hnas.bundled import bundled_models
from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.nets import build_model
from hnas.run_files import WEIGHTS

#: The tensor, and the metadata entry, that hold the JSON.
DESCRIPTION = "hnas.description"
#: No network of this project comes near it; a description is a few kilobytes.
_MAX_DESCRIPTION_BYTES = 1 << 20


@dataclass(frozen=True)
class WeightsFile:
    """What a weights file holds.

    Attributes:
        description: what :func:`hnas.nets.build_model` takes.
        provenance: how the weights came about: data, steps, seed, licence.
        tensors: the state dict.
    """

    description: dict[str, Any]
    provenance: dict[str, Any]
    tensors: dict[str, Tensor]


def locate_weights(name_or_path: str | Path) -> Path:
    """The weights file that a path, a run folder or the name of a bundled model means.

    Raises:
        HnasError: there is none.
    """
    path = Path(name_or_path)
    if path.is_dir():
        path /= WEIGHTS
    if path.is_file():
        return path
    bundled = bundled_models()
    if str(name_or_path) in bundled:
        return bundled[str(name_or_path)]
    names = f"; bundled models are {', '.join(bundled)}" if bundled else ""
    raise HnasError(f"{path}: no such weights file{names}")


def save_model(path: str | Path, model: nn.Module, provenance: Mapping[str, Any]) -> None:
    """Writes a model's weights with its description, whole or not at all.

    Args:
        path: of the ``.safetensors`` file.
        model: has the attribute ``description``.
        provenance: JSON values.
    """
    text = json.dumps({"description": model.description, "provenance": dict(provenance)})
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    tensors[DESCRIPTION] = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)
    write_atomically(Path(path), save(tensors, metadata={"format": "pt", DESCRIPTION: text}))


def read_weights(path: str | Path) -> WeightsFile:
    """Reads a weights file, named as :func:`locate_weights` says, without building the model.

    Raises:
        HnasError: the file is missing, no safetensors file, truncated, or says nothing of its model.
    """
    path = locate_weights(path)
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            if DESCRIPTION not in names:
                raise HnasError(
                    f"{path}: these weights do not say which model they belong to; a file written by hnas is needed "
                    f"(`hnas import` converts published ones)"
                )
            size = file.get_slice(DESCRIPTION).get_shape()
            if len(size) != 1 or size[0] > _MAX_DESCRIPTION_BYTES:
                raise HnasError(f"{path}: the description has the shape {size}; it is damaged")
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise HnasError(f"{path}: no readable .safetensors file ({error}); it may be truncated") from error
    description, provenance = parse_description(tensors.pop(DESCRIPTION), where=str(path))
    return WeightsFile(description, provenance, tensors)


def parse_description(tensor: Tensor, *, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The description and the provenance that a uint8 tensor holds as JSON.

    Raises:
        HnasError: it holds something else.
    """
    try:
        value = json.loads(bytes(tensor.to(torch.uint8).tolist()))
        description, provenance = dict(value["description"]), dict(value.get("provenance", {}))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise HnasError(f"{where}: the model's description is damaged") from error
    return description, provenance


def load_model(path: str | Path, *, expect: Mapping[str, Any] | None = None) -> nn.Module:
    """The model of a weights file, on the CPU and in evaluation mode.

    Args:
        path: see :func:`locate_weights`.
        expect: a description that the file's must equal, where the caller knows which model it wants.

    Raises:
        HnasError: as :func:`read_weights`, or the weights do not fit the model, or are those of another one.
    """
    file = read_weights(path)
    if expect is not None and dict(expect) != file.description:
        differing = sorted(
            key for key in expect.keys() | file.description.keys() if expect.get(key) != file.description.get(key)
        )
        raise HnasError(f"{path}: these are the weights of another model; it differs in {', '.join(differing)}")
    try:
        with torch.device("meta"):
            shadow = build_model(file.description)
    except HnasError as error:
        raise HnasError(f"{path}: {error}") from error
    # Nothing is allocated before the tensors at hand are known to fit.
    check_tensors(shadow, file.tensors, where=str(path))
    model = build_model(file.description)
    model.load_state_dict(file.tensors, strict=True)
    return model.eval()


def check_tensors(model: nn.Module, tensors: Mapping[str, Tensor], *, where: str) -> None:
    """Checks that a state dict matches a model (which may be on the meta device) exactly.

    Raises:
        HnasError: a tensor is missing, unknown or of another shape.
    """
    wanted = model.state_dict()
    problems = [f"lacks {name}" for name in wanted.keys() - tensors.keys()]
    problems += [f"has an unknown {name}" for name in tensors.keys() - wanted.keys()]
    problems += [
        f"has {name} of shape {tuple(tensors[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted.keys() & tensors.keys()
        if tensors[name].shape != wanted[name].shape
    ]
    if problems:
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise HnasError(f"{where}: the weights do not fit the model: the file {sorted(problems)[0]}{more}")
