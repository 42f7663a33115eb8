"""The networks: candidate operations, cells, the stand-alone network, the supernet, their cost, the peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from hnas.errors import HnasError
from hnas.nets.chain import ChainNetwork, chain_cost, read_chain_description
from hnas.nets.common import FORMAT, parameter_count, refuse_large, to_channels_last
from hnas.nets.cost import network_cost
from hnas.nets.counting import LR_SIZE, Cost, model_cost
from hnas.nets.families import FAMILIES, Family, SharedWeights, family_of, network_of
from hnas.nets.forms import plain_form, seen_by
from hnas.nets.latency import Latency, device_description, measure_latency
from hnas.nets.model import LocalNetwork, Model, model_margins, model_pools, model_scale
from hnas.nets.network import Network, read_description
from hnas.nets.operations import set_fast_depthwise
from hnas.nets.supernet import Supernet, SupernetSettings
from hnas.space.cells import NetworkSettings
from hnas.space.options import NetworkOptions

__all__ = [
    "FAMILIES",
    "FORMAT",
    "LR_SIZE",
    "Cost",
    "Family",
    "Latency",
    "LocalNetwork",
    "Model",
    "Network",
    "NetworkOptions",
    "NetworkSettings",
    "SharedWeights",
    "Supernet",
    "SupernetSettings",
    "build_model",
    "device_description",
    "family_of",
    "measure_latency",
    "model_cost",
    "model_margins",
    "model_pools",
    "model_scale",
    "network_cost",
    "network_of",
    "parameter_count",
    "plain_form",
    "refuse_more_parameters",
    "seen_by",
    "set_fast_depthwise",
    "to_channels_last",
]


@dataclass(frozen=True)
class _Searched:
    """A kind of searched networks: what a description says, what that builds, and what that costs."""

    read: Callable[[Mapping[str, Any]], tuple[Any, Any]]
    build: Callable[[Any, Any], nn.Module]
    cost: Callable[[Any, Any], Cost]


#: By the architecture in their description.
_SEARCHED: Mapping[str, _Searched] = {
    "hnas": _Searched(read_description, Network, network_cost),
    "chain": _Searched(read_chain_description, ChainNetwork, chain_cost),
}
#: A weight takes a byte at least; a quarter of that leaves room for what is folded into others when a graph is written.
_MOST_PER_BYTE = 4


def build_model(description: Mapping[str, Any]) -> nn.Module:
    """The model that a description names, with fresh weights.

    See :class:`hnas.nets.model.Model` for what each is, and :class:`hnas.nets.model.Reaching` for what each says.

    Args:
        description: ``{"format": "hnas-model/1", "architecture": "hnas", "chain" or a peer's name, ...}``.

    Raises:
        HnasError: an unknown format or architecture, fields that do not fit it, or too large a network.
    """
    architecture = _architecture(description)
    if architecture in _SEARCHED:
        searched = _SEARCHED[architecture]
        what = searched.read(description)
        refuse_large(searched.cost(*what).params)
        return searched.build(*what)
    from hnas.nets.peers import build_peer

    return build_peer(description)


def refuse_more_parameters(description: Mapping[str, Any], file_bytes: int, *, where: str) -> None:
    """Compares a description with the size of the file that it comes from, before anything is built.

    Args:
        description: see :func:`build_model`.
        file_bytes: of the file, which holds the weights too.
        where: the file.

    Raises:
        HnasError: the file cannot hold so many weights, or no network is described.
    """
    try:
        architecture = _architecture(description)
        searched = _SEARCHED.get(architecture)
        # Published systems have one size each.
        parameters = searched.cost(*searched.read(description)).params if searched else 0
    except HnasError as error:
        raise HnasError(f"{where}: {error}") from error
    if parameters > _MOST_PER_BYTE * file_bytes:
        raise HnasError(
            f"{where}: describes a network of {parameters:,} parameters, which {file_bytes:,} bytes cannot hold"
        )


def _architecture(description: Mapping[str, Any]) -> str:
    if description.get("format") != FORMAT:
        raise HnasError(f"the model's format is {description.get('format')!r}; allowed is {FORMAT!r}")
    architecture = str(description.get("architecture"))
    from hnas.nets.peers import PEERS

    if architecture not in _SEARCHED and architecture not in PEERS:
        raise HnasError(f"unknown architecture {architecture!r}; allowed are {', '.join((*_SEARCHED, *PEERS))}")
    return architecture
