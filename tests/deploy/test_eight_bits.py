"""Networks in 8 bits as candidates: which are tried, and what their files and figures are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hnas.data.folders import pair_of
from hnas.data.sample import HELD_OUT, sample_pictures
from hnas.deploy.design import eight_bits
from hnas.deploy.design.choice import Requirements
from hnas.deploy.design.eight_bits import in_eight_bits, worth_trying
from hnas.deploy.design.family import read_family
from hnas.deploy.export import quantize
from hnas.deploy.timing.stopwatch import Machine
from hnas.evaluation.benchmark import evaluate_model
from hnas.weights import load_model
from tests.deploy.made_family import candidate, write_family

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FAMILY = [candidate(name, psnr) for name, psnr in (("a", 30.0), ("b", 31.0), ("c", 32.0), ("d", 33.0), ("e", 34.0))]
TIMES = {"a": 10.0, "b": 20.0, "c": 40.0, "d": 55.0, "e": 500.0}


@pytest.mark.parametrize(
    ("limits", "names"),
    [
        (Requirements(latency_ms=25), ["c", "d"]),  # what 32 bits make too slow, but not far too slow
        (Requirements(latency_ms=5), ["a"]),  # nothing fits in 32 bits
        (Requirements(latency_ms=1000), ["e"]),  # nothing is slower than the best
        (Requirements(latency_ms=1), []),
    ],
)
def test_those_are_tried_that_8_bits_may_bring_within_the_limit(limits: Requirements, names: list[str]) -> None:
    assert [one.name for one in worth_trying(FAMILY, TIMES, limits)] == names


def test_files_and_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = {name: picture[:48, :64] for name, picture in sample_pictures().items()}
    pairs = [pair_of(name, pictures[name], 2) for name in HELD_OUT]
    monkeypatch.setattr(quantize, "sample_pictures", lambda: pictures)
    monkeypatch.setattr(eight_bits, "held_out_pairs", lambda scale: pairs)
    write_family(tmp_path / "family", {(4, 2): 31.0})
    (one,) = read_family(2, tmp_path / "family")
    made = in_eight_bits(one, tmp_path / "made", Machine("onnx", 1, (8, 8)))
    assert made.psnr_32 == pytest.approx(evaluate_model(load_model(one.weights), pairs, scale=2).psnr, abs=1e-3)
    assert made.candidate.psnr == pytest.approx(31.0 - made.loss)
    assert made.candidate.results == {}
    graph = onnx.load(made.candidate.graph)
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in graph.graph.node}
    assert made.candidate.weights.read_bytes() == one.weights.read_bytes()
    card = json.loads(made.candidate.card.read_text(encoding="utf-8"))
    assert card["eight_bits"] == {"psnr": made.psnr, "psnr_32_bits": made.psnr_32, "pictures": list(HELD_OUT)}
    assert card["onnx_sha256"] == hashlib.sha256(made.candidate.graph.read_bytes()).hexdigest()
    assert (card["name"], card["made_of"]) == ("chain-4x2-int8", "chain-4x2")
    words = made.words({"chain-4x2": 20.0, "chain-4x2-int8": 12.0})
    assert words.startswith("chain-4x2 takes 12.0 ms (32 bits: 20.0) and loses ")
    assert words.endswith(" dB on coffee and chelsea")
