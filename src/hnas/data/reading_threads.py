"""Threads that read the pictures of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def reading_threads() -> Iterator[ThreadPoolExecutor]:
    """A few for every core, since decoding leaves Python's lock; BLAS computes in one thread of each meanwhile.

    With several threads of its own BLAS waits by spinning: two processes that read 316 photographs at once on two cores
    needed 4 to 52 s each, and 1.2 s so.
    """
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor() as pool:
        yield pool
