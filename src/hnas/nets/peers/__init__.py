"""Networks that come from no search: the systems of the paper's Table II, those that people with little compute use,
a file each, and those that other packages bring.

Written from the published descriptions. Where the paper's table is right, the multiply-adds equal it to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from torch import nn

from hnas.errors import HnasError
from hnas.nets.peers.abpn import ABPN
from hnas.nets.peers.carn import CARN
from hnas.nets.peers.description import check_description, peer_description
from hnas.nets.peers.drcn import DRCN
from hnas.nets.peers.drrn import DRRN
from hnas.nets.peers.ecbsr import ECBSR
from hnas.nets.peers.espcn import ESPCN, ESPCNOfRGB
from hnas.nets.peers.etds import ETDS
from hnas.nets.peers.falsr import FALSRB
from hnas.nets.peers.fsrcnn import FSRCNN, FSRCNNOfRGB
from hnas.nets.peers.moremnas import MoreMNASD
from hnas.nets.peers.plain import PlainSettings, PlainStack
from hnas.nets.peers.residual_cells import ResidualCells
from hnas.nets.peers.selnet import SelNet
from hnas.nets.peers.smfanet import SMFANet
from hnas.nets.peers.srcnn import SRCNN
from hnas.nets.peers.vdsr import VDSR
from hnas.registry import Registry
from hnas.space.options import NetworkOptions, ScaleOnly

__all__ = ["PEERS", "Peer", "build_peer", "describe_peer", "register_model"]

ALL_SCALES = (2, 3, 4)


@dataclass(frozen=True)
class Peer:
    """A system that can be built from a description.

    Attributes:
        name: of the architecture.
        build: the network for its settings by name (``build(scale=2)``): a :class:`hnas.nets.model.Model`, whose
            ``description`` is that of :func:`~hnas.nets.peers.description.peer_description`. Where it says how far it
            looks (:class:`~hnas.nets.model.Reaching`; a :class:`~hnas.nets.model.LocalNetwork` does), it is run in
            tiles, else whole.
        settings: their dataclass, whose defaults are those of the system; ``scale`` and other whole numbers, of which
            a person chooses those that :class:`~hnas.space.options.NetworkOptions` has.
        scales: what the system enlarges by.
    """

    name: str
    build: Callable[..., nn.Module]
    settings: type[Any] = ScaleOnly
    scales: tuple[int, ...] = ALL_SCALES

    @property
    def description(self) -> dict[str, Any]:
        """The default one, at x2."""
        return peer_description(self.name, **asdict(self.settings()))


_OWN = (
    Peer("srcnn", SRCNN),
    Peer("fsrcnn", FSRCNN),
    Peer("espcn", ESPCN),
    Peer("fsrcnn-rgb", FSRCNNOfRGB),
    Peer("espcn-rgb", ESPCNOfRGB),
    Peer("vdsr", VDSR),
    Peer("drcn", DRCN),
    Peer("drrn", DRRN),
    Peer("selnet", SelNet),
    Peer("carn", lambda scale: CARN("carn", scale)),
    Peer("carn-m", lambda scale: CARN("carn-m", scale)),
    Peer("falsr-b", lambda scale: FALSRB(), scales=(2,)),
    Peer("moremnas-d", lambda scale: MoreMNASD(), scales=(2,)),
    Peer("residual-block", lambda scale: ResidualCells("residual-block", scale)),
    Peer("rcab", lambda scale: ResidualCells("rcab", scale)),
    Peer("ecbsr-m4c16", partial(ECBSR, "ecbsr-m4c16")),
    Peer("ecbsr-m6c40", partial(ECBSR, "ecbsr-m6c40")),
    Peer("abpn-m4c28", partial(ABPN, "abpn-m4c28")),
    Peer("etds-t", partial(ETDS, "etds-t")),
    Peer("etds-s", partial(ETDS, "etds-s")),
    Peer("etds-m", partial(ETDS, "etds-m")),
    Peer("etds-l", partial(ETDS, "etds-l")),
    Peer("smfanet", partial(SMFANet, "smfanet")),
    Peer("smfanet-plus", partial(SMFANet, "smfanet-plus")),
    Peer("plain", PlainStack, settings=PlainSettings),
)

PEERS: Registry[Peer] = Registry("model", "hnas.models", {peer.name: peer for peer in _OWN}, kind=Peer)


def register_model(peer: Peer) -> None:
    """Adds a network, for this process: training and all that follows take it by its name.

    A package adds one for every process by an entry point of the group ``hnas.models``, whose name is the network's.

    Args:
        peer: all that is known of it; its name is made of small letters, digits, ``_`` and ``-``.

    Raises:
        HnasError: a name that is taken or none, or no :class:`Peer`.
    """
    PEERS.register(getattr(peer, "name", ""), peer)


def describe_peer(name: str, options: NetworkOptions) -> dict[str, Any]:
    """The description of a peer with these settings.

    Raises:
        HnasError: one that the peer does not have, or a value that it does not allow.
    """
    peer = PEERS[name]
    description = peer_description(name, **asdict(options.settings(peer.settings, of=name)))
    check_description(description, peer.description, peer.scales)
    return description


def build_peer(description: Mapping[str, Any]) -> nn.Module:
    """The network of a description, with fresh weights.

    Args:
        description: ``{"format": "hnas-model/1", "architecture": "carn-m", "scale": 2}`` and the architecture's own
            settings, where it has any; what is left out keeps its default.

    Raises:
        HnasError: an unknown architecture or field, or a value that the architecture does not have.
    """
    name = str(description.get("architecture"))
    if name not in PEERS:
        raise HnasError(f"unknown architecture {name!r}; allowed are {', '.join(PEERS)}")
    peer = PEERS[name]
    check_description(description, peer.description, peer.scales)
    fields = {**peer.description, **description}
    return peer.build(**{key: value for key, value in fields.items() if key not in ("format", "architecture")})
