"""What every process that works beside others does first."""

from __future__ import annotations

import torch
from threadpoolctl import threadpool_limits

from hnas.memory import keep_memory


def one_of_several() -> None:
    """Has this process compute in one thread, numpy's BLAS too, and keep its memory as the command line does."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    keep_memory()
