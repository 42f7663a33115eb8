"""Milliseconds of ONNX graphs with onnxruntime and numpy alone: a check of what this project measures by itself.

    python bench/plain_onnxruntime.py designs/mine/model.onnx --lr-size 360x640 --threads 2

Each graph has a session of its own with these threads. After a warm-up it is run round after round; the median over
the rounds is printed as JSON, by file.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median

import numpy as np
import onnxruntime


def session(path: str, threads: int) -> onnxruntime.InferenceSession:
    """A session on the CPU with so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def milliseconds(paths: list[str], size: tuple[int, int], *, threads: int, rounds: int) -> list[float]:
    """The median milliseconds of one picture of (height, width) for every graph."""
    picture = np.random.default_rng(1).random((1, 3, *size), np.float32)
    found: list[list[float]] = [[] for _ in paths]
    for times, path in zip(found, paths, strict=True):
        run = session(path, threads)  # one at a time: threads of an idle session wait for work on the cores of others
        for _ in range(3):
            run.run(None, {"lr": picture})
        for _ in range(rounds):
            began = time.perf_counter()
            run.run(None, {"lr": picture})
            times.append(1e3 * (time.perf_counter() - began))
        del run
    return [median(times) for times in found]


def main() -> None:
    """Prints the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="+", help="ONNX files with an input called lr")
    parser.add_argument("--lr-size", default="360x640", help="HEIGHTxWIDTH of the low-resolution picture")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    height, width = map(int, options.lr_size.split("x"))
    times = milliseconds(options.graphs, (height, width), threads=options.threads, rounds=options.rounds)
    print(json.dumps(dict(zip(options.graphs, times, strict=True))))


if __name__ == "__main__":
    main()
