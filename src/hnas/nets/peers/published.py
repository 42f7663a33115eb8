"""Key maps: from the tensors of a published weights file to the state dict of a peer. Values only, no files.

Every map is explicit and complete: a tensor that no rule knows is an error, never left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from hnas.errors import HnasError
from hnas.nets.peers import abpn, ecbsr, etds
from hnas.nets.peers.fsrcnn import MAPPINGS
from hnas.nets.peers.rgb import MEAN
from hnas.nets.peers.vdsr import DEPTH

#: (tensors, scale) to a state dict.
KeyMap = Callable[[Mapping[str, Tensor], int], dict[str, Tensor]]


def published_state(architecture: str, scale: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a peer from the tensors that its authors published.

    Args:
        architecture: one of :data:`KEY_MAPS`.
        scale: which scale's weights to take from a file that holds several.
        tensors: as the file names them; for lists without names ``1.weight``, ``1.bias``, ``1.slope``, ``2.weight``.

    Raises:
        HnasError: no map for this architecture, or a tensor that the map does not know.
    """
    if architecture not in KEY_MAPS:
        raise HnasError(f"no published weights of {architecture!r} are known; allowed are {', '.join(KEY_MAPS)}")
    return KEY_MAPS[architecture](tensors, scale)


def _renamed(tensors: Mapping[str, Tensor], rules: Iterable[tuple[str, str | None]]) -> dict[str, Tensor]:
    """Renames by the first rule (regular expression, replacement) that matches a whole name; None drops the tensor."""
    state = {}
    for name, tensor in tensors.items():
        for pattern, replacement in rules:
            if match := re.fullmatch(pattern, name):
                if replacement is not None:
                    state[match.expand(replacement)] = tensor
                break
        else:
            raise HnasError(f"the file has a tensor {name!r}, which the published weights do not have")
    return state


def _carn(tensors: Mapping[str, Tensor], scale: int) -> dict[str, Tensor]:
    """CARN and CARN-M of the authors' repository: one trunk, an upsampler for each scale, or for one."""
    mean = torch.tensor(MEAN)
    for name, sign in (("sub_mean", -1), ("add_mean", 1)):
        shift = tensors.get(f"{name}.shifter.bias")
        if shift is not None and not torch.allclose(shift.float(), sign * mean, atol=1e-4):
            raise HnasError(f"the file's {name} is {shift.tolist()}; this network has {(sign * mean).tolist()}")
    return _renamed(
        tensors,
        [
            (r"(entry|exit)\.(weight|bias)", r"\1.\2"),
            *(
                (rf"b{i + 1}\.b{j + 1}\.(body\..*)", rf"cascade.blocks.{i}.blocks.{j}.\1")
                for i in range(3)
                for j in range(3)
            ),
            *(
                (rf"b{i + 1}\.c{j + 1}\.body\.0\.(.*)", rf"cascade.blocks.{i}.joins.{j}.\1")
                for i in range(3)
                for j in range(3)
            ),
            *((rf"c{i + 1}\.body\.0\.(.*)", rf"cascade.joins.{i}.\1") for i in range(3)),
            (rf"upsample\.up{scale}\.body\.(.*)", r"enlarge.\1"),
            (r"upsample\.up\.body\.(.*)", r"enlarge.\1"),
            (r"upsample\.up[234]\.body\..*", None),
            (r"(sub|add)_mean\.shifter\.(weight|bias)", None),
        ],
    )


def _elastic(cell: str) -> KeyMap:
    """FALSR-B and MoreMNAS-D: a TensorFlow graph's constants, named by their place in it."""

    def state(tensors: Mapping[str, Tensor], scale: int) -> dict[str, Tensor]:
        weight = r"(?:kernel|W|W_depthwise2d)"
        bias = r"(?:bias|b|b_depthwise2d)"
        places = [
            (r"n32s1\|c\|", "first."),
            (r"n32s1\|2\|0\|", "last."),
            (r"yout\|", "luma."),
            (r"cell(\d)\|\w+?_conv_supple\|", rf"{cell}squeeze."),
            (r"cell(\d)\|\w+?_b(\d)_conv_1\|", rf"{cell}units.\2.0."),
            (r"cell(\d)\|\w+?_b(\d)depth_wise\|", rf"{cell}units.\2.2."),
            (r"cell(\d)\|\w+?_b(\d)_conv_2\|", rf"{cell}units.\2.4."),
            (r"cell(\d)\|\w+?_b(\d)\|", rf"{cell}layers.\2."),
        ]
        # What is no weight: shapes and axes (scalars), and the conversion from YPbPr to RGB at the end.
        named = {
            name.partition("|")[2]: _from_tensorflow(tensor, depthwise=name.endswith("W_depthwise2d"))
            for name, tensor in tensors.items()
            if tensor.ndim and not name.endswith(("|Const", "|Const_1"))
        }
        return _renamed(
            named,
            [
                *((place + weight, name + "weight") for place, name in places),
                *((place + bias, name + "bias") for place, name in places),
            ],
        )

    return state


def _from_tensorflow(tensor: Tensor, *, depthwise: bool) -> Tensor:
    """(height, width, in, out) to torch's (out, in, height, width); depthwise (height, width, channels, 1) likewise."""
    if tensor.ndim != 4:
        return tensor
    order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    return tensor.permute(order).contiguous()


def _smfanet(tensors: Mapping[str, Tensor], scale: int) -> dict[str, Tensor]:
    """SMFANet and SMFANet+ of the authors' repository."""
    block = r"feats\.(\d+)\."
    aggregate, feed = r"blocks.\1.aggregate.", r"blocks.\1.feed."
    return _renamed(
        tensors,
        [
            (r"to_feat\.(.*)", r"first.\1"),
            (r"to_img\.0\.(.*)", r"last.\1"),
            (rf"{block}smfa\.linear_0\.(.*)", rf"{aggregate}split.\2"),
            (rf"{block}smfa\.linear_1\.(.*)", rf"{aggregate}modulate.\2"),
            (rf"{block}smfa\.linear_2\.(.*)", rf"{aggregate}join.\2"),
            (rf"{block}smfa\.dw_conv\.(.*)", rf"{aggregate}small.\2"),
            (rf"{block}smfa\.alpha", rf"{aggregate}small_weight"),
            (rf"{block}smfa\.belt", rf"{aggregate}variance_weight"),
            (rf"{block}smfa\.lde\.conv_0\.(\d)\.(.*)", rf"{aggregate}detail.\2.\3"),
            (rf"{block}smfa\.lde\.conv_1\.(.*)", rf"{aggregate}detail.3.\2"),
            (rf"{block}pcfn\.conv_0\.(.*)", rf"{feed}widen.\2"),
            (rf"{block}pcfn\.conv_1\.(.*)", rf"{feed}convolve.\2"),
            (rf"{block}pcfn\.conv_2\.(.*)", rf"{feed}narrow.\2"),
        ],
    )


def _plain_list(*layers: tuple[str, str | None]) -> KeyMap:
    """Chains, such as SRCNN, VDSR and ETDS: the n-th convolution of the file is the n-th of the network.

    Args:
        layers: for each convolution its name in the network, and that of the PReLU after it, where there is one.
    """

    def state(tensors: Mapping[str, Tensor], scale: int) -> dict[str, Tensor]:
        found = _convolutions_in_order(tensors)
        if len(found) != len(layers):
            raise HnasError(f"the file has {len(found)} convolutions; this network has {len(layers)}")
        named = {}
        for number, ((convolution, prelu), layer) in enumerate(zip(layers, found, strict=True), 1):
            weight = layer["weight"]
            named[f"{convolution}.weight"] = weight
            # Some published files of VDSR have no biases at all.
            channels = weight.shape[1 if convolution == "enlarge" else 0]
            named[f"{convolution}.bias"] = layer.get("bias", torch.zeros(channels))
            if prelu is not None:
                if "slope" not in layer:
                    raise HnasError(f"the file has no PReLU after its convolution {number}; this network has one")
                named[f"{prelu}.weight"] = layer["slope"].expand(channels).clone()
            elif "slope" in layer:
                raise HnasError("the file has a PReLU where this network has none")
        return named

    return state


def _convolutions_in_order(tensors: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """Groups ``name.weight``, ``name.bias`` (four and one dimensions) and PReLU slopes (one) by layer, in order."""
    found: list[dict[str, Tensor]] = []
    for name, tensor in sorted(tensors.items(), key=_place_in_vdsr):
        kind = name.rpartition(".")[2]
        if kind == "weight" and tensor.ndim == 4:
            found.append({"weight": tensor})
            continue
        # A PReLU of torch is a layer of its own with one one-dimensional weight.
        kind = "slope" if kind == "weight" and tensor.ndim == 1 else kind
        if kind not in ("bias", "slope") or tensor.ndim != 1 or not found or kind in found[-1]:
            raise HnasError(f"the file's {name!r} of shape {tuple(tensor.shape)} belongs to no convolution")
        found[-1][kind] = tensor
    return found


def _place_in_vdsr(item: tuple[str, Tensor]) -> int:
    """A published VDSR lists its first and last layer after the ones between; everything else is in order already."""
    return {"input": -1, "output": 1}.get(item[0].partition(".")[0], 0)


def _every_other(count: int) -> list[tuple[str, None]]:
    """The names of so many convolutions in ``layers``, each followed by an activation without weights."""
    return [(f"layers.{2 * index}", None) for index in range(count)]


def _with_prelu(count: int) -> list[tuple[str, str]]:
    """The same, each followed by a PReLU."""
    return [(f"layers.{2 * index}", f"layers.{2 * index + 1}") for index in range(count)]


KEY_MAPS: dict[str, KeyMap] = {
    "carn": _carn,
    "carn-m": _carn,
    "falsr-b": _elastic(r"cell\1."),
    "moremnas-d": _elastic(r"cells.\1."),
    "srcnn": _plain_list(("extract", None), ("map", None), ("reconstruct", None)),
    "vdsr": _plain_list(*_every_other(DEPTH)),
    "fsrcnn": _plain_list(*_with_prelu(MAPPINGS + 3), ("enlarge", None)),
    "fsrcnn-rgb": _plain_list(*_with_prelu(MAPPINGS + 3), ("enlarge", None)),
    "espcn-rgb": _plain_list(*_every_other(3)),
    **{
        name: _plain_list(*_with_prelu(blocks + 1), (f"layers.{2 * blocks + 2}", None))
        for name, (blocks, _) in ecbsr.SIZES.items()
    },
    **{name: _plain_list(*_every_other(depth + 3)) for name, (depth, _) in abpn.SIZES.items()},
    **{
        name: _plain_list(*_every_other(depth + 1), ("tail", None), ("clip", None))
        for name, (depth, _) in etds.SIZES.items()
    },
    "smfanet": _smfanet,
    "smfanet-plus": _smfanet,
}
