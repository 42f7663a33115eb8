"""Threads that read pictures."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from hnas.data.reading_threads import reading_threads


def _blas_threads() -> set[int]:
    square = np.ones((64, 64), np.float32)
    assert (square @ square)[0, 0] == 64  # by BLAS, which is loaded then
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_blas_has_one_thread_while_pictures_are_read_and_its_own_afterwards() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = _blas_threads()
        with reading_threads() as pool:
            assert pool.submit(_blas_threads).result() == {1}
        assert _blas_threads() == before
