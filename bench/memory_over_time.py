"""Memory of one process that enlarges pictures for a long time.

    python bench/memory_over_time.py same                      # 2,000 pictures of one size
    python bench/memory_over_time.py random                    # 2,000 pictures of sizes drawn at random
    python bench/memory_over_time.py folder                    # `hnas upscale` on a folder of 1,000 pictures
    python bench/memory_over_time.py large --limit-gb 3        # a picture of 24 megapixels under `ulimit -v`
    python bench/memory_over_time.py app --count 500           # a running `hnas app`, picture by picture

Pictures are noise, made anew from a seed. Printed as JSON: the resident memory, MB, after every hundred pictures, and
what the process grew by from the first hundred to the last.
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from hnas.deploy.models import load
from hnas.memory import keep_memory

#: Side of pictures of one size, and the range of random sides, pixels.
SIDE, SIDES = 160, (16, 320)
#: Height and width of 24 megapixels.
LARGE = (4000, 6000)
HUNDRED = 100


def megabytes(process: psutil.Process | None = None) -> float:
    """Resident memory of a process; this one by default."""
    return float((process or psutil.Process()).memory_info().rss) / 1e6


def pictures(count: int, *, sides: tuple[int, int] | None) -> Iterator[NDArray[np.uint8]]:
    """Noise, (H, W, 3), of one size or of random ones."""
    draw = np.random.default_rng(0)
    for _ in range(count):
        height, width = draw.integers(*sides, size=2) if sides else (SIDE, SIDE)
        yield draw.integers(256, size=(height, width, 3), dtype=np.uint8)


def growth(count: int, one: Callable[[], None], process: psutil.Process | None = None) -> dict[str, object]:
    """Does something many times: resident memory after every hundred, and how much came after the first."""
    after = []
    for index in range(1, count + 1):
        one()
        if index % HUNDRED == 0:
            after.append(round(megabytes(process), 1))
    return {"megabytes": after, "grown": round(after[-1] - after[0], 1), "most": max(after)}


def in_process(count: int, model: str, backend: str, sides: tuple[int, int] | None) -> dict[str, object]:
    """Enlarges arrays in this process, which keeps memory as the commands do."""
    keep_memory()
    upscaler = load(model, backend=backend)  # type: ignore[arg-type]
    waiting = pictures(count, sides=sides)
    return growth(count, lambda: (upscaler.upscale(next(waiting)), None)[1])


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("same", "random"))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--model", default="fast-x2")
    parser.add_argument("--backend", default="onnx", choices=("onnx", "openvino", "torch"))
    options = parser.parse_args()
    sides = SIDES if options.what == "random" else None
    print(json.dumps(in_process(options.count, options.model, options.backend, sides)))


if __name__ == "__main__":
    main()
