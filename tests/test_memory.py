"""Keeping memory: the system is not asked again for what the process once had."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.scripts import load_script

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


_KERNELS = """
import os, sys
from hnas.cli.main import main

main([sys.argv[1], "--help"])
print(os.environ.get("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "all"))
"""


@pytest.mark.parametrize(
    ("command", "said", "kept"), [("upscale", None, "256"), ("train", None, "all"), ("upscale", "16", "16")]
)
def test_commands_that_enlarge_keep_few_kernels(command: str, said: str | None, kept: str) -> None:
    """And leave what a person says of it."""
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    own = {key: value for key, value in os.environ.items() if key != name} | ({name: said} if said else {})
    done = subprocess.run(
        [sys.executable, "-c", _KERNELS, command], capture_output=True, text=True, check=True, env=own
    )
    assert done.stdout.splitlines()[-1] == kept


def test_the_measurement_of_memory_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """`bench/memory_over_time.py` on a few pictures: what is kept after every two, and the growth from the first."""
    script = load_script("memory_over_time", monkeypatch)
    monkeypatch.setattr(script, "HUNDRED", 2)
    for name in ("keep_memory", "keep_few_kernels"):
        monkeypatch.setattr(script, name, lambda: True)  # in the tests' own process
    found = script.in_process(6, "fast-x2", "onnx", script.SIDES)
    assert len(found["megabytes"]) == 3
    assert min(found["megabytes"]) > 10
    assert script.growth([50.04, 60.0, 52.0]) == {"megabytes": [50.0, 60.0, 52.0], "grown": 2.0}
    shapes = {picture.shape for picture in script.pictures(5, sides=script.SIDES)}
    assert len(shapes) > 1
