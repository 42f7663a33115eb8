"""A trained model as a smaller graph that computes the same: what is exact is merged, joined or dropped.

A chain is folded into plain convolutions first (:mod:`hnas.nets.chain.folding`). Dropped: identities, and batch
normalisation (folded into the convolution before it). Merged: equal computations of one input, such as two `bilinear`
edges from one node. Joined: parallel 1x1 convolutions of one input (a cell's output feeds two later cells), and sums of
equally shaped convolutions of one input, which are one convolution with the sum of their weights. The bicubic
enlargement of the picture becomes a depthwise convolution and a pixel shuffle. Results differ from the model's by
rounding alone.
"""

from __future__ import annotations

import copy
import operator
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hnas.nets.bicubic import RADIUS, bicubic_convolution
from hnas.nets.forms import plain_form
from hnas.nets.trim import Trim

_ADDITIONS: tuple[Any, ...] = (operator.add, torch.add)
#: Of what :func:`simplify` gives, the largest difference from the model that is put down to rounding.
TOLERANCE = 1e-5


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, nn.Conv2d | Trim) or super().is_leaf_module(module, name)


def simplify(model: nn.Module, *, tiles: bool = False, convolve_bicubic: bool = True) -> nn.Module:
    """A copy of a model for running only: same input, same output to 1e-5, fewer operations.

    Args:
        model: any of ours, in evaluation mode, on the CPU.
        tiles: keep what leaves out, from cell to cell, what a tile no longer needs.
        convolve_bicubic: write a bicubic skip as a convolution, which processors run faster than interpolation.

    Returns:
        The simplified model; a plain copy where the model cannot be traced.
    """
    model = plain_form(copy.deepcopy(model).eval())
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for module in model.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]  # merging needs values that stay
    try:
        with torch.no_grad():
            graph = _Tracer().trace(model)
    except (fx.proxy.TraceError, TypeError):
        return model
    traced = fx.GraphModule(model, graph)
    _drop(traced, (nn.Identity, nn.Dropout) if tiles else (nn.Identity, nn.Dropout, Trim))
    if convolve_bicubic:
        _convolve_bicubic(traced)
    steps = (_fold_normalisation, _merge_equal, _join_sums, _join_parallel)
    while sum(step(traced) for step in steps):  # every step, until none changes anything
        pass
    traced.graph.lint()
    traced.recompile()
    traced.delete_all_unused_submodules()
    for name in ("scale", "description"):
        setattr(traced, name, getattr(model, name, None))
    return traced.eval()


def largest_difference(model: nn.Module, other: Callable[[Tensor], Tensor], sizes: Iterable[tuple[int, int]]) -> float:
    """The largest difference between two networks' outputs on random pictures of these sizes (height, width)."""
    generator = torch.Generator().manual_seed(0)
    largest = 0.0
    with torch.inference_mode():
        for size in sizes:
            picture = torch.rand(1, 3, *size, generator=generator)
            largest = max(largest, float((model(picture) - other(picture)).abs().max()))
    return largest


def _module(traced: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return traced.get_submodule(str(node.target)) if node.op == "call_module" else None


def _replace(traced: fx.GraphModule, node: fx.Node, by: fx.Node) -> None:
    node.replace_all_uses_with(by)
    traced.graph.erase_node(node)


def _add_module(traced: fx.GraphModule, module: nn.Module) -> str:
    name = f"joined_{sum(1 for _ in traced.children())}"
    traced.add_submodule(name, module)
    return name


def _fold_normalisation(traced: fx.GraphModule) -> bool:
    changed = False
    for node in list(traced.graph.nodes):
        norm = _module(traced, node)
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None:
            continue
        before = node.args[0]
        conv = _module(traced, before)
        if isinstance(conv, nn.Conv2d | nn.ConvTranspose2d) and len(before.users) == 1:
            fused = fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d))
            before.target = _add_module(traced, fused)
            _replace(traced, node, before)
            changed = True
    return changed


def _drop(traced: fx.GraphModule, kinds: tuple[type[nn.Module], ...]) -> None:
    for node in list(traced.graph.nodes):
        if isinstance(_module(traced, node), kinds):
            _replace(traced, node, node.args[0])


def _convolve_bicubic(traced: fx.GraphModule) -> None:
    """The picture's bicubic enlargement as a convolution and a shuffle."""
    for node in list(traced.graph.nodes):
        if (
            node.target is not F.interpolate
            or node.kwargs["mode"] != "bicubic"
            or not _is_picture(traced, node.args[0])
        ):
            continue
        scale = node.kwargs["scale_factor"]
        again = node.args[0]
        for module in (nn.ReplicationPad2d(RADIUS), bicubic_convolution(scale, groups=3), nn.PixelShuffle(scale)):
            with traced.graph.inserting_before(node):
                again = traced.graph.call_module(_add_module(traced, module.requires_grad_(False)), (again,))
        _replace(traced, node, again)


def _is_picture(traced: fx.GraphModule, node: fx.Node) -> bool:
    """Whether it is what comes in, or a part of that."""
    if isinstance(_module(traced, node), Trim):
        node = node.all_input_nodes[0]
    return node.op == "placeholder"


def _merge_equal(traced: fx.GraphModule) -> bool:
    """One computation instead of several equal ones of the same input."""
    first: dict[Hashable, fx.Node] = {}
    changed = False
    for node in list(traced.graph.nodes):
        what = _what(traced, node)
        if what is None:
            continue
        key = what, _frozen(node.args), _frozen(node.kwargs)
        if key in first:
            _replace(traced, node, first[key])
            changed = True
        else:
            first[key] = node
    return changed


def _what(traced: fx.GraphModule, node: fx.Node) -> Hashable:
    """What a node computes, apart from its inputs; None where that cannot be compared."""
    if node.op in ("call_function", "call_method", "get_attr"):
        return node.op, node.target
    module = _module(traced, node)
    if module is None:
        return None
    return str(node.target) if any(True for _ in module.parameters()) else repr(module)


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple(sorted((name, _frozen(item)) for name, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return repr(value) if isinstance(value, slice) else value


def _join_sums(traced: fx.GraphModule) -> bool:
    """f(a) + f(b) becomes f(a + b) for linear f without weights; u(x) + v(x) becomes (u + v)(x) for convolutions."""
    for node in traced.graph.nodes:
        if node.target not in _ADDITIONS or node.kwargs or not all(isinstance(arg, fx.Node) for arg in node.args):
            continue
        left, right = node.args
        if left is right or len(left.users) > 1 or len(right.users) > 1:
            continue
        if _is_linear(traced, left) and _what(traced, left) == _what(traced, right):
            if _frozen(left.args[1:]) != _frozen(right.args[1:]) or _frozen(left.kwargs) != _frozen(right.kwargs):
                continue
            with traced.graph.inserting_before(node):
                total = traced.graph.call_function(operator.add, (left.args[0], right.args[0]))
                again = traced.graph.create_node(left.op, left.target, (total, *left.args[1:]), dict(left.kwargs))
        elif left.args and right.args and left.args[0] is right.args[0] and _same_shape(traced, left, right):
            with traced.graph.inserting_before(node):
                joined = _add_module(traced, _summed(_module(traced, left), _module(traced, right)))
                again = traced.graph.call_module(joined, (left.args[0],))
        else:
            continue
        _replace(traced, node, again)
        traced.graph.erase_node(left)
        traced.graph.erase_node(right)
        return True
    return False


def _is_linear(traced: fx.GraphModule, node: fx.Node) -> bool:
    return node.target in (F.interpolate, F.pixel_shuffle) or isinstance(_module(traced, node), nn.PixelShuffle)


def _convolution_shape(module: nn.Module | None) -> Hashable:
    """What must be equal for two convolutions to be joined; None for other modules."""
    if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d) or module.padding_mode != "zeros":
        return None
    extra = module.output_padding if isinstance(module, nn.ConvTranspose2d) else ()
    return (
        isinstance(module, nn.Conv2d), module.in_channels, module.kernel_size, module.stride, module.padding,
        module.dilation, module.groups, extra,
    )  # fmt: skip


def _same_shape(traced: fx.GraphModule, left: fx.Node, right: fx.Node) -> bool:
    first, second = _module(traced, left), _module(traced, right)
    shape = _convolution_shape(first)
    return (
        shape is not None and shape == _convolution_shape(second) and first.out_channels == second.out_channels  # type: ignore[union-attr]
    )


def _bias(module: Any) -> Tensor:
    bias: Tensor = module.weight.new_zeros(module.out_channels) if module.bias is None else module.bias
    return bias


def _summed(left: Any, right: Any) -> nn.Module:
    joined = copy.deepcopy(left)
    joined.weight = nn.Parameter(left.weight + right.weight, requires_grad=False)
    if left.bias is not None or right.bias is not None:
        joined.bias = nn.Parameter(_bias(left) + _bias(right), requires_grad=False)
    return joined  # type: ignore[no-any-return]


def _join_parallel(traced: fx.GraphModule) -> bool:
    """1x1 convolutions of one input as one convolution, whose output is split."""
    changed = False
    for group in list(_parallel(traced)):
        modules: list[Any] = [_module(traced, node) for node in group]
        first = modules[0]
        has_bias = any(module.bias is not None for module in modules)
        sizes = [module.out_channels for module in modules]
        joined = nn.Conv2d(first.in_channels, sum(sizes), 1, bias=has_bias)
        joined.weight = nn.Parameter(torch.cat([module.weight for module in modules]), requires_grad=False)
        if has_bias:
            joined.bias = nn.Parameter(torch.cat([_bias(module) for module in modules]), requires_grad=False)
        with traced.graph.inserting_before(group[0]):
            node = traced.graph.call_module(_add_module(traced, joined), (group[0].args[0],))
            parts = traced.graph.call_function(torch.split, (node, sizes, 1))
            outputs = [traced.graph.call_function(operator.getitem, (parts, index)) for index in range(len(group))]
        for old, new in zip(group, outputs, strict=True):
            _replace(traced, old, new)
        changed = True
    return changed


def _parallel(traced: fx.GraphModule) -> Iterator[list[fx.Node]]:
    groups: dict[tuple[fx.Node, Hashable], list[fx.Node]] = defaultdict(list)
    for node in traced.graph.nodes:
        module = _module(traced, node)
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1:
            groups[node.args[0], _convolution_shape(module)].append(node)
    yield from (group for group in groups.values() if len(group) > 1)
