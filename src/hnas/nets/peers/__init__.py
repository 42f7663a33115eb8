"""The systems of the paper's Table II, and those that people with little compute use: a file each.

Written from the published descriptions. Where the paper's table is right, the multiply-adds equal it to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from torch import nn

from hnas.errors import HnasError
from hnas.nets.peers.abpn import ABPN
from hnas.nets.peers.carn import CARN
from hnas.nets.peers.description import check_description, describe
from hnas.nets.peers.drcn import DRCN
from hnas.nets.peers.drrn import DRRN
from hnas.nets.peers.ecbsr import ECBSR
from hnas.nets.peers.espcn import ESPCN, ESPCNOfRGB
from hnas.nets.peers.etds import ETDS
from hnas.nets.peers.falsr import FALSRB
from hnas.nets.peers.fsrcnn import FSRCNN, FSRCNNOfRGB
from hnas.nets.peers.moremnas import MoreMNASD
from hnas.nets.peers.plain import CHANNELS, DEPTH, PlainStack
from hnas.nets.peers.residual_cells import ResidualCells
from hnas.nets.peers.selnet import SelNet
from hnas.nets.peers.smfanet import SMFANet
from hnas.nets.peers.srcnn import SRCNN
from hnas.nets.peers.vdsr import VDSR

__all__ = ["PEERS", "Peer", "build_peer"]

ALL_SCALES = (2, 3, 4)


class Peer(NamedTuple):
    """A system that can be built from a description.

    Attributes:
        build: the network for a description's fields, ``format`` and ``architecture`` aside.
        description: the default one, at x2.
        scales: what the system enlarges by.
    """

    build: Callable[..., nn.Module]
    description: Mapping[str, Any]
    scales: tuple[int, ...] = ALL_SCALES


PEERS: dict[str, Peer] = {
    "srcnn": Peer(SRCNN, describe("srcnn", 2)),
    "fsrcnn": Peer(FSRCNN, describe("fsrcnn", 2)),
    "espcn": Peer(ESPCN, describe("espcn", 2)),
    "fsrcnn-rgb": Peer(FSRCNNOfRGB, describe("fsrcnn-rgb", 2)),
    "espcn-rgb": Peer(ESPCNOfRGB, describe("espcn-rgb", 2)),
    "vdsr": Peer(VDSR, describe("vdsr", 2)),
    "drcn": Peer(DRCN, describe("drcn", 2)),
    "drrn": Peer(DRRN, describe("drrn", 2)),
    "selnet": Peer(SelNet, describe("selnet", 2)),
    "carn": Peer(lambda scale: CARN("carn", scale), describe("carn", 2)),
    "carn-m": Peer(lambda scale: CARN("carn-m", scale), describe("carn-m", 2)),
    "falsr-b": Peer(lambda scale: FALSRB(), describe("falsr-b", 2), scales=(2,)),
    "moremnas-d": Peer(lambda scale: MoreMNASD(), describe("moremnas-d", 2), scales=(2,)),
    "residual-block": Peer(lambda scale: ResidualCells("residual-block", scale), describe("residual-block", 2)),
    "rcab": Peer(lambda scale: ResidualCells("rcab", scale), describe("rcab", 2)),
    "ecbsr-m4c16": Peer(partial(ECBSR, "ecbsr-m4c16"), describe("ecbsr-m4c16", 2)),
    "ecbsr-m6c40": Peer(partial(ECBSR, "ecbsr-m6c40"), describe("ecbsr-m6c40", 2)),
    "abpn-m4c28": Peer(partial(ABPN, "abpn-m4c28"), describe("abpn-m4c28", 2)),
    "etds-t": Peer(partial(ETDS, "etds-t"), describe("etds-t", 2)),
    "etds-s": Peer(partial(ETDS, "etds-s"), describe("etds-s", 2)),
    "etds-m": Peer(partial(ETDS, "etds-m"), describe("etds-m", 2)),
    "etds-l": Peer(partial(ETDS, "etds-l"), describe("etds-l", 2)),
    "smfanet": Peer(partial(SMFANet, "smfanet"), describe("smfanet", 2)),
    "smfanet-plus": Peer(partial(SMFANet, "smfanet-plus"), describe("smfanet-plus", 2)),
    "plain": Peer(PlainStack, describe("plain", 2, channels=CHANNELS, depth=DEPTH)),
}


def build_peer(description: Mapping[str, Any]) -> nn.Module:
    """The network of a description, with fresh weights.

    Args:
        description: ``{"format": "hnas-model/1", "architecture": "carn-m", "scale": 2}`` and the architecture's own
            settings, where it has any; what is left out keeps its default.

    Raises:
        HnasError: an unknown architecture or field, or a value that the architecture does not have.
    """
    name = description.get("architecture")
    if name not in PEERS:
        raise HnasError(f"unknown architecture {name!r}; allowed are {', '.join(PEERS)}")
    peer = PEERS[name]
    check_description(description, peer.description, peer.scales)
    fields = {**peer.description, **description}
    return peer.build(**{key: value for key, value in fields.items() if key not in ("format", "architecture")})
