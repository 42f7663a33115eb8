"""Exported files: what is in them, and that other runtimes compute what torch computes."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hnas import nets
from hnas.cli.main import main
from hnas.data.folders import pair_of
from hnas.deploy.enlarge.models import load
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.export.writing import ENDINGS, ExportFormat, export_model
from hnas.deploy.running.runtimes import onnx_session, openvino_session, precisions
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.deploy.timing.exported import RUNTIMES
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.nets.peers import build_peer
from hnas.space.cells import NAMED_GENOTYPES, CellGenotype, CellSpace
from hnas.weights import load_model, save_model

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")


DATA = [{"folder": "album", "pictures": 7}]


def _small(genotype: CellGenotype) -> CellGenotype:
    return CellGenotype(3, 2, genotype.normal, genotype.upsampling)


def _network(name: str = "HNAS-A", scale: int = 2) -> nets.Network:
    torch.manual_seed(0)
    settings = nets.NetworkSettings(channels=4, scale=scale, cell_skip=0.3)
    network = nets.Network(_small(NAMED_GENOTYPES[name]), settings).eval()
    network.tail.weight.data.normal_(0, 0.05)
    return network


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_model(path, _network(), {"licence": "CC0-1.0", "kept_step": 100, "patch": 32, "data": DATA})
    return path


@pytest.mark.parametrize(("name", "scale"), [("HNAS-A", 2), ("HNAS-B", 3), ("HNAS-C", 4)])
def test_onnx_agrees_with_torch(tmp_path: Path, name: str, scale: int) -> None:
    network = _network(name, scale)
    exported = export_model(network, tmp_path / "m.onnx", "onnx", provenance={})
    assert exported.difference < 1e-5
    run, metadata = onnx_session(exported.path)
    batch = torch.rand(3, 3, 13, 22)  # N, H and W that the exporter has not seen
    with torch.inference_mode():
        np.testing.assert_allclose(run(batch.numpy()), network(batch).numpy(), rtol=0, atol=1e-5)
    assert metadata["description"] == network.description


def test_onnx_is_old_enough_for_runtimes_in_use_and_says_what_it_is(tmp_path: Path) -> None:
    network = _network()
    export_model(network, tmp_path / "m.onnx", "onnx", provenance={"licence": "CC0-1.0"})
    model = onnx.load(tmp_path / "m.onnx")
    assert model.ir_version == 8
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    notes = {entry.key: entry.value for entry in model.metadata_props}
    assert notes["scale"] == "2"
    assert notes["licence"] == "CC0-1.0"
    assert CellGenotype.from_json(notes["genotype"]) == network.genotype
    shape = [
        dimension.dim_param or dimension.dim_value for dimension in model.graph.input[0].type.tensor_type.shape.dim
    ]
    assert shape == ["batch", 3, "height", "width"]
    assert "Identity" not in {node.op_type for node in model.graph.node}


def test_random_genotypes_with_every_operation(tmp_path: Path) -> None:
    from random import Random

    space, random, seen = CellSpace(layers=2, nodes=4), Random(3), set()
    for _ in range(4):
        genotype = space.sample(random)
        seen |= {edge.operation for cell in (genotype.normal, genotype.upsampling) for edge in cell.edges}
        network = nets.Network(genotype, nets.NetworkSettings(channels=3)).eval()
        assert export_model(network, tmp_path / "m.onnx", "onnx", provenance={}).difference < 1e-5
    assert seen == {*space.normal_operations, *space.upsampling_operations}


def test_openvino_agrees_with_torch(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    network = _network("HNAS-B")
    exported = export_model(network, tmp_path / "m.xml", "openvino", provenance={})
    assert exported.difference < 1e-5
    run, metadata = openvino_session(exported.path)
    x = torch.rand(2, 3, 13, 22)
    with torch.inference_mode():
        np.testing.assert_allclose(run(x.numpy()), network(x).numpy(), rtol=0, atol=1e-5)
    assert metadata["description"] == network.description


def test_torchscript_agrees_with_torch(tmp_path: Path) -> None:
    network = _network("HNAS-C", 3)
    assert export_model(network, tmp_path / "m.pt", "torchscript", provenance={"licence": "x"}).difference < 1e-5
    files = {"hnas": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer releases of torch give one
        loaded = torch.jit.load(tmp_path / "m.pt", _extra_files=files)
    x = torch.rand(2, 3, 13, 22)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(x), network(x), rtol=0, atol=1e-5)
    assert json.loads(files["hnas"])["provenance"] == {"licence": "x"}


def test_a_wrong_export_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hnas.deploy.export.writing.largest_difference", lambda *_: 0.01)
    with pytest.raises(
        HnasError, match=r"m\.onnx: not written, since the exported model differs from torch by 1\.0e-02"
    ):
        export_model(_network(), tmp_path / "m.onnx", "onnx", provenance={})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["ecbsr-m4c16", "abpn-m4c28", "etds-t", "espcn-rgb", "fsrcnn-rgb", "smfanet"])
def test_small_peers_agree_with_torch(tmp_path: Path, name: str) -> None:
    torch.manual_seed(0)
    network = build_peer({"architecture": name, "scale": 3}).eval()
    exported = export_model(network, tmp_path / "m.onnx", "onnx", provenance={})
    assert exported.difference < 1e-5
    run, _ = onnx_session(exported.path)
    for size in ((3, 5), (8, 40), (33, 70)):  # also smaller than one region of SMFANet's pooling
        x = torch.rand(2, 3, *size)
        with torch.no_grad():
            np.testing.assert_allclose(run(x.numpy()), network(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_upscaling_is_the_same_with_every_backend(weights: Path, backend: str) -> None:
    pytest.importorskip("onnxruntime" if backend == "onnx" else "openvino", reason=f"needs the extra {backend}")
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    expected = load(weights).upscale(image)
    for tile in (0, 24):
        enlarged = load(weights, backend=backend, tile=tile).upscale(image)  # type: ignore[arg-type]
        assert np.abs(enlarged.astype(int) - expected).max() <= 1


def test_exported_files_are_models_too(weights: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    expected = load(weights).upscale(image).astype(int)
    formats: list[ExportFormat] = ["onnx", "openvino"]
    for format in formats:
        path = tmp_path / f"m{ENDINGS[format]}"
        assert main(["export", str(weights), "--format", format, "-o", str(path), "--no-measure"]) == 0
        assert np.abs(load(path).upscale(image) - expected).max() <= 1


def test_attention_is_not_tiled_where_it_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_model(_network("HNAS-B"), tmp_path / "m.onnx", "onnx", provenance={})
    upscaler = load(tmp_path / "m.onnx", tile=16)
    image = np.random.default_rng(0).random((40, 50, 3)).astype(np.float32)
    whole = Upscaler(TorchBackend(_network("HNAS-B")), tile=0).upscale(image)
    np.testing.assert_allclose(upscaler.upscale(image), whole, rtol=0, atol=1e-5)
    monkeypatch.setattr("hnas.deploy.running.backends.free_memory", lambda: 1 << 16)
    with pytest.raises(HnasError, match=r"50x40 is too large to be run at once.*--backend torch"):
        upscaler.upscale(image)


@pytest.fixture
def noise(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """One picture in the place of the photographs that come along, which are large."""
    picture = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    monkeypatch.setattr("hnas.data.sample.held_out_pairs", lambda scale: [pair_of("noise", picture, scale)])
    monkeypatch.setattr("hnas.deploy.export.quantize.sample_pictures", lambda: {"noise": picture})
    return picture


SMALL = ("--lr-size", "24x32", "--threads", "1")


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_eight_bits_are_measured_beside_f32(
    weights: Path, tmp_path: Path, noise: np.ndarray, capsys: pytest.CaptureFixture[str], format: ExportFormat
) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    path = tmp_path / f"m{ENDINGS[format]}"
    command = ["export", str(weights), "--format", format, "--int8", "-o", str(path), *SMALL]
    assert main([*command, "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)["measured"]
    ways = {way["variant"]: way for way in measured["ways"]}
    assert [*ways] == [*precisions(RUNTIMES[format]), "int8"]
    assert (measured["machine"]["threads"], measured["machine"]["lr_size"]) == (1, [24, 32])
    wanted = evaluate_model(load_model(weights), [pair_of("noise", noise, 2)], scale=2).psnr
    assert ways["f32"]["psnr"] == pytest.approx(wanted, abs=0.01)  # whole grey levels are compared
    assert 0 < abs(ways["int8"]["psnr"] - wanted) < 1
    for way in ways.values():
        assert way["faster"] == (way["milliseconds"] < 0.95 * ways["f32"]["milliseconds"])
    if format == "onnx":
        assert "QuantizeLinear" in {node.op_type for node in onnx.load(path).graph.node}


def test_what_does_not_pay_is_said(
    weights: Path,
    tmp_path: Path,
    noise: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for int8, said in ((0.0390, True), (0.0350, True), (0.0190, False)):
        seconds = {"f32": 0.0365, "int8": int8}
        monkeypatch.setattr("hnas.deploy.timing.exported.medians_in_turns", lambda *_, seconds=seconds, **__: seconds)
        assert main(["export", str(weights), "--int8", "-o", str(tmp_path / "m.onnx"), *SMALL]) == 0
        printed = capsys.readouterr().out
        assert f"{1e3 * int8:.1f} ms, PSNR" in printed
        assert ("int8 does not pay on this machine" in printed) == said


def test_torchscript_is_measured_and_pictures_may_be_given(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "one.png")
    threads = torch.get_num_threads()
    command = ["export", str(weights), "--format", "torchscript", "-o", str(tmp_path / "m.pt"), "--val", str(tmp_path)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer releases of torch give one
            assert main([*command, *SMALL, "--json"]) == 0
    finally:
        torch.set_num_threads(threads)
    (way,) = json.loads(capsys.readouterr().out)["measured"]["ways"]
    wanted = evaluate_model(load_model(weights), [pair_of("one", picture, 2)], scale=2).psnr
    assert way["psnr"] == pytest.approx(wanted, abs=0.01)
    assert main(["export", str(weights), "-o", str(tmp_path / "m.onnx"), "--no-measure", "--json"]) == 0
    assert "measured" not in json.loads(capsys.readouterr().out)


def test_card_for_openmodeldb(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    assert main(["export", str(weights), "-o", str(path), "--card", "--no-measure"]) == 0
    entry = json.loads((tmp_path / "2x-small.json").read_text())
    assert (entry["scale"], entry["license"], entry["trainingHRSize"]) == (2, "CC0-1.0", 64)
    assert (entry["dataset"], entry["datasetSize"], entry["trainingIterations"]) == ("album", 7, 100)
    digests = [resource["sha256"] for resource in entry["resources"]]
    assert digests == [hashlib.sha256(file.read_bytes()).hexdigest() for file in (weights, path)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.safetensors"], "none.safetensors: no such weights file"),
        (["small.safetensors", "-o", "m.pt"], "m.pt: an onnx file ends in .onnx"),
        (["small.safetensors", "--format", "torchscript", "--int8"], "--int8 goes with --format onnx and openvino"),
        (["small.safetensors", "--threads", "0"], "--threads is 0; allowed is 1 and more"),
        (["small.safetensors", "--push", "a/b"], "--push goes with --format hub, not onnx"),
    ],
)
def test_mistakes(
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(weights.parent)
    assert main(["export", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("session", [onnx_session, openvino_session])
def test_damaged_and_foreign_files_are_refused(tmp_path: Path, session: object) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    path = tmp_path / "m.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(HnasError, match=r"m\.onnx: (onnxruntime|OpenVINO) cannot load it"):
        session(path)  # type: ignore[operator]
    foreign = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["lr"], ["sr"])],
        "foreign",
        [onnx.helper.make_tensor_value_info("lr", 1, [1, 3, 4, 4])],
        [onnx.helper.make_tensor_value_info("sr", 1, [1, 3, 4, 4])],
    )
    model = onnx.helper.make_model(foreign, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    with pytest.raises(HnasError, match=r"m\.onnx: does not say which model it holds; export it with `hnas export`"):
        session(path)  # type: ignore[operator]
