"""Published hand-made networks of 3x3 convolutions, to be timed beside the family.

They are built here, so this needs torch.
"""

from __future__ import annotations

from collections.abc import Callable

from hnas.deploy.design.attainable import Peer
from hnas.deploy.design.family import Candidate
from hnas.deploy.running.runtimes import BackendName, Run
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.deploy.timing.graphs import graph_of
from hnas.deploy.timing.stopwatch import Graph
from hnas.nets import build_model, model_cost
from hnas.weights import load_model
from hnas.zoo.small_systems import MEASURED_SET5, SMALL
from hnas.zoo.table_two import SCALE

#: Larger than anything that anyone would take for the milliseconds of a chain.
_LARGE = ("smfanet", "smfanet-plus")


def hand_made(scale: int, backend: BackendName) -> tuple[Peer, ...]:
    """The networks with fresh weights, on which time does not hang; none at scales other than 2.

    Args:
        scale: what they enlarge by.
        backend: what is to run them.

    Raises:
        HnasError: the package onnx is missing.
    """
    if scale != SCALE:
        return ()
    found = []
    for system in SMALL:
        description = system.description(scale)
        if description is None or system.architecture is None or system.architecture in _LARGE:
            continue
        model = build_model(description).eval()
        cost = model_cost(model)
        results = {"Set5": MEASURED_SET5[system.architecture]}
        found.append(Peer(system.name, cost.macs, cost.params, results, graph_of(model, backend)))
    return tuple(found)


def torch_graphs(family: tuple[Candidate, ...]) -> dict[str, Graph]:
    """The networks of a family ready for torch, by name."""

    def maker(one: Candidate) -> Callable[[], Run]:
        return lambda: TorchBackend(load_model(one.weights))

    return {one.name: maker(one) for one in family}
