"""The one interface of whatever does pieces of work: futures, as the standard library has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from hnas.bounds import refuse_below
from hnas.errors import HnasError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What does independent pieces of work.

    Attributes:
        on: "local", or "ray": the Ray cluster that RAY_ADDRESS names or that runs on this host, else one that is
            started for as long as this lasts (extra ray); "ray://HOST:10001" is one elsewhere.
        processes: local: pieces of work at a time, each in a process of its own; 1 is this process.

    Raises:
        HnasError: something else.
    """

    on: str = "local"
    processes: int = 1

    def __post_init__(self) -> None:
        refuse_below(1, self, "processes")
        if self.on not in ("local", "ray") and not self.on.startswith("ray://"):
            raise HnasError(f"on is {self.on!r}; allowed are local, ray and ray://HOST:10001")
        if self.on != "local" and self.processes != 1:
            raise HnasError(
                f"processes is {self.processes}, which is for on local; Ray does as much as it has room for"
            )

    @property
    def here(self) -> bool:
        """Whether the work is done in this very process, one piece after the other."""
        return self.on == "local" and self.processes == 1


class Workers(Protocol):
    """Does pieces of work, which must be functions of a module with values that can be pickled.

    A piece that is lost with its process or host is done again elsewhere. What it raises comes out of its future.
    """

    #: Whether work is done in this process, when it is handed in.
    here: bool
    #: Whether it is done on this host, with its devices.
    on_this_host: bool

    @property
    def slots(self) -> int:
        """Pieces of work that are done at a time."""

    def submit(self, work: Callable[..., T], /, *values: Any) -> Future[T]:
        """Has a piece of work done; its future is done when it is."""

    def close(self) -> None:
        """Gives up what has not begun; work that is going on may be waited for."""


class Here:
    """Does a piece of work when it is handed in, in this process."""

    here = on_this_host = True
    slots = 1

    def submit(self, work: Callable[..., T], /, *values: Any) -> Future[T]:
        """The future is done."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(work(*values))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is left."""


@contextmanager
def open_workers(engine: Engine) -> Iterator[Workers]:
    """The workers of an engine, for as long as this lasts.

    Raises:
        HnasError: Ray is not installed, or no cluster answers.
    """
    workers: Workers
    if engine.here:
        workers = Here()
    elif engine.on == "local":
        from hnas.workers.local import LocalWorkers

        workers = LocalWorkers(engine.processes)
    else:
        from hnas.workers.on_ray import RayWorkers

        workers = RayWorkers(engine.on)
    try:
        yield workers
    finally:
        workers.close()
