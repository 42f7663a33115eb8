"""Keeping memory that was used once.

The C library of Linux gives the memory of every large tensor back when the tensor goes, and gets it anew, page by page
and filled with zeros, for the next one. A network of narrow layers on large pictures spends more time on that than on
its arithmetic: HNAS-A at C = 16 enlarges a picture of 512x512 twice as fast without (docs/speed.md).
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

#: Options of glibc's mallopt (malloc.h).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_KEPT = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1}
#: What glibc comes to by itself once large tensors have come and gone.
_USUAL = {_MMAP_MAX: 65_536, _MMAP_THRESHOLD: 32 * 2**20, _TRIM_THRESHOLD: 64 * 2**20}

#: Kernels of torch that are kept: those of all shapes of tile (nine) of the largest networks of cells, some 20 each.
_KERNELS = 256

#: What runtimes say where memory ends; torch has one type for CUDA, and texts for the rest.
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "Failed to allocate memory", "bad allocation")


def keep_memory(keep: bool = True) -> bool:
    """Has this process keep what memory it once had, until it ends; ``hnas`` does so for all of its commands.

    Args:
        keep: False goes back to the usual way; what is held already goes when the C library next looks.

    Returns:
        Whether the C library can do that: glibc's can; others are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    done = [mallopt(option, value) for option, value in (_KEPT if keep else _USUAL).items()]
    return all(done)


def keep_few_kernels() -> None:
    """Has torch keep 256 of the kernels that it makes on a CPU, one for every layer and size of picture, not 1,024.

    For processes that enlarge pictures of many sizes; called before torch makes its first kernel. What the environment
    says of it stays.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(_KERNELS))


def return_memory() -> None:
    """Gives back to the system what is held and not in use, where the C library can do that."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device has no memory left."""
    return isinstance(error, MemoryError) or any(text in str(error) for text in _OUT_OF_MEMORY)
