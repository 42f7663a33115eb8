"""Lines for a log file: a first estimate of how long something takes, and then where it is, every minute."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

#: Seconds until the first estimate, and between the lines after it.
FIRST, EVERY = 10.0, 60.0
#: Takes the share that is done, 0 to 1, and words about it.
Done = Callable[[float, str], None]


class Pace:
    """How far something is, and how long it will go on at the pace that it had so far.

    Args:
        now: tells the seconds.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._began = now()
        self._start: tuple[float, float] | None = None  # seconds and share when the first share was told
        self._share, self._words = 0.0, ""

    def done(self, share: float, words: str = "") -> None:
        """Takes how far it is; the pace is counted from the first time, as a run that goes on had done much before."""
        if self._start is None:
            self._start = self._now(), share
        self._share, self._words = share, words

    def left(self) -> float | None:
        """Seconds that it will go on; None where nothing tells."""
        if self._start is None or self._share <= self._start[1]:
            return None
        seconds, share = self._start
        return (self._now() - seconds) * (1 - self._share) / (self._share - share)

    def line(self) -> str:
        """Words, the time so far and the time left."""
        left = self.left()
        parts = [self._words, f"{in_words(self._now() - self._began)} so far"]
        parts += [] if left is None else [f"about {in_words(left)} left"]
        return ", ".join(part for part in parts if part)


def in_words(seconds: float) -> str:
    """``40 s``, ``12 min`` or ``2.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


@contextmanager
def minutes(
    title: str, *, terminal: bool = False, quiet: bool = False, first: float = FIRST, every: float = EVERY
) -> Iterator[Done]:
    """While this lasts, lines on stderr say where it is, whatever it does meanwhile.

    Args:
        title: what takes long.
        terminal: whether lines come in a terminal too, where there is no bar.
        quiet: never any line.
        first: seconds until the first line.
        every: seconds between the lines after it.

    Yields:
        What is to be told the share that is done, 0 to 1, and words about it; without, lines tell the time so far.
    """
    pace, over = Pace(), Event()

    def tell() -> None:
        wait = first
        while not over.wait(wait):
            print(f"{title}: {pace.line()}", file=sys.stderr, flush=True)
            wait = every

    if quiet or (sys.stderr.isatty() and not terminal):
        yield pace.done
        return
    thread = Thread(target=tell, name=f"minutes of {title}", daemon=True)
    thread.start()
    try:
        yield pace.done
    finally:
        over.set()
        thread.join()
