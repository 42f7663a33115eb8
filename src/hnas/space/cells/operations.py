"""The operations of cells (paper, II-A and Table I; ``conv_3x3`` beside them): all that is known of each in one entry.

Spaces, drawings, costs, the margins of tiles and latency tables follow from these entries. Costs count multiply-adds
(MACs) of convolutions, transposed ones included, as ``torch.utils.flop_counter`` does (its FLOPs halved);
interpolation, normalisation and activations count as nothing, the field's convention.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from hnas.errors import HnasError
from hnas.registry import Registry
from hnas.space.cells.settings import Norm
from hnas.space.style import PLAIN_CONVOLUTION, Style

CellKind = Literal["normal", "upsampling"]
#: (channels, by how much it enlarges, normalisation) to a torch module.
Build = Callable[[int, int, Norm], Any]

#: RCAN's channel attention squeezes by 16 (Zhang et al. 2018, 4.1), which is 4 channels at its C = 64. Narrow
#: networks keep those 4: a single one behind a ReLU is dead from the start half of the time.
_ATTENTION_REDUCTION = 16
_ATTENTION_CHANNELS = 4


@dataclass(frozen=True)
class OperationCost:
    """What an operation costs.

    Attributes:
        macs_per_pixel: for every pixel of its input.
        macs_per_picture: once, whatever the size (attention over pooled features).
        params: number of trained parameters.
    """

    macs_per_pixel: int = 0
    macs_per_picture: int = 0
    params: int = 0


@dataclass(frozen=True)
class Operation:
    """An operation of cells. Those of upsampling cells are given the scale to enlarge by, or 1 between nodes.

    Attributes:
        build: makes the module, from (N, C, H, W) to (N, C, enlarge * H, enlarge * W). One that has another form to
            run and export gives that by its method ``folded`` (:func:`hnas.nets.forms.plain_form`).
        cost: of what ``build`` makes, for the same arguments: multiply-adds as it is run, parameters as trained.
        radius: how far an output pixel looks, in pixels of the input, by how much the operation enlarges.
        style: how it is drawn, and named in reports.
        pools: whether it averages the whole picture too, by a :class:`hnas.nets.global_mean.GlobalMean`.
        paper: whether the paper's space has it; others are chosen by name.
    """

    build: Build
    cost: Callable[[int, int, Norm], OperationCost]
    radius: Callable[[int], int]
    style: Style
    pools: bool = False
    paper: bool = False


def norm_params(norm: Norm, channels: int) -> int:
    """Parameters of the normalisation after a convolution."""
    return 0 if norm == "none" else 2 * channels


def attention_channels(channels: int) -> int:
    """Channels that attention squeezes its pooled features to."""
    return max(_ATTENTION_CHANNELS, channels // _ATTENTION_REDUCTION)


def deconvolution_size(enlarge: int) -> int:
    """Side of a transposed convolution's filters: 3, and the stride where 3 would leave gaps (x4 and more)."""
    return max(3, enlarge)


def _made_by(function: str, *args: int | str) -> Build:
    """A function of :mod:`hnas.nets.operations`, which is imported when a module is made: drawing needs no torch."""
    return lambda *asked: getattr(import_module("hnas.nets.operations"), function)(*args, *asked)


def _convolution_cost(channels: int, norm: Norm, macs: int) -> OperationCost:
    """Of convolutions without bias, one weight a multiply-add, then normalisation."""
    return OperationCost(macs_per_pixel=macs, params=macs + norm_params(norm, channels))


def _separable(size: int, *, dilation: int, times: int, style: Style) -> Operation:
    def cost(channels: int, _: int, norm: Norm) -> OperationCost:
        macs = times * (size**2 * channels + channels**2)
        return OperationCost(macs_per_pixel=macs, params=macs + times * norm_params(norm, channels))

    reach = times * dilation * (size // 2)
    return Operation(_made_by("separable", size, dilation, times), cost, lambda _: reach, style, paper=True)


def _projection_cost(channels: int, _: int, __: Norm) -> OperationCost:
    macs = 6 * 9 * 4 * channels**2
    return OperationCost(macs_per_pixel=macs, params=macs)


def _attention_cost(channels: int, _: int, __: Norm) -> OperationCost:
    body = 2 * 9 * channels**2
    attention = 2 * channels * attention_channels(channels)
    return OperationCost(macs_per_pixel=body, macs_per_picture=attention, params=body + attention)


def _sub_pixel_cost(channels: int, enlarge: int, norm: Norm) -> OperationCost:
    return OperationCost() if enlarge == 1 else _convolution_cost(channels, norm, 9 * channels**2 * enlarge**2)


def _deconvolution_cost(channels: int, enlarge: int, norm: Norm) -> OperationCost:
    return _convolution_cost(channels, norm, deconvolution_size(enlarge) ** 2 * channels**2)


def _free(*_: object) -> OperationCost:
    return OperationCost()


def _where_it_enlarges(enlarge: int) -> int:
    """One pixel around; the identity, which looks nowhere, between nodes."""
    return 1 if enlarge > 1 else 0


def _interpolation(mode: Literal["nearest", "bilinear"], style: Style) -> Operation:
    return Operation(_made_by("interpolation", mode), _free, _where_it_enlarges, style, paper=True)


#: By name, in the order of tokens and legends. No name stands in both.
_OWN: Mapping[CellKind, dict[str, Operation]] = {
    "normal": {
        "identity": Operation(
            _made_by("identity"), _free, lambda _: 0, Style("#64748b", "identity", "passes its input on"), paper=True
        ),
        "dil_conv_3x3": _separable(
            3, dilation=2, times=1, style=Style("#0e7a6d", "dil conv 3×3", "dilated convolution")
        ),
        "dil_conv_5x5": _separable(
            5, dilation=2, times=1, style=Style("#0b5563", "dil conv 5×5", "dilated convolution")
        ),
        "sep_conv_3x3": _separable(
            3, dilation=1, times=2, style=Style("#2f6fd0", "sep conv 3×3", "separable convolution, twice")
        ),
        "sep_conv_5x5": _separable(
            5, dilation=1, times=2, style=Style("#3730a3", "sep conv 5×5", "separable convolution, twice")
        ),
        "up_down_projection": Operation(
            _made_by("up_down_projection"),
            _projection_cost,
            lambda _: 6,
            Style("#b4540a", "up-down proj.", "up- and down-projection block"),
            paper=True,
        ),
        "rcab": Operation(
            _made_by("rcab"),
            _attention_cost,
            lambda _: 2,
            Style("#a3195b", "RCAB", "residual channel attention block"),
            pools=True,
            paper=True,
        ),
        "conv_3x3": Operation(
            _made_by("plain_convolution"),
            lambda channels, _, norm: _convolution_cost(channels, norm, 9 * channels**2),
            lambda _: 1,
            PLAIN_CONVOLUTION,
        ),
    },
    "upsampling": {
        "area": _interpolation("nearest", Style("#6b7280", "area", "interpolation")),  # equal at whole numbers
        "bilinear": _interpolation("bilinear", Style("#4d7c0f", "bilinear", "interpolation")),
        "nearest": _interpolation("nearest", Style("#0e7490", "nearest", "interpolation")),
        "sub_pixel": Operation(
            _made_by("sub_pixel"),
            _sub_pixel_cost,
            _where_it_enlarges,
            Style("#7c3aed", "sub-pixel", "convolution, then pixel shuffle"),
            paper=True,
        ),
        "deconvolution": Operation(
            _made_by("deconvolution"),
            _deconvolution_cost,
            lambda _: 1,
            Style("#be123c", "deconvolution", "transposed convolution"),
            paper=True,
        ),
    },
}

#: What an edge of each kind of cell may be.
OPERATIONS: Mapping[CellKind, Registry[Operation]] = {
    "normal": Registry("operation", "hnas.operations", _OWN["normal"], kind=Operation),
    "upsampling": Registry("operation", "hnas.upsampling_operations", _OWN["upsampling"], kind=Operation),
}

#: The paper's seven and five.
NORMAL_OPERATIONS, UPSAMPLING_OPERATIONS = (
    tuple(name for name, operation in operations.items() if operation.paper) for operations in _OWN.values()
)


def register_operation(name: str, operation: Operation, *, cell: CellKind = "normal") -> None:
    """Adds an operation of cells, for this process; it is searched where settings name it.

    A package adds one for every process by an entry point of the group ``hnas.operations``, or
    ``hnas.upsampling_operations`` for one of upsampling cells, whose name is the operation's.

    Args:
        name: small letters, digits, ``_`` and ``-``.
        operation: all that is known of it.
        cell: the kind of cell that has it.

    Raises:
        HnasError: a name that is taken or none, or no operation.
    """
    for kind, others in OPERATIONS.items():
        if kind != cell and name in others:
            raise HnasError(f"the operation {name!r} is not registered: {kind} cells have one of this name")
    OPERATIONS[cell].register(name, operation)


def operation_of(name: str) -> Operation:
    """An operation by its name.

    Raises:
        HnasError: there is none of this name, or the package that brings it is broken.
    """
    for operations in OPERATIONS.values():
        if name in operations:
            return operations[name]
    known = (name for operations in OPERATIONS.values() for name in operations)
    raise HnasError(f"unknown operation {name!r}; allowed are {', '.join(known)}")
