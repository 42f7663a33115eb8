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
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from hnas.bundled import locate_weights
from hnas.description import MAX_BYTES, parse_description
from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.nets import build_model, refuse_more_parameters
from hnas.nets.packages import packages_of, refuse_absent_packages

#: The tensor, and the metadata entry, that hold the JSON.
DESCRIPTION = "hnas.description"
#: In the JSON, where the network has parts of other people's packages: their names and versions.
PACKAGES = "packages"
#: Of weights, and of the counters beside them.
_TYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64)


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


def save_model(path: str | Path, model: nn.Module, provenance: Mapping[str, Any]) -> None:
    """Writes a model's weights with its description, whole or not at all.

    Args:
        path: of the ``.safetensors`` file.
        model: has the attribute ``description``.
        provenance: JSON values.
    """
    said: dict[str, Any] = {"description": model.description, "provenance": dict(provenance)}
    if packages := packages_of(said["description"]):
        said[PACKAGES] = packages
    text = json.dumps(said)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    tensors[DESCRIPTION] = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)
    write_atomically(Path(path), save(tensors, metadata={"format": "pt", DESCRIPTION: text}))


def read_weights(path: str | Path) -> WeightsFile:
    """Reads a weights file, named as :func:`hnas.bundled.locate_weights` says, without building the model.

    Raises:
        HnasError: the file is missing, no safetensors file, truncated, says nothing of its model, has parts of a
            package that is not installed, or holds a number that is not finite.
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
            said = description_in(file.get_tensor(DESCRIPTION), where=str(path))
            names.remove(DESCRIPTION)
            refuse_absent_packages(said.get(PACKAGES, {}), where=str(path))
            refuse_more_parameters(said["description"], path.stat().st_size, where=str(path))
            tensors = {name: file.get_tensor(name) for name in names}
    except HnasError:
        raise
    except Exception as error:  # a type of numbers that torch has not raises what no list covers
        raise HnasError(f"{path}: no readable .safetensors file ({error}); it may be truncated") from error
    for name, tensor in tensors.items():
        refuse_not_finite(tensor, where=f"{path}: {name}")
    return WeightsFile(said["description"], said["provenance"], tensors)


def description_in(tensor: Tensor, *, where: str) -> dict[str, Any]:
    """What the tensor :data:`DESCRIPTION` says; see :func:`hnas.description.parse_description`.

    Raises:
        HnasError: it says nothing of a model.
    """
    if tensor.dtype != torch.uint8 or tensor.ndim != 1 or len(tensor) > MAX_BYTES:
        raise HnasError(f"{where}: the model's description is damaged ({tensor.dtype}, {tuple(tensor.shape)})")
    return parse_description(tensor.numpy().tobytes(), where=where)


def refuse_not_finite(tensor: Tensor, *, where: str) -> None:
    """Raises :class:`HnasError` unless all numbers are finite, and of a type that weights have.

    Args:
        tensor: weights.
        where: their file and name.
    """
    if tensor.dtype not in _TYPES:
        raise HnasError(f"{where} holds {tensor.dtype}; allowed are {', '.join(map(str, _TYPES))}")
    if not bool(tensor.isfinite().all()):
        raise HnasError(f"{where} holds numbers that are not finite; the file is damaged, or its training went wrong")


def load_model(path: str | Path, *, expect: Mapping[str, Any] | None = None) -> nn.Module:
    """The model of a weights file, on the CPU and in evaluation mode.

    Args:
        path: see :func:`hnas.bundled.locate_weights`.
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
