"""What the bicubic skip takes as an interpolation, and as a convolution with a pixel shuffle: whole networks.

    python bench/bicubic_skip.py [--lr-size 240] [--threads 1] [--rounds 9]

Times networks with a bicubic skip on a square picture in turns; prints the median milliseconds of both ways, and their
ratio.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from unittest.mock import patch

from hnas.extras import script_needs

script_needs("torch")

import numpy as np
import torch
from torch import nn

from hnas.deploy.export.writing import describe, onnx_bytes
from hnas.deploy.running.runtimes import Floats, Run, onnx_session, openvino_session
from hnas.deploy.running.simplify import simplify
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.deploy.timing.turns import medians_in_turns
from hnas.machine import processor
from hnas.memory import keep_memory
from hnas.nets import Network, NetworkSettings
from hnas.nets.peers import build_peer
from hnas.nets.peers.description import peer_description as peer
from hnas.space.cells import CellGenotype

GENOTYPE = Path(__file__).parents[1] / "zoo/genotypes/fast-x2.json"
WAYS = ("interpolation", "convolution")


def networks() -> dict[str, nn.Module]:
    """A small network of cells at every scale, and a plain stack of convolutions."""
    genotype = CellGenotype.from_json(GENOTYPE.read_text())
    found: dict[str, nn.Module] = {
        f"fast, x{scale}": Network(genotype, NetworkSettings(channels=12, scale=scale)) for scale in (2, 3, 4)
    }
    return found | {"plain 16x4, x2": build_peer(peer("plain", 2, channels=16, depth=4))}


def openers(network: nn.Module, threads: int) -> dict[str, Callable[[], Run]]:
    """By runtime, what makes the network ready to run."""
    torch.set_num_threads(threads)
    simple, said = simplify(network), describe(network, {})
    whole, split = (onnx_bytes(simple, said, split=each) for each in (False, True))
    backend = TorchBackend(deepcopy(network))
    return {
        "onnxruntime": lambda: onnx_session(split, threads=threads)[0],
        "OpenVINO": lambda: openvino_session(whole, threads=threads)[0],
        "torch": lambda: backend,
    }


def opened(opener: Callable[[], Run], picture: Floats) -> Callable[[], object]:
    """What runs an opened network once."""
    return partial(opener(), picture)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--lr-size", type=int, default=240)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=9)
    options = arguments.parse_args()
    keep_memory()
    picture = np.random.default_rng(0).random((1, 3, options.lr_size, options.lr_size), np.float32)
    print(f"{processor()}, threads: {options.threads}, {options.lr_size}x{options.lr_size}, ms")
    for name, network in networks().items():
        with patch("hnas.deploy.running.simplify._convolve_bicubic", lambda traced: None):
            before = openers(network.eval(), options.threads)
        ways = dict(zip(WAYS, (before, openers(network, options.threads)), strict=True))
        for runtime in before:
            found = medians_in_turns(
                {way: partial(opened, ways[way][runtime], picture) for way in WAYS}, rounds=options.rounds
            )
            first, second = (1e3 * found[way] for way in WAYS)
            print(f"{runtime:12} {name:15} {first:7.1f} {second:7.1f}  {second / first:.2f}", flush=True)


if __name__ == "__main__":
    main()
