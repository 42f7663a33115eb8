"""The comparison of backends: what its figures must satisfy, whatever the machine."""

from __future__ import annotations

import json

import pytest
import torch

from hnas import nets
from hnas.cli.main import main
from hnas.deploy.timing import backend_bench
from hnas.deploy.timing.backend_bench import compare_backends
from hnas.errors import HnasError
from tests.deploy.example import bicubic_network


def test_figures_fit_each_other() -> None:
    network = bicubic_network()
    found = compare_backends(network, lr_size=(16, 24), repeats=2)
    assert found.macs == nets.model_cost(network, lr_size=(16, 24)).macs
    assert [timing.name for timing in found.timings] == [
        "torch eager",
        "torch tuned",
        "onnxruntime",
        "OpenVINO",
        "OpenVINO bf16",
    ]
    plain = found.timings[0]
    assert plain.faster == 1
    for timing in found.timings:
        if timing.seconds is not None and plain.seconds is not None:
            assert timing.seconds * timing.macs_per_second == pytest.approx(found.macs)
            assert timing.share == pytest.approx(timing.macs_per_second / found.peak)
            assert timing.faster == pytest.approx(plain.seconds / timing.seconds)


def test_the_plain_model_stays_plain() -> None:
    network = bicubic_network()
    compare_backends(network, lr_size=(8, 8), repeats=1)
    assert network.stem.weight.is_contiguous(memory_format=torch.contiguous_format)


def test_a_missing_package_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(backend: str, *arguments: object, **options: object) -> object:
        if backend == "openvino":
            raise HnasError("this needs the package openvino: pip install 'hnas-sr[openvino]'")
        return real(backend, *arguments, **options)  # type: ignore[arg-type]

    real = backend_bench.open_session
    monkeypatch.setattr(backend_bench, "open_session", missing)
    timings = {timing.name: timing for timing in compare_backends(bicubic_network(), lr_size=(8, 8), repeats=1).timings}
    assert timings["OpenVINO"].seconds is timings["OpenVINO bf16"].seconds is None
    assert timings["onnxruntime"].seconds is not None
    assert timings["torch tuned"].seconds is not None


def test_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("hnas.step_times.network", lambda settings: bicubic_network())
    assert main(["bench", "--backends", "--repeats", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["lr_size"] == [256, 256]
    assert found["timings"][0]["name"] == "torch eager"
