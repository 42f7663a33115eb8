"""What two transpositions take in place of onnxruntime's pixel shuffle: chains of 16 channels, and ETDS-T.

    python bench/pixel_shuffle.py [--threads 2] [--rounds 9]

Times whole networks on 3x480x480, in turns; prints the median milliseconds of both ways and their ratio.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from unittest.mock import patch

from hnas.extras import script_needs

script_needs("torch")

import numpy as np
from torch import nn

from hnas.deploy.export.shuffle import split_shuffles
from hnas.deploy.export.writing import describe, onnx_bytes
from hnas.deploy.running.runtimes import Floats, Run, onnx_session, openvino_session
from hnas.deploy.running.simplify import simplify
from hnas.deploy.timing.turns import medians_in_turns
from hnas.machine import processor
from hnas.nets import LR_SIZE
from hnas.nets.chain import ChainNetwork
from hnas.nets.peers import build_peer
from hnas.nets.peers.description import peer_description as peer
from hnas.space.chain import ChainGenotype


def opened(open_session: Callable[[], tuple[Run, object]], picture: Floats) -> Callable[[], Floats]:
    """What runs a graph once."""
    return partial(open_session()[0], picture)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=9)
    options = arguments.parse_args()
    picture = np.random.default_rng(0).random((1, 3, *LR_SIZE), np.float32)
    networks: dict[str, nn.Module] = {
        f"16x4, x{scale}": ChainNetwork(ChainGenotype(16, ("conv_3x3",) * 4, "luma", 4), scale) for scale in (2, 3, 4)
    }
    networks["ETDS-T, x2"] = build_peer(peer("etds-t", 2))
    print(f"{processor()}, {options.threads} threads, 3x480x480, ms")
    for runtime, session in (("onnxruntime", onnx_session), ("OpenVINO", openvino_session)):
        makers: dict[str, bytes] = {}
        for name, network in networks.items():
            simple = simplify(network.eval())
            makers[f"{name}, one node"] = onnx_bytes(simple, describe(network, {}), split=False)
            with patch("hnas.deploy.export.writing.split_shuffles", partial(split_shuffles, most=4)):
                makers[f"{name}, two transpositions"] = onnx_bytes(simple, describe(network, {}))

        openers = {key: partial(session, graph, threads=options.threads) for key, graph in makers.items()}
        runs = {key: partial(opened, opener, picture) for key, opener in openers.items()}
        found = medians_in_turns(runs, rounds=options.rounds)
        for name in networks:
            before, after = (1e3 * found[f"{name}, {way}"] for way in ("one node", "two transpositions"))
            print(f"{runtime:12} {name:12} {before:7.1f} {after:7.1f}  {after / before:.2f}")


if __name__ == "__main__":
    main()
