"""When frames are shown: as the file says, or by their number where it says nothing or contradicts itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

#: Formats whose packets have no time of being shown, only their place in the file.
_BY_PLACE = ("avi",)
_NO_TIMES = 0x80  # AVFMT_NOTIMESTAMPS


@dataclass(frozen=True)
class Clock:
    """How the times of frames are found.

    Attributes:
        time_base: seconds of a tick.
        step: ticks from one frame to the next at the film's rate.
        places: ticks of the frames in order where only these are to be trusted; beyond them frames follow at the
            film's rate.
        trusted: whether the times of frames are those in the file.
    """

    time_base: Fraction
    step: Fraction
    places: tuple[int, ...] = ()
    trusted: bool = True


@dataclass(frozen=True)
class Timed:
    """A frame, its number from 0, and when it is shown for how long, in ticks."""

    index: int
    frame: Any
    pts: int
    duration: int


def read_clock(source: Path) -> Clock:
    """What the first video stream of a file says about times; reads all packets where only their places are known."""
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        time_base = stream.time_base or Fraction(1, 90_000)
        step = 1 / ((stream.average_rate or stream.guessed_rate or Fraction(25)) * time_base)
        if container.format.name in _BY_PLACE:
            places = sorted(packet.dts for packet in container.demux(stream) if packet.size and packet.dts is not None)
            return Clock(time_base, step, tuple(places), trusted=False)
        return Clock(time_base, step, trusted=not container.format.flags & _NO_TIMES)


def timed(frames: Iterable[Any], clock: Clock) -> Iterator[Timed]:
    """Frames with times that increase."""
    before: int | None = None
    for index, frame in enumerate(frames):
        if not clock.trusted:
            pts = clock.places[index] if index < len(clock.places) else _follows(index, before, clock)
        elif frame.pts is None:
            pts = _follows(index, before, clock)
        else:
            pts = frame.pts
        if before is not None and pts <= before:
            pts = _follows(index, before, clock)
        before = pts
        yield Timed(index, frame, pts, frame.duration or max(1, round(clock.step)))


def _follows(index: int, before: int | None, clock: Clock) -> int:
    """At the film's rate: from the frame before, or by number where no frame has a time of its own."""
    if not clock.trusted and not clock.places:
        return round(index * clock.step)
    return 0 if before is None else before + max(1, round(clock.step))
