"""Graphs that fail while they run, or give something else than a picture: one line, and no file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hnas.cli.main import main
from hnas.deploy.running.footprint import Footprint

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
helper = pytest.importorskip("onnx.helper")


def graph(path: Path, *nodes: Any, channels: int = 3, **constants: Any) -> Path:
    """Nodes between `large`, the picture enlarged by repetition, and `sr`, as a file that says how far it looks."""
    kinds = {np.dtype(np.float32): onnx.TensorProto.FLOAT, np.dtype(np.int64): onnx.TensorProto.INT64}
    arrays = {name: np.asarray(value) for name, value in constants.items()}
    arrays["scales"] = np.array([1, 1, 2, 2], np.float32)
    initial = [
        helper.make_tensor(name, kinds[array.dtype], array.shape, array.ravel().tolist())
        for name, array in arrays.items()
    ]
    enlarge = helper.make_node("Resize", ["lr", "", "scales"], ["large"], mode="nearest")
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, count, None, None])
        for name, count in (("lr", 3), ("sr", channels))
    ]
    made = helper.make_graph([enlarge, *nodes], "made", ends[:1], ends[1:], initial)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    said = {
        "description": {"format": "hnas-model/1", "architecture": "made", "scale": 2},
        "provenance": {},
        "footprint": Footprint(scale=2, radius=1, bytes_per_pixel=100, can_tile=True).as_dict(),
    }
    model.metadata_props.add(key="hnas", value=json.dumps(said))
    path.write_bytes(model.SerializeToString())
    return path


def picture(path: Path, side: int, value: int = 90) -> Path:
    Image.fromarray(np.full((side, side, 3), value, np.uint8)).save(path)
    return path


def of_one_size(path: Path) -> Path:
    """Does only what it was tried with: 16x16."""
    reshape = helper.make_node("Reshape", ["large", "size"], ["sr"])
    return graph(path, reshape, size=np.array([1, 3, 32, 32], np.int64))


@pytest.fixture(params=["onnx", "openvino"])
def backend(request: pytest.FixtureRequest) -> str:
    pytest.importorskip({"onnx": "onnxruntime"}.get(request.param, request.param))
    return str(request.param)


def test_the_graphs_of_these_tests_enlarge_where_nothing_is_wrong(tmp_path: Path, backend: str) -> None:
    whole = graph(tmp_path / "a.onnx", helper.make_node("Identity", ["large"], ["sr"]))
    source, out = picture(tmp_path / "a.png", 20), tmp_path / "out.png"
    assert main(["upscale", str(source), "-o", str(out), "-m", str(whole), "--backend", backend]) == 0
    with Image.open(out) as result:
        assert result.size == (40, 40)
        assert result.getextrema() == ((90, 90),) * 3


def test_a_graph_that_fails_while_it_runs(tmp_path: Path, backend: str, capfd: pytest.CaptureFixture[str]) -> None:
    model, out = of_one_size(tmp_path / "a.onnx"), tmp_path / "out.png"
    source = picture(tmp_path / "a.png", 20)
    assert main(["upscale", str(source), "-o", str(out), "-m", str(model), "--backend", backend, "--quiet"]) == 2
    said = capfd.readouterr()
    assert said.err.count("\n") == 1  # nor a word of the runtime's own log
    assert said.err.startswith(f"hnas: error: {source}: {model}: fails while it runs (")
    assert said.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "a.png"]


def test_others_of_a_folder_are_enlarged_beside_one_that_fails(
    tmp_path: Path, backend: str, capfd: pytest.CaptureFixture[str]
) -> None:
    model, source, out = of_one_size(tmp_path / "a.onnx"), tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for name, side in (("a", 16), ("b", 20), ("c", 16)):
        picture(source / f"{name}.png", side)
    assert main(["upscale", str(source), "-o", str(out), "-m", str(model), "--backend", backend, "--quiet"]) == 1
    assert "fails while it runs" in capfd.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "c.png"]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("channels", r"gives a picture of the shape (1, 1, 32, 32) instead of (1, 3, 32, 32); export it anew"),
        ("size", "gives a picture of the shape (1, 3, 16, 16) instead of (1, 3, 32, 32); export it anew"),
        ("infinite", "gives numbers that are not finite; its weights are damaged"),
    ],
)
def test_a_graph_that_gives_something_else(
    tmp_path: Path, backend: str, case: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.onnx"
    if case == "channels":
        one = helper.make_node("Conv", ["large", "kernel"], ["sr"])
        graph(path, one, channels=1, kernel=np.ones((1, 3, 1, 1), np.float32))
    elif case == "size":
        graph(path, helper.make_node("AveragePool", ["large"], ["sr"], kernel_shape=[2, 2], strides=[2, 2]))
    else:
        graph(path, helper.make_node("Div", ["large", "nothing"], ["sr"]), nothing=np.zeros(1, np.float32))
    source, out = picture(tmp_path / "a.png", 20), tmp_path / "out.png"
    assert main(["upscale", str(source), "-o", str(out), "-m", str(path), "--backend", backend, "--quiet"]) == 2
    assert capfd.readouterr().err == f"hnas: error: {path}: {said}\n"
    assert not out.exists()


def test_a_picture_for_which_a_graph_gives_no_numbers(
    tmp_path: Path, backend: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The root of what is below 0.4; it is tried with 0.5."""
    nodes = [helper.make_node("Sub", ["large", "less"], ["rest"]), helper.make_node("Sqrt", ["rest"], ["sr"])]
    model, out = graph(tmp_path / "a.onnx", *nodes, less=np.array([0.4], np.float32)), tmp_path / "out.png"
    source = picture(tmp_path / "a.png", 20, value=0)
    assert main(["upscale", str(source), "-o", str(out), "-m", str(model), "--backend", backend, "--quiet"]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "gives numbers that are not finite for this picture" in err
    assert not out.exists()
