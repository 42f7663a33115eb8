"""Reading published weights files of peers, whatever program wrote them, without running anything that they hold."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from hnas.errors import HnasError
from hnas.nets.peers import build_peer
from hnas.nets.peers.description import peer_description
from hnas.nets.peers.published import published_state
from hnas.torch_files import read_torch
from hnas.weights import check_tensors, refuse_not_finite, save_model
from hnas.zoo.matlab_file import read_matlab

#: Far more than any system of the table needs (DRCN has 7 MB), and little enough to be read by mistake.
MAX_BYTES = 1 << 29
#: Weights hardly compress: an archive of them unpacks to so many times its size, and so many bytes more.
_MOST_INFLATED, _INFLATED_BESIDE = 4, 1 << 20


def import_weights(
    file: str | Path, *, architecture: str, scale: int, output: str | Path, licence: str = ""
) -> nn.Module:
    """Converts a published weights file to one of this project.

    Args:
        file: ``.pth`` or ``.pt``, ``.npz``, ``.mat`` or ``.safetensors``.
        architecture: the peer that it holds the weights of.
        scale: which scale's weights to take.
        output: the ``.safetensors`` file to write; its provenance names the source and its SHA-256.
        licence: of the published weights, noted in the file.

    Returns:
        The model with its weights, in evaluation mode.

    Raises:
        HnasError: the file cannot be read, holds something else than tensors, or they do not fit the peer exactly.
    """
    file, output = Path(file), Path(output)
    if output.suffix != ".safetensors":
        raise HnasError(f"{output}: weights are written as .safetensors; choose such a name")
    model = published_model(file, architecture=architecture, scale=scale)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    save_model(output, model, {"source": "published", "file": file.name, "sha256": digest, "licence": licence})
    return model


def published_model(file: Path, *, architecture: str, scale: int) -> nn.Module:
    """The peer with the weights of a published file, in evaluation mode; as :func:`import_weights`."""
    with torch.device("meta"):
        shadow = build_peer(peer_description(architecture, scale))
    tensors = read_published(file)
    try:
        state = published_state(architecture, scale, tensors)
    except HnasError as error:
        raise HnasError(f"{file}: {error}") from error
    check_tensors(shadow, state, where=str(file))
    for name, tensor in state.items():
        refuse_not_finite(tensor, where=f"{file}: {name}")
    model = build_peer(peer_description(architecture, scale))
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=True)
    return model.eval()


def read_published(file: Path) -> dict[str, Tensor]:
    """All tensors of a weights file by name; those of nameless lists as ``1.weight``, ``1.bias``, ``1.slope`` ...

    Raises:
        HnasError: no such file, too large, of an unknown kind, damaged, or with more in it than tensors.
    """
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise HnasError(f"{file}: unknown kind of weights file; allowed are {', '.join(READERS)}")
    if not file.is_file():
        raise HnasError(f"{file}: no such file")
    if file.stat().st_size > MAX_BYTES:
        raise HnasError(f"{file}: larger than {MAX_BYTES >> 20} MiB; no system of the table has such a file")
    try:
        return reader(file)
    except HnasError:
        raise
    except Exception as error:  # a damaged stream makes these readers stumble in ways that no list covers
        raise HnasError(f"{file}: cannot be read ({_first_line(error)}); it is damaged or of another kind") from error


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]


def _torch(file: Path) -> dict[str, Tensor]:
    value = read_torch(file)
    # Some programs put the state dict into a checkpoint.
    for wrapper in ("state_dict", "params_ema", "params", "model"):
        if isinstance(value, Mapping) and isinstance(value.get(wrapper), Mapping):
            value = value[wrapper]
    if not isinstance(value, Mapping) or not all(isinstance(tensor, Tensor) for tensor in value.values()):
        raise HnasError(f"{file}: no state dict; a mapping from names to tensors is needed")
    return {str(name).removeprefix("module."): tensor for name, tensor in value.items()}


def _numpy(file: Path) -> dict[str, Tensor]:
    try:
        with zipfile.ZipFile(file) as members:
            unpacked = sum(member.file_size for member in members.infolist())
    except zipfile.BadZipFile as error:
        raise HnasError(f"{file}: not a whole .npz file ({error})") from error
    most = _MOST_INFLATED * file.stat().st_size + _INFLATED_BESIDE
    if unpacked > most:
        raise HnasError(f"{file}: unpacks to {unpacked >> 20} MiB; allowed are {most >> 20}, a few times its size")
    with np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def _matlab(file: Path) -> dict[str, Tensor]:
    values = read_matlab(file)
    if "model" in values:
        return _vdsr(values["model"])
    if "weights_conv" in values:
        weights, biases = (list(values[name].ravel()) for name in ("weights_conv", "biases_conv"))
        slopes = [np.ravel(slope) for slope in values["prelu_conv"].ravel()] if "prelu_conv" in values else []
    else:
        count = sum(name.startswith("weights_conv") for name in values)
        weights = [values[f"weights_conv{number}"] for number in range(1, count + 1)]
        biases = [values[f"biases_conv{number}"] for number in range(1, count + 1)]
        slopes = []
    if not weights:
        raise HnasError(f"{file}: has neither weights_conv1, weights_conv nor model, as published files have")
    layers = [_from_patches(weight, first=index == 0) for index, weight in enumerate(weights)]
    return _numbered(layers, biases, slopes)


def _vdsr(model: NDArray[Any]) -> dict[str, Tensor]:
    """VDSR: a struct with the cells ``weight`` (height, width, in, out) and ``bias``."""
    weights, biases = (list(model[name][0, 0].ravel()) for name in ("weight", "bias"))
    # MATLAB drops dimensions of 1 at the end.
    four = [weight.reshape(weight.shape + (1,) * (4 - weight.ndim)) for weight in weights]
    return _numbered([weight.transpose(3, 2, 0, 1) for weight in four], biases, [])


def _from_patches(weight: NDArray[Any], *, first: bool) -> NDArray[Any]:
    """SRCNN and FSRCNN: (in, size * size, out) with the filter's columns one after another, to (out, in, size, size).

    MATLAB drops the first layer's single input where the file has no room for it, and a single output at the end.
    """
    if weight.ndim == 2:
        weight = weight[None] if first else weight[..., None]
    inputs, area, outputs = weight.shape
    size = round(area**0.5)
    return weight.reshape(inputs, size, size, outputs).transpose(3, 0, 2, 1)


def _numbered(weights: list[NDArray[Any]], biases: list[NDArray[Any]], slopes: list[NDArray[Any]]) -> dict[str, Tensor]:
    if len(weights) != len(biases):
        raise ValueError(f"{len(weights)} convolutions and {len(biases)} biases")
    tensors = {}
    for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        tensors[f"{index + 1}.weight"] = _tensor(weight)
        tensors[f"{index + 1}.bias"] = _tensor(np.ravel(bias))
        if index < len(slopes):
            tensors[f"{index + 1}.slope"] = _tensor(slopes[index])
    return tensors


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


READERS: dict[str, Callable[[Path], dict[str, Tensor]]] = {
    ".pth": _torch,
    ".pt": _torch,
    ".npz": _numpy,
    ".mat": _matlab,
    ".safetensors": load_file,
}
