"""``hnas design`` and ``hnas profile --front`` from end to end, on a family of tiny networks with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hnas.cli.main import main
from hnas.data.folders import pair_of
from hnas.data.pictures import write_picture
from hnas.data.sample import sample_pictures
from hnas.deploy.design.hand_over import FILES
from hnas.deploy.running.runtimes import onnx_session
from hnas.weights import load_model
from tests.deploy.made_family import write_family

SHAPES = {(2, 1): 31.0, (4, 1): 32.0, (4, 3): 33.0}
#: An hour for a picture of 8x12 pixels: whatever the machine does meanwhile.
PLENTY = "3600000ms"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    folder = tmp_path_factory.mktemp("family")
    write_family(folder, SHAPES)
    return folder


def _design(family: Path, *arguments: str, lr_size: str = "8x12", threads: str = "1") -> int:
    return main(["design", "--family", str(family), "--lr-size", lr_size, "--threads", threads, *arguments])


def test_a_network_is_handed_over(family: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    assert _design(family, "--max-latency", PLENTY, "-o", str(folder)) == 0
    captured = capsys.readouterr()
    first, *_ = captured.out.splitlines()
    assert first.startswith("at 8x12 with onnxruntime ")
    assert first.endswith("(PSNR on Kodak24)")
    assert "chain-4x3: 33.00 dB on Kodak24, 37.00 dB on Set5" in captured.out
    assert "limit 3.6e+06 ms; measured " in captured.out
    assert f"files in {folder}: weights.safetensors, model.onnx, card.json, report.html" in captured.out
    assert "ETDS-T" in captured.out
    assert captured.err.splitlines()[0].startswith("timing 3 networks and 9 hand-made ones at 8x12 with onnxruntime ")

    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["name"] == "chain-4x3"
    note = card["design"]
    assert (note["limits"], note["lr_size"], note["threads"]) == ({"latency_ms": 3.6e6}, [8, 12], 1)
    assert note["measured_ms"] > 0
    assert note["runtime"].startswith("onnxruntime ")
    assert load_model(folder).scale == 2
    run, _ = onnx_session(folder / "model.onnx")
    assert run(np.zeros((1, 3, 8, 12), np.float32)).shape == (1, 3, 16, 24)
    assert "chain-4x3" in (folder / "report.html").read_text(encoding="utf-8")


def test_json_is_all_there_is_on_stdout(family: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    arguments = ("--max-params", "200", "--max-latency", PLENTY, "--json", "-o", str(folder))
    assert _design(family, *arguments) == 0
    result = json.loads(capsys.readouterr().out)
    smaller = max(
        (one for one in result["attainable"]["family"] if one["params"] <= 200), key=lambda one: one["psnr"]["Kodak24"]
    )
    assert result["chosen"]["name"] == smaller["name"] != "chain-4x3"
    assert result["chosen"]["latency_is"] == "measured"
    assert result["measured_ms"] == result["chosen"]["latency_ms"]
    assert {one["name"] for one in result["attainable"]["family"]} == {"chain-2x1", "chain-4x1", "chain-4x3"}
    assert {peer["name"] for peer in result["attainable"]["peers"]} >= {"ETDS-T", "ECBSR-M4C16", "ESPCN (RGB)"}
    assert all(Path(path).is_file() for path in result["files"].values())
    assert result["folder"] == str(folder)


def test_the_folder_is_named_after_what_was_asked(
    family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("--min-psnr", "31.5", "--max-macs", "10G", "--json")
    assert _design(family, *arguments) == 0
    assert json.loads(capsys.readouterr().out)["folder"] == "designs/x2-8x12-10G-macs-31.5dB"
    assert _design(family, *arguments) == 2
    assert "holds a design already; --overwrite replaces it" in capsys.readouterr().err
    assert _design(family, *arguments, "--overwrite") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no limit is given; give one or more of --max-latency 40ms"),
        (("--max-latency", "0.000001ms"), "no network keeps 1e-06 ms here: the fastest, chain-"),
        (("--min-psnr", "40"), "no network reaches 40 dB on Kodak24: the best, chain-4x3, has 33.00"),
        (("--max-macs", "1k"), "no network has as few as 1e-06 G multiply-adds"),
        (("--max-latency", "fast"), "--max-latency is 'fast'"),
        (("--max-latency", "1s"), "--max-latency is '1s'"),
        (("--max-latency", "1ms", "--tune", "10m"), "--tune needs --data FOLDER too"),
        (("--max-latency", "1ms", "--data", "."), "--data needs --tune 10m too"),
        (("--max-latency", "1ms", "--data", "gone", "--tune", "10m"), "gone does not exist; name a folder of pictures"),
        (("--max-latency", "1000ms", "--data", ".", "--tune", "10m"), "has no pictures in it"),
        (("--max-latency", "1ms", "--data", ".", "--tune", "10"), "--tune is '10'; allowed is a time above 0"),
        (("--max-latency", "1ms", "--data", ".", "--tune", "0s"), "--tune is '0s'; allowed is a time above 0"),
        (("--max-latency", "1ms", "--int8", "--backend", "torch"), "allowed are onnx, openvino and auto"),
        (("--max-latency", "1ms", "--scale", "3"), "no networks for x3 to choose from"),
        (("--max-latency", "1ms", "--scale", "5"), "--scale is 5; allowed are 2, 3 and 4"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(
    arguments: tuple[str, ...],
    said: str,
    family: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _design(family, *arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("hnas: error: ")
    assert said in error
    assert not list(tmp_path.iterdir())


def test_sizes_and_threads_have_bounds(family: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _design(family, "--max-latency", "1ms", lr_size="8") == 2
    assert "HEIGHTxWIDTH" in capsys.readouterr().err
    assert _design(family, "--max-latency", "1ms", threads="1000000") == 2
    assert "--threads is 1000000; allowed on this machine are 1 to" in capsys.readouterr().err


def test_other_runtimes_time_and_choose_too(
    family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hnas.zoo.hand_made.hand_made", lambda scale, backend: ())
    pytest.importorskip("openvino", reason="needs the extra openvino")
    for backend, runtime in (("openvino", "openvino "), ("torch", "torch ")):
        folder = tmp_path / backend
        arguments = ("--max-latency", PLENTY, "--backend", backend, "--json", "-o", str(folder))
        assert _design(family, *arguments) == 0
        assert json.loads(capsys.readouterr().out)["runtime"].startswith(runtime)


def test_the_quickest_runtime_in_8_bits_and_trained_on(
    family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr("hnas.zoo.hand_made.hand_made", lambda scale, backend: ())
    small = {name: picture[:48, :64] for name, picture in sample_pictures().items()}
    monkeypatch.setattr("hnas.deploy.export.quantize.sample_pictures", lambda: small)
    monkeypatch.setattr(
        "hnas.deploy.design.eight_bits.held_out_pairs", lambda scale: [pair_of("one", small["coffee"], scale)]
    )
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("coffee", "chelsea", "rocket"):
        write_picture(pictures / f"{name}.png", small[name])
    folder = tmp_path / "mine"
    arguments = ("--max-latency", PLENTY, "--backend", "auto", "--int8", "--tune", "2s", "--data", str(pictures))
    assert _design(family, *arguments, "--json", "-o", str(folder)) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert "runtime taken: " in captured.err
    tried = result["backends"]["ms"]
    assert set(tried) <= {"onnx", "openvino"}  # torch runs no 8 bits
    assert result["backend"] in tried
    # Without a limit that matters nothing is slower than the best, which is tried itself.
    (eight_bits,) = result["eight_bits"]
    assert eight_bits["network"] == "chain-4x3"
    assert result["tuned"]["held_out"] == 1
    assert result["tuned"]["pictures"] == 2
    assert result["tuned"]["kept"] == (result["tuned"]["after"] > result["tuned"]["before"])
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["name"].startswith("chain-4x3")
    assert ("tuned" in card["name"]) == result["tuned"]["kept"]
    assert card["design"]["tuned"] == result["tuned"]
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "dB before, " in report
    assert "runtime taken" in report


def test_what_milliseconds_buy(family: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["profile", "--front", "--family", str(family), "--lr-size", "8x12", "--threads", "1"]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [step["milliseconds"] for step in result["buys"]] == [10, 20, 50, 100, 200]
    assert {one["name"] for one in result["family"]} == {"chain-2x1", "chain-4x1", "chain-4x3"}
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert out.startswith("at 8x12 with onnxruntime ")
    assert "  200 ms  " in out
    for more in (["HNAS-A"], ["--device", "cuda"], ["--channels", "8"]):
        assert main(["profile", "--front", *more]) == 2
        assert "--front is about many networks" in capsys.readouterr().err
    assert main(["profile", "HNAS-A", "--threads", "2"]) == 2
    assert "--threads with --front, --build-table or --backend" in capsys.readouterr().err
    assert main(["profile", "fast-x2", "--family", str(family)]) == 2
    assert "--family goes with --front" in capsys.readouterr().err
