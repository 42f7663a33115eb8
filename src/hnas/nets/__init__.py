"""The networks: candidate operations, cells, the stand-alone network, the supernet, their cost, the peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from hnas.errors import HnasError
from hnas.nets.chain import chain_from_description
from hnas.nets.common import FORMAT, parameter_count, to_channels_last
from hnas.nets.cost import network_cost
from hnas.nets.counting import LR_SIZE, Cost, model_cost
from hnas.nets.families import FAMILIES, Family, SharedWeights, family_of, network_of
from hnas.nets.forms import plain_form, seen_by
from hnas.nets.latency import Latency, device_description, measure_latency
from hnas.nets.model import LocalNetwork, Model, model_margins, model_pools, model_scale
from hnas.nets.network import Network, network_from_description
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
    "seen_by",
    "set_fast_depthwise",
    "to_channels_last",
]


#: How searched networks are rebuilt, by the architecture in their description.
_SEARCHED: Mapping[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "hnas": network_from_description,
    "chain": chain_from_description,
}


def build_model(description: Mapping[str, Any]) -> nn.Module:
    """The model that a description names, with fresh weights.

    See :class:`hnas.nets.model.Model` for what each is, and :class:`hnas.nets.model.Reaching` for what each says.

    Args:
        description: ``{"format": "hnas-model/1", "architecture": "hnas", "chain" or a peer's name, ...}``.

    Raises:
        HnasError: an unknown format or architecture, or fields that do not fit it.
    """
    if description.get("format") != FORMAT:
        raise HnasError(f"the model's format is {description.get('format')!r}; allowed is {FORMAT!r}")
    architecture = str(description.get("architecture"))
    if architecture in _SEARCHED:
        return _SEARCHED[architecture](description)
    from hnas.nets.peers import PEERS, build_peer

    if architecture not in PEERS:
        raise HnasError(f"unknown architecture {architecture!r}; allowed are {', '.join((*_SEARCHED, *PEERS))}")
    return build_peer(description)
