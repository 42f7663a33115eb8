"""Keeping memory: the system is not asked again for what the process once had."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import json, resource
import torch
from hnas.memory import keep_memory

def faults(keep):
    can = keep_memory(keep)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.zeros(16 * 2**20).add(1)  # 64 MB, twice
    return can, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(json.dumps([faults(keep) for keep in (False, True)]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_pages_are_kept() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    (can, usual), (_, kept) = json.loads(done.stdout)
    if not can:
        pytest.skip("another C library than glibc")
    assert kept < usual / 4


_RETURNS = """
import os, psutil, torch
from hnas.memory import keep_memory, return_memory

keep_memory()
held = torch.zeros(1)
large = torch.ones(64 * 2**20)
last = torch.zeros(1)  # above it: the heap cannot simply shrink
del large
me = psutil.Process()
before = me.memory_info().rss
return_memory()
print(before - me.memory_info().rss)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_memory_is_returned() -> None:
    done = subprocess.run([sys.executable, "-c", _RETURNS], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 200 * 2**20  # of 256 MiB
