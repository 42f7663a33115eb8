from __future__ import annotations

import json
from pathlib import Path

import pytest

from hnas.bundled import bundled_models
from hnas.cli.main import main
from hnas.nets import Network, NetworkSettings
from hnas.space.cells import NAMED_GENOTYPES
from hnas.weights import save_model


def _profile(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["profile", *arguments, "--json"]) == 0
    result: dict[str, object] = json.loads(capsys.readouterr().out)
    return result


@pytest.mark.parametrize(("name", "giga"), [("HNAS-A", 357.3), ("HNAS-B", 490.7), ("HNAS-C", 626.8)])
def test_true_cost_of_the_papers_networks(name: str, giga: float, capsys: pytest.CaptureFixture[str]) -> None:
    macs = _profile(capsys, name, "--no-latency")["macs"]
    assert isinstance(macs, int)
    assert macs / 1e9 == pytest.approx(giga, abs=0.5)


def test_latency_is_measured_at_the_size_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    result = _profile(capsys, "HNAS-A", "--channels", "2", "--lr-size", "8x12", "--repeats", "1")
    assert result["lr_size"] == [8, 12]
    assert isinstance(result["latency_ms"], float)
    assert result["latency_ms"] > 0


def test_weights_are_profiled_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = NetworkSettings(channels=2, scale=3)
    save_model(tmp_path / "weights.safetensors", Network(NAMED_GENOTYPES["HNAS-A"], settings), {})
    expected = _profile(capsys, "HNAS-A", "--channels", "2", "--scale", "3", "--no-latency")
    for name in (str(tmp_path), str(tmp_path / "weights.safetensors")):
        result = _profile(capsys, name, "--no-latency")
        assert (result["macs"], result["params"], result["scale"]) == (expected["macs"], expected["params"], 3)
    assert main(["profile", str(tmp_path / "weights.safetensors"), "--channels", "4"]) == 2


def test_a_network_has_the_width_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Multiply-adds by hand: 3x3 from RGB, twelve (or so) between, one to 3 * 2 * 2 values a pixel."""

    def expected(channels: int, depth: int) -> int:
        return 9 * (3 * channels + depth * channels**2 + 12 * channels) * 480 * 480

    for flags, cost in (
        ([], expected(32, 12)),
        (["--channels", "64"], expected(64, 12)),
        (["--depth", "3"], expected(32, 3)),
    ):
        assert _profile(capsys, "plain", *flags, "--no-latency")["macs"] == cost


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["espcn", "--channels", "64"], "espcn has no --channels; it takes --scale, the rest is its own"),
        (["plain", "--cell-skip", "0"], "plain has no --cell-skip; it takes --scale, --channels, --depth"),
        (["HNAS-A", "--depth", "3"], "has no --depth; it takes --channels, --scale"),
        (["falsr-b", "--scale", "3"], "falsr-b: scale is 3; allowed are 2"),
        (["plain", "--channels", "0"], "plain: channels is 0; allowed are 1 to 1024"),
        (["--build-table", "table.json", "--depth", "3"], "a latency table has no --depth"),
        (["HNAS-A", "--layers", "3"], "go with --build-table"),
        (["--front", "--channels", "64"], "it takes --scale and --lr-size alone"),
    ],
)
def test_what_a_network_does_not_have_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("size", ["48", "0x48", "48x-1", "ax48", "480x480x3", "99999999x1"])
def test_a_size_is_height_x_width(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "HNAS-A", "--lr-size", size]) == 2
    assert "HEIGHTxWIDTH" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["weights.safetensors", "folder", "folder/model.onnx"])
def test_one_network_is_timed_by_the_runtime_that_is_named(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_model("weights.safetensors", Network(NAMED_GENOTYPES["HNAS-A"], NetworkSettings(channels=2)), {})
    Path("folder").mkdir()
    if given != "weights.safetensors":
        Path("folder/model.onnx").write_bytes(bundled_models()["fast-x2"].with_suffix(".onnx").read_bytes())
    flags = ("--backend", "onnx", "--lr-size", "8x12", "--repeats", "2", "--threads", "1")
    result = _profile(capsys, given, *flags)
    assert (result["backend"], result["threads"], result["lr_size"]) == ("onnx", 1, [8, 12])
    assert isinstance(result["latency_ms"], float)
    assert isinstance(result["kept_ms"], float)
    assert 0 < result["latency_ms"] <= result["kept_ms"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.onnx"], "none.onnx: no such file"),
        (["none", "--backend", "onnx"], "none: no such weights file; bundled models are"),
        (["fast-x2", "--threads", "1"], "--threads with --front, --build-table or --backend"),
        (["fast-x2", "--backend", "onnx", "--scale", "2"], "leave the other flags out"),
        (["here.onnx", "--backend", "torch"], "torch runs weights, not exported files"),
        (["esspcn"], "esspcn: No such file or directory; give one of HNAS-A, "),
        (["esspcn"], "a genotype's JSON file, a run's folder, or a network: "),
    ],
)
def test_what_cannot_be_timed(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.onnx").write_bytes(b"")
    assert main(["profile", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
