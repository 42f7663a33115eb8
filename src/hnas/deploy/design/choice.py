"""The best network within limits: chosen by estimates, kept only if a measurement keeps the limits too.

Pure: how long a network takes comes in as numbers and as a function that measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from hnas import ranking
from hnas.bounds import quantity
from hnas.deploy.design.family import Candidate
from hnas.errors import HnasError

#: Measures networks whole and in turns: ms by name.
Measure = Callable[[Sequence[str]], Mapping[str, float]]
#: A slower neighbour that takes so many times as long says nothing about this one.
_NEAR = 3.0
#: An estimate so many times the limit needs no measurement to be believed.
_FAR = 1.25


@dataclass(frozen=True)
class Requirements:
    """What a network must keep; None is no limit.

    Attributes:
        latency_ms: at most so many milliseconds for one picture, measured.
        macs: at most so many multiply-adds at a 3x480x480 input.
        params: at most so many parameters.
        psnr: at least so many dB on Y of the validation pictures; the fastest such network is wanted, not the best.

    Raises:
        HnasError: there is no limit at all, or a PSNR that is no number.
    """

    latency_ms: float | None = None
    macs: float | None = None
    params: float | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        if all(value is None for value in asdict(self).values()):
            raise HnasError(
                "no limit is given; give one or more of --max-latency 40ms, --max-macs 10G, --max-params 50k and "
                "--min-psnr 33 (`hnas profile --front` shows what milliseconds buy here)"
            )
        if self.psnr is not None and not isfinite(self.psnr):
            raise HnasError(f"--min-psnr is {self.psnr}; allowed is a number of dB, such as 33")

    @classmethod
    def parse(
        cls,
        *,
        max_latency: str | None = None,
        max_macs: str | None = None,
        max_params: str | None = None,
        min_psnr: float | None = None,
    ) -> Requirements:
        """Reads ``40ms``, ``30.6G`` and ``300k``; 0 is no limit.

        Raises:
            HnasError: something else, or no limit at all.
        """
        return cls(
            latency_ms=quantity("--max-latency", max_latency or "0", unit="ms") or None,
            macs=quantity("--max-macs", max_macs or "0") or None,
            params=quantity("--max-params", max_params or "0") or None,
            psnr=min_psnr,
        )

    @property
    def words(self) -> str:
        """Such as ``40 ms, 10 G multiply-adds``."""
        given = (
            (self.latency_ms, "{:g} ms"),
            (self.macs and self.macs / 1e9, "{:g} G multiply-adds"),
            (self.params and self.params / 1e3, "{:g} k parameters"),
            (self.psnr, "at least {:g} dB"),
        )
        return ", ".join(form.format(value) for value, form in given if value is not None)

    def as_dict(self) -> dict[str, Any]:
        """Those that are set, as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def allow(self, one: Candidate) -> bool:
        """Whether what its card says is within them; time is not on the card."""
        return (
            (self.macs is None or one.macs <= self.macs)
            and (self.params is None or one.params <= self.params)
            and (self.psnr is None or one.psnr >= self.psnr)
        )

    def in_time(self, milliseconds: float) -> bool:
        """Whether a time is within them."""
        return self.latency_ms is None or milliseconds <= self.latency_ms


def refuse_impossible(family: Sequence[Candidate], limits: Requirements) -> None:
    """Refuses limits that no network keeps by its card, whatever its time.

    Raises:
        HnasError: says which limit, what the nearest network has, and what to do.
    """
    if any(limits.allow(one) for one in family):
        return
    best, least = max(family, key=lambda one: one.psnr), min(family, key=lambda one: one.macs)
    smallest = min(family, key=lambda one: one.params)
    if limits.psnr is not None and best.psnr < limits.psnr:
        raise HnasError(
            f"no network reaches {limits.psnr:g} dB on {best.validation}: the best, {best.name}, has {best.psnr:.2f}; "
            "give a smaller --min-psnr"
        )
    if limits.macs is not None and least.macs > limits.macs:
        raise HnasError(
            f"no network has as few as {limits.macs / 1e9:g} G multiply-adds: the smallest, {least.name}, has "
            f"{least.macs / 1e9:.2f} G at 480x480; give a larger --max-macs"
        )
    if limits.params is not None and smallest.params > limits.params:
        raise HnasError(
            f"no network has as few as {limits.params / 1e3:g} k parameters: the smallest, {smallest.name}, has "
            f"{smallest.params / 1e3:.1f} k; give a larger --max-params"
        )
    raise HnasError(f"no network keeps {limits.words} at once; give one of these limits up")


def front(family: Sequence[Candidate], times: Mapping[str, float]) -> list[Candidate]:
    """Those that no faster one equals in validated PSNR, fastest first."""
    return ranking.front(family, cost=lambda one: times[one.name], quality=lambda one: one.psnr)


def best_within(family: Sequence[Candidate], times: Mapping[str, float], limits: Requirements) -> Candidate | None:
    """The one with the highest validated PSNR within the limits, or the fastest where a PSNR is asked for.

    Args:
        family: all networks.
        times: ms of each by name.
        limits: what it must keep.
    """
    fitting = [one for one in family if limits.allow(one) and limits.in_time(times[one.name])]
    if limits.psnr is not None:
        return min(fitting, key=lambda one: (times[one.name], -one.psnr), default=None)
    return min(fitting, key=lambda one: (-one.psnr, times[one.name]), default=None)


def settle(
    family: Sequence[Candidate], estimates: Mapping[str, float], limits: Requirements, measure: Measure
) -> tuple[Candidate, dict[str, float]]:
    """The best network whose measured time keeps the limits.

    It is measured together with its neighbours on the front, the next faster and the next slower one. One that misses
    is passed over, a neighbour that turns out to fit and to be better is taken.

    Args:
        family: all networks.
        estimates: ms of each by name.
        limits: what it must keep.
        measure: what counts; of the networks it is given it may leave out all but the first.

    Returns:
        The network, and the ms of all that were measured.

    Raises:
        HnasError: none keeps the limits; says what the nearest one takes.
    """
    refuse_impossible(family, limits)
    times, measured = dict(estimates), dict[str, float]()
    while True:
        best = best_within(family, times, limits)
        if best is None:
            nearest = _nearest(family, times, limits)
            far = _FAR * (limits.latency_ms or 0.0)
            if nearest.name in measured or times[nearest.name] > far:
                raise HnasError(_too_slow(nearest, times[nearest.name], limits))
            wanted = [nearest.name]  # by so little no estimate refuses anybody
        elif best.name in measured:
            return best, measured
        else:
            wanted = [one.name for one in (best, *_neighbours(best, family, times)) if one.name not in measured]
        found = measure(wanted)
        measured |= found
        times |= found


def _nearest(family: Sequence[Candidate], times: Mapping[str, float], limits: Requirements) -> Candidate:
    """The fastest of those that keep all limits but that of time."""
    return min((one for one in family if limits.allow(one)), key=lambda one: times[one.name])


def _neighbours(best: Candidate, family: Sequence[Candidate], times: Mapping[str, float]) -> list[Candidate]:
    """The next faster and the next slower one on the front; a slower one only if it is near."""
    faster = [one for one in front(family, times) if times[one.name] < times[best.name]]
    slower = [one for one in front(family, times) if times[best.name] < times[one.name] <= _NEAR * times[best.name]]
    return [*faster[-1:], *slower[:1]]


def _too_slow(nearest: Candidate, milliseconds: float, limits: Requirements) -> str:
    """That not even the fastest is in time, what it takes, and what to do."""
    others = " that keeps the other limits" if len(limits.as_dict()) > 1 else ""
    return (
        f"no network keeps {limits.words} here: the fastest{others}, {nearest.name}, takes {milliseconds:.1f} ms; "
        "give a larger --max-latency, more --threads or a smaller --lr-size"
    )
