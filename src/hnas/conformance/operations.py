"""What every operation of cells promises: its entry tells the truth about its module."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import get_args

import torch
from torch.utils.flop_counter import FlopCounterMode

from hnas.conformance.checks import every_parameter_gets_a_gradient, promise, tiles_leave_no_trace
from hnas.deploy.running.simplify import largest_difference, simplify
from hnas.drawing.svg import genotype_svg
from hnas.nets import Cost, Network, NetworkSettings, Supernet, SupernetSettings, network_cost, plain_form
from hnas.nets.global_mean import GlobalMean, given
from hnas.space.cells import OPERATIONS, Cell, CellGenotype, CellKind, CellSpace, Edge, Norm, operation_of

SCALES = (2, 3, 4)


def kind_of(name: str) -> CellKind:
    """The kind of cell that has an operation."""
    operation_of(name)  # which says what is wrong
    return next(kind for kind, operations in OPERATIONS.items() if name in operations)


def genotype_with(name: str, *, position: int = 2) -> CellGenotype:
    """Three cells, in one kind of which every edge is this operation, from inputs and from nodes."""

    def cell(kind: CellKind, other: str) -> Cell:
        operation = name if kind_of(name) == kind else other
        return Cell(kind, tuple((Edge(operation, -1 - node % 2), Edge(operation, node - 1)) for node in range(2)))

    return CellGenotype(3, position, cell("normal", "identity"), cell("upsampling", "nearest"))


def it_has_the_right_size(name: str) -> None:
    """From (N, C, H, W) to (N, C, enlarge * H, enlarge * W), with every normalisation."""
    enlargements = (1, *SCALES) if kind_of(name) == "upsampling" else (1,)
    for enlarge, norm in product(enlargements, get_args(Norm)):
        size = tuple(operation_of(name).build(4, enlarge, norm)(torch.rand(2, 4, 7, 5)).shape)
        wanted = (2, 4, 7 * enlarge, 5 * enlarge)
        promise(size == wanted, f"{name}: (2, 4, 7, 5), enlarged by {enlarge}, is {size}; {wanted} is right")


def every_parameter_of_it_is_trained(name: str) -> None:
    """At every scale."""
    for scale in SCALES:
        settings = NetworkSettings(channels=4, scale=scale, cell_skip=0.3)
        every_parameter_gets_a_gradient(partial(Network, genotype_with(name), settings), name)


def it_costs_what_torch_counts(name: str) -> None:
    """Multiply-adds of what is run, and parameters of what is trained, at every place in a network."""
    for scale, norm, position in product(SCALES, ("none", "batch"), (1, 2, 3)):
        settings = NetworkSettings(channels=5, scale=scale, norm=norm)  # type: ignore[arg-type]  # of Norm's
        genotype = genotype_with(name, position=position)
        network = Network(genotype, settings).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            plain_form(network)(torch.zeros(1, 3, 7, 10))
        counted = Cost(counter.get_total_flops() // 2, sum(parameter.numel() for parameter in network.parameters()))
        stated = network_cost(genotype, settings, lr_size=(7, 10))
        promise(stated == counted, f"{name} (x{scale}, norm {norm}): its entry gives {stated}, torch counts {counted}")


def it_looks_no_further_than_it_says(name: str) -> None:
    """A gradient tells which pixels of the input one of the output depends on; none may lie outside the radius."""
    for scale, position in product((2, 3), (1, 3)):
        torch.manual_seed(0)
        network = Network(genotype_with(name, position=position), NetworkSettings(2, scale)).double()
        radius = network.margins()[0]
        middle = radius + 4
        x = torch.rand(1, 3, 2 * middle + 1, 2 * middle + 1, dtype=torch.double, requires_grad=True)
        with given({mean: lambda features: features[:, :, :1, :1].detach() for mean, _ in network.pools}):
            picture = network(x)
        seen = slice(middle * scale, (middle + 1) * scale)
        picture[..., seen, seen].sum().backward()
        assert x.grad is not None
        rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
        found = max(middle - int(rows.min()), int(rows.max()) - middle)
        promise(found <= radius, f"{name}: a network of it looks {found} pixels far, by its radius {radius}")


def it_says_whether_it_pools(name: str) -> None:
    """By :class:`~hnas.nets.global_mean.GlobalMean` alone, which tiles take from the whole picture."""
    module = operation_of(name).build(4, 2 if kind_of(name) == "upsampling" else 1, "none")
    found = any(isinstance(part, GlobalMean) for part in module.modules())
    promise(operation_of(name).pools == found, f"{name}: pools is {operation_of(name).pools}, its module's is {found}")


def tiles_of_it_leave_no_trace(name: str) -> None:
    """With weights twice as large as those of the start."""
    torch.manual_seed(0)
    network = Network(genotype_with(name), NetworkSettings(channels=3, cell_skip=0.5))
    for parameter in network.parameters():
        parameter.data.mul_(2)
    tiles_leave_no_trace(network, name)


def what_is_run_of_it_computes_the_same(name: str) -> None:
    """Its plain form, and the simplified graph that is exported."""
    for norm, scale in (("none", 3), ("batch", 2)):
        torch.manual_seed(0)
        settings = NetworkSettings(channels=4, scale=scale, cell_skip=0.3, norm=norm)  # type: ignore[arg-type]
        network = Network(genotype_with(name), settings).eval()
        with torch.inference_mode():
            large = max(1.0, float(network(torch.rand(1, 3, 9, 12)).abs().max()))
        for form in (plain_form(network), simplify(network)):
            difference = largest_difference(network, form, [(9, 12), (8, 8)])
            promise(difference < 1e-5 * large, f"{name}: what is run of it differs from it by {difference:.2g}")


def shared_weights_have_it(name: str) -> None:
    """A supernet of it and another operation enlarges by it and trains it."""
    own = {kind: dict.fromkeys((other,)) for kind, other in (("normal", "identity"), ("upsampling", "nearest"))}
    own[kind_of(name)][name] = None
    space = CellSpace(3, 2, tuple(own["normal"]), tuple(own["upsampling"]))
    supernet = Supernet(space, SupernetSettings(NetworkSettings(channels=4)))
    promise(genotype_with(name) in space, f"{name}: the space that it was named for does not have it")
    picture = supernet(torch.rand(1, 3, 8, 8), genotype_with(name))
    promise(tuple(picture.shape) == (1, 3, 16, 16), f"{name}: shared weights enlarge (8, 8) to {picture.shape[2:]}")


def it_is_drawn(name: str) -> None:
    """In its colour, with its label and meaning."""
    style, drawing = operation_of(name).style, genotype_svg(genotype_with(name))
    promise(style.colour in drawing, f"{name}: its colour {style.colour} is not in the drawing of a genotype")
    promise(f"{style.label}: {style.meaning}" in drawing, f"{name}: the drawing's legend lacks its label or meaning")


def only_who_names_it_searches_it(name: str) -> None:
    """The paper's space stays what it is, unless the operation is the paper's."""
    space = CellSpace()
    searched = name in space.operations(kind_of(name))
    promise(searched == operation_of(name).paper, f"{name}: the paper's space has it, or lacks one of its own")


PROMISES = (
    it_has_the_right_size,
    every_parameter_of_it_is_trained,
    it_costs_what_torch_counts,
    it_looks_no_further_than_it_says,
    it_says_whether_it_pools,
    tiles_of_it_leave_no_trace,
    what_is_run_of_it_computes_the_same,
    shared_weights_have_it,
    it_is_drawn,
    only_who_names_it_searches_it,
)
