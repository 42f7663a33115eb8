"""What a machine reaches in how many milliseconds: the family with its times, beside hand-made networks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hnas.deploy.design.choice import front
from hnas.deploy.design.family import Candidate
from hnas.deploy.timing.stopwatch import Graph, Machine

#: How a time is known: "measured" whole with its neighbours, "timed" in a few turns, or "predicted" from others' times.
How = Literal["measured", "timed", "predicted"]


@dataclass(frozen=True)
class Peer:
    """A published hand-made network: its structure is at hand, its weights need not be, for time does not hang on them.

    Attributes:
        name: in print.
        macs: multiply-adds at a 3x480x480 input.
        params: parameters.
        results: PSNR on Y in dB by set, measured with its published weights.
        graph: what runs it.
    """

    name: str
    macs: int
    params: int
    results: Mapping[str, float]
    graph: Graph


@dataclass(frozen=True)
class Timed:
    """A network of the family with its time here.

    Attributes:
        candidate: the network.
        milliseconds: of one picture.
        how: it is known.
        on_front: no faster one has a validated PSNR as high.
    """

    candidate: Candidate
    milliseconds: float
    how: How
    on_front: bool

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        one = self.candidate
        return {
            "name": one.name,
            "width": one.width,
            "depth": one.depth,
            "latency_ms": self.milliseconds,
            "latency_is": self.how,
            "front": self.on_front,
            "macs": one.macs,
            "params": one.params,
            "psnr": {one.validation: one.psnr, **one.results},
        }


@dataclass(frozen=True)
class Attainable:
    """What this machine reaches in how long.

    Attributes:
        machine: what times are of.
        family: fastest first.
        peers: hand-made networks with their ms, fastest first.
        left_out: names of those that there was no time for, or that take far longer than the limit.
    """

    machine: Machine
    family: tuple[Timed, ...]
    peers: tuple[tuple[Peer, float], ...]
    left_out: tuple[str, ...]

    @property
    def times(self) -> dict[str, float]:
        """Milliseconds by name, of the family and of hand-made networks."""
        family = {one.candidate.name: one.milliseconds for one in self.family}
        return family | {peer.name: milliseconds for peer, milliseconds in self.peers}

    def changed(
        self, times: Mapping[str, float], how: How, *, more: Sequence[Candidate] = (), without: Collection[str] = ()
    ) -> Attainable:
        """The same with other times, with further networks, or without some.

        Args:
            times: ms by name, of those that have other ones and of the further networks.
            how: these times are known.
            more: networks.
            without: names.
        """
        family = [one.candidate for one in self.family if one.candidate.name not in without]
        known = {one.candidate.name: one.how for one in self.family} | dict.fromkeys(times, how)
        peers = [peer for peer, _ in self.peers]
        found = gather([*family, *more], peers, self.machine, {**self.times, **times}, known)
        return replace(found, left_out=self.left_out)

    def within(self, milliseconds: float) -> Timed | None:
        """The best of the family in so many milliseconds; None where all take longer."""
        fitting = [one for one in self.family if one.milliseconds <= milliseconds]
        return max(fitting, key=lambda one: one.candidate.psnr, default=None)

    def peer_within(self, milliseconds: float, dataset: str) -> tuple[Peer, float] | None:
        """The hand-made network with the highest PSNR on a set in so many milliseconds, with its own."""
        fitting = [pair for pair in self.peers if pair[1] <= milliseconds and dataset in pair[0].results]
        return max(fitting, key=lambda pair: pair[0].results[dataset], default=None)

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "machine": self.machine.as_dict(),
            "family": [one.as_dict() for one in self.family],
            "peers": [
                {
                    "name": peer.name,
                    "latency_ms": milliseconds,
                    "macs": peer.macs,
                    "params": peer.params,
                    "psnr": dict(peer.results),
                }
                for peer, milliseconds in self.peers
            ],
            "left_out": list(self.left_out),
        }


def gather(
    family: Sequence[Candidate],
    peers: Sequence[Peer],
    machine: Machine,
    times: Mapping[str, float],
    known: Mapping[str, How],
) -> Attainable:
    """Puts times and networks together.

    Args:
        family: networks to choose from.
        peers: networks to compare with; those without a time are left out.
        machine: what times are of.
        times: ms by name.
        known: how, for every one of the family.
    """
    best = {one.name for one in front(family, times)}
    ordered = sorted(family, key=lambda one: (times[one.name], one.macs))
    timed = [(peer, times[peer.name]) for peer in peers if peer.name in times]
    return Attainable(
        machine,
        tuple(Timed(one, times[one.name], known[one.name], one.name in best) for one in ordered),
        tuple(sorted(timed, key=lambda pair: pair[1])),
        tuple(peer.name for peer in peers if peer.name not in times),
    )
