"""Work in several processes of this host; what a killed one was at is done again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from threading import RLock, Thread
from typing import Any, TypeVar

import torch

from hnas.errors import HnasError
from hnas.workers.one_of_several import one_of_several

T = TypeVar("T")

#: Deaths of processes, one after the other with nothing done in between, after which the work is given up.
_DEATHS = 3


class LocalWorkers:
    """Processes on this host, each with one thread, and a GPU in turn where there are several.

    Args:
        processes: how many.
    """

    here, on_this_host = False, True

    def __init__(self, processes: int) -> None:
        self.slots = processes
        self._lock = RLock()
        self._deaths = 0
        self._pool = self._new_pool()

    def submit(self, work: Callable[..., T], /, *values: Any) -> Future[T]:
        """See :class:`hnas.workers.engine.Workers`."""
        future: Future[T] = Future()
        self._begin(future, work, values)
        return future

    def close(self) -> None:
        """Work that is going on is waited for."""
        with self._lock:
            self._deaths = _DEATHS  # nothing is begun anew
            pool = self._pool
        pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, future: Future[Any], work: Callable[..., Any], values: tuple[Any, ...]) -> None:
        with self._lock:
            pool = self._pool
            try:
                inner = pool.submit(work, *values)
            except BrokenProcessPool:  # its end has not been told to all yet
                pool = self._pool = self._new_pool()
                inner = pool.submit(work, *values)
        inner.add_done_callback(lambda done: self._end(done, pool, future, work, values))

    def _end(
        self,
        done: Future[Any],
        pool: ProcessPoolExecutor,
        future: Future[Any],
        work: Callable[..., Any],
        values: tuple[Any, ...],
    ) -> None:
        if done.cancelled():
            future.cancel()
            future.set_running_or_notify_cancel()
            return
        error = done.exception()
        if isinstance(error, BrokenProcessPool):
            with self._lock:
                if pool is self._pool and self._deaths < _DEATHS:
                    self._deaths += 1
                    self._pool = self._new_pool()
                again = self._deaths < _DEATHS
            if again:
                self._begin(future, work, values)
                return
            error = HnasError(
                f"processes that worked for this one were killed {_DEATHS} times, which is mostly for want of memory; "
                "have fewer of them (--processes), and go on with --resume"
            )
        if error:
            future.set_exception(error)
            return
        with self._lock:
            self._deaths = 0 if self._deaths < _DEATHS else self._deaths
        future.set_result(done.result())

    def _new_pool(self) -> ProcessPoolExecutor:
        context = get_context("spawn")
        places = context.SimpleQueue()
        for place in range(self.slots):
            places.put(place)
        arguments = (places, _devices(), os.getpid())
        return ProcessPoolExecutor(self.slots, mp_context=context, initializer=_ready, initargs=arguments)


def _devices() -> list[str]:
    """The GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES has."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(index) for index in range(torch.cuda.device_count())]


def _ready(places: Any, devices: list[str], parent: int) -> None:
    """Readies a process for work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interruption is the parent's to say
    one_of_several()
    place = places.get()
    if len(devices) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[place % len(devices)]
    Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Ends this process when its parent was killed, which tells nobody."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
