"""The hand-made networks that stand beside a family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from hnas.deploy.running.runtimes import BackendName, onnx_session
from hnas.zoo import hand_made_kept
from hnas.zoo.hand_made import hand_made
from hnas.zoo.hand_made_kept import kept_hand_made


def test_those_that_anyone_would_take_instead_are_there() -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    peers = {peer.name: peer for peer in hand_made(2, "onnx")}
    assert set(peers) == {
        *("ECBSR-M4C16", "ECBSR-M6C40", "ABPN-M4C28", "ETDS-T", "ETDS-S", "ETDS-M", "ETDS-L"),
        *("ESPCN (RGB)", "FSRCNN (RGB)"),
    }
    assert peers["ETDS-L"].results == {"Set5": 37.66}
    # By hand: six convolutions 3x3, the tail to twelve values and the last one of those.
    weights = 9 * (3 * 16 + 5 * 16 * 16 + 16 * 12) + 12 * 12
    assert peers["ETDS-T"].macs == weights * 480 * 480
    graph = peers["ETDS-T"].graph
    assert isinstance(graph, bytes)
    assert onnx_session(graph)[0](np.zeros((1, 3, 8, 12), np.float32)).shape == (1, 3, 16, 24)


def test_torch_runs_them_too() -> None:
    peer = hand_made(2, "torch")[0]
    assert isinstance(peer.graph, Callable)  # type: ignore[arg-type]
    assert peer.graph()(np.zeros((1, 3, 8, 12), np.float32)).shape == (1, 3, 16, 24)


@pytest.mark.parametrize("backend", get_args(BackendName))
def test_at_other_scales_nothing_was_measured(backend: BackendName) -> None:
    assert hand_made(3, backend) == ()


def test_they_are_built_once_and_again_where_what_was_kept_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    monkeypatch.setattr(hand_made_kept, "cache_folder", lambda: tmp_path)
    built = kept_hand_made(2, "onnx")
    assert [peer.macs for peer in built] == [peer.macs for peer in hand_made(2, "onnx")]
    monkeypatch.setattr("hnas.zoo.hand_made.hand_made", lambda *_: pytest.fail("built again"))
    assert kept_hand_made(2, "onnx") == built
    monkeypatch.setattr("hnas.zoo.hand_made.hand_made", lambda *_: built[:1])
    largest = max(tmp_path.rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    largest.write_bytes(largest.read_bytes()[:-1])
    assert kept_hand_made(2, "onnx") == built[:1]
    assert kept_hand_made(2, "onnx") == built[:1]
