"""bfloat16 as a choice of OpenVINO: near f32 where the processor has it, one line where it has not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("openvino", reason="needs the extra openvino")
pytest.importorskip("onnx", reason="needs the extra onnx")

from PIL import Image

from hnas.cli.main import main
from hnas.deploy.enlarge.models import load
from hnas.deploy.running import runtimes
from hnas.deploy.timing.stopwatch import Machine, Stopwatch
from hnas.errors import HnasError
from tests.deploy.example import bicubic_weights


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return bicubic_weights(tmp_path)


needs_bf16 = pytest.mark.skipif("bf16" not in runtimes.precisions("openvino"), reason="needs a processor with bfloat16")


@needs_bf16
def test_bf16_is_near_f32_but_not_the_same(weights: Path) -> None:
    picture = np.random.default_rng(0).random((40, 50, 3), np.float32)
    found = {each: load(weights, backend="openvino", precision=each).upscale(picture) for each in ("f32", "bf16")}  # type: ignore[arg-type]
    difference = np.abs(found["bf16"] - found["f32"]).max()
    assert 1e-4 < difference < 4 * 2**-8  # 8 significant bits of values up to 1


@needs_bf16
def test_upscale_and_evaluate_take_it(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)).save(folder / "one.png")
    options = ["--backend", "openvino", "--precision", "bf16"]
    large = tmp_path / "large.png"
    assert main(["upscale", str(folder / "one.png"), "-o", str(large), "-m", str(weights), *options]) == 0
    assert Image.open(large).size == (128, 96)
    assert main(["evaluate", str(weights), "--benchmarks", str(folder), *options, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in rows] == [f"{weights} (openvino {each})" for each in ("f32", "bf16")]
    assert 0 < abs(rows[0]["psnr"] - rows[1]["psnr"]) < 0.5


@needs_bf16
def test_a_machine_may_be_one_of_bf16(weights: Path) -> None:
    from hnas.deploy.export.writing import describe, onnx_bytes
    from hnas.deploy.running.simplify import simplify
    from hnas.weights import load_model

    machine = Machine("openvino", 1, (8, 12), "bf16")
    assert "in bf16, 1 thread" in machine.words
    model = load_model(weights)
    graph = onnx_bytes(simplify(model), describe(model, {}), split=False)
    assert Stopwatch(machine, {"bicubic": graph}).turn("bicubic") > 0


@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_other_runtimes_have_none(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], backend: runtimes.BackendName
) -> None:
    assert runtimes.precisions(backend) == ("f32",)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "one.png")
    options = ["-m", str(weights), "--backend", backend, "--precision", "bf16"]
    assert main(["upscale", str(tmp_path / "one.png"), "-o", str(tmp_path / "large.png"), *options]) == 2
    package = runtimes.PACKAGES[backend]
    said = f"hnas: error: bf16 goes with openvino; {package} computes in f32 here\n"
    assert capsys.readouterr().err == said
    assert main(["evaluate", str(weights), "--backend", backend, "--precision", "bf16"]) == 2
    assert capsys.readouterr().err == said


def test_processors_without_it_are_refused(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "_capabilities", lambda: ["FP32", "INT8"])
    with pytest.raises(HnasError, match=r"OpenVINO has no bf16 on this processor \(.+\); f32 is what it computes in"):
        load(weights, backend="openvino", precision="bf16")
    with pytest.raises(HnasError, match="OpenVINO has no bf16"):
        Machine("openvino", 1, (8, 12), "bf16")
    assert load(weights, backend="openvino").scale == 2
