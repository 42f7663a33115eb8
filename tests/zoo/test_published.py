"""Published weights files: every layout in use gives what the published program computes; all else is refused."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.io import savemat
from scipy.ndimage import convolve, correlate

from hnas.cli.main import main
from hnas.data.folders import load_pairs
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.weights import load_model, read_weights
from hnas.zoo import published
from hnas.zoo.published import READERS, import_weights, published_model, read_published

RNG = np.random.default_rng(0)


def _cells(*values: NDArray[Any]) -> NDArray[Any]:
    """A MATLAB cell array of one row."""
    cells = np.empty((1, len(values)), dtype=object)
    for index, value in enumerate(values):
        cells[0, index] = value
    return cells


def _luma(model: torch.nn.Module, small: NDArray[Any], enlarged: NDArray[Any]) -> NDArray[Any]:
    with torch.no_grad():
        y = model.enlarge_luma(*(torch.from_numpy(a)[None, None].float() for a in (small, enlarged)))  # type: ignore[operator]
    return np.asarray(y[0, 0])


def test_srcnn_mat_computes_what_its_matlab_program_does(tmp_path: Path) -> None:
    first, second, third = (RNG.normal(0, 0.05, s) for s in ((81, 64), (64, 25, 32), (32, 25)))
    biases = [RNG.normal(0, 0.05, (n, 1)) for n in (64, 32, 1)]
    values = {f"weights_conv{n}": w for n, w in enumerate((first, second, third), 1)}
    values |= {f"biases_conv{n}": b for n, b in enumerate(biases, 1)}
    savemat(tmp_path / "x2.mat", values)
    picture = RNG.random((12, 10))

    # imfilter(..., 'same', 'replicate') correlates; reshape takes columns first.
    def layer(features: list[NDArray[Any]], filters: NDArray[Any], bias: NDArray[Any]) -> list[NDArray[Any]]:
        size = round(filters.shape[1] ** 0.5)
        return [
            bias[out, 0]
            + sum(
                correlate(x, filters[into, :, out].reshape(size, size, order="F"), mode="nearest")
                for into, x in enumerate(features)
            )
            for out in range(filters.shape[2])
        ]

    features = [np.maximum(x, 0) for x in layer([picture], first[None], biases[0])]
    features = [np.maximum(x, 0) for x in layer(features, second, biases[1])]
    [expected] = layer(features, third[..., None], biases[2])
    model = published_model(tmp_path / "x2.mat", architecture="srcnn", scale=2)
    np.testing.assert_allclose(_luma(model, picture, picture), expected, atol=1e-4)


def test_vdsr_mat_has_height_width_in_out(tmp_path: Path) -> None:
    shapes = [(3, 3, 1, 64), *[(3, 3, 64, 64)] * 18, (3, 3, 64, 1)]
    weights = [RNG.normal(0, 0.05, shape) for shape in shapes]
    weights[-1] = weights[-1][..., 0]  # as MATLAB saves a last dimension of 1
    biases = [RNG.normal(0, 0.05, (1, shape[3])) for shape in shapes]
    model = {"weight": _cells(*weights), "bias": _cells(*biases)}
    savemat(tmp_path / "VDSR_Official.mat", {"model": model})
    state = published_model(tmp_path / "VDSR_Official.mat", architecture="vdsr", scale=4).state_dict()
    assert float(state["layers.4.weight"][5, 7, 0, 2]) == pytest.approx(weights[2][0, 2, 7, 5])
    assert float(state["layers.38.weight"][0, 9, 2, 1]) == pytest.approx(weights[19][2, 1, 9])
    assert float(state["layers.0.bias"][3]) == pytest.approx(biases[0][0, 3])


def test_fsrcnn_mat_computes_what_its_matlab_program_does(tmp_path: Path) -> None:
    shapes = [(1, 25, 56), (56, 1, 12), *[(12, 9, 12)] * 4, (12, 1, 56), (1, 81, 56)]
    weights = [RNG.normal(0, 0.1, shape) for shape in shapes]
    biases = [RNG.normal(0, 0.1, (shape[2] if shape[0] > 1 or shape[1] == 25 else 1, 1)) for shape in shapes]
    slopes = [np.array([[RNG.random()]]) for _ in shapes[:-1]]
    layout = {"weights_conv": _cells(*weights), "biases_conv": _cells(*biases), "prelu_conv": _cells(*slopes)}
    savemat(tmp_path / "x3.mat", layout)
    picture = RNG.random((6, 5))

    features = [picture]
    for filters, bias, slope in zip(weights[:-1], biases[:-1], slopes, strict=True):
        size = round(filters.shape[1] ** 0.5)
        sums = [
            bias[out, 0]
            + sum(
                correlate(x, filters[into, :, out].reshape(size, size, order="F"), mode="nearest")
                for into, x in enumerate(features)
            )
            for out in range(filters.shape[2])
        ]
        features = [np.maximum(x, 0) + slope[0, 0] * np.minimum(x, 0) for x in sums]
    expected = np.full((18, 15), biases[-1][0, 0])
    for into, x in enumerate(features):  # zeros between the pixels, then convolution
        spread = np.zeros((18, 15))
        spread[::3, ::3] = x
        expected += convolve(spread, weights[-1][0, :, into].reshape(9, 9, order="F"), mode="constant")
    model = published_model(tmp_path / "x3.mat", architecture="fsrcnn", scale=3)
    np.testing.assert_allclose(_luma(model, picture, expected), expected, atol=1e-4)


def _srcnn_state(prefix: str = "") -> dict[str, torch.Tensor]:
    shapes = [(64, 1, 9, 9), (32, 64, 5, 5), (1, 32, 5, 5)]
    generator = torch.Generator().manual_seed(0)
    state = {}
    for number, shape in enumerate(shapes, 1):
        state[f"{prefix}conv{number}.weight"] = torch.rand(shape, generator=generator)
        state[f"{prefix}conv{number}.bias"] = torch.rand(shape[:1], generator=generator)
    return state


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda: _srcnn_state(),
        lambda: _srcnn_state("module."),
        lambda: {"state_dict": _srcnn_state(), "epoch": 5},
        lambda: {"params": _srcnn_state()},
    ],
)
def test_state_dicts_come_plain_or_wrapped(tmp_path: Path, wrapped: Callable[[], dict[str, Any]]) -> None:
    torch.save(wrapped(), tmp_path / "srcnn.pth")
    state = published_model(tmp_path / "srcnn.pth", architecture="srcnn", scale=2).state_dict()
    assert torch.equal(state["map.weight"], _srcnn_state()["conv2.weight"])


def test_the_written_file_loads_and_names_its_source(tmp_path: Path) -> None:
    torch.save(_srcnn_state(), tmp_path / "srcnn.pth")
    model = import_weights(tmp_path / "srcnn.pth", architecture="srcnn", scale=3, output=tmp_path / "x3.safetensors")
    again = load_model(tmp_path / "x3.safetensors")
    assert again.scale == 3
    assert all(torch.equal(again.state_dict()[name], value) for name, value in model.state_dict().items())
    provenance = read_weights(tmp_path / "x3.safetensors").provenance
    assert provenance["file"] == "srcnn.pth"
    assert len(provenance["sha256"]) == 64


# Set5 x2 on Y in dB, measured with another program.
PUBLISHED_X2 = [
    ("ecbsr-m4c16", "peers/ECBSR_M4C16_x2", 37.18),
    ("ecbsr-m6c40", "peers/ECBSR_M6C40_x2", 37.61),
    ("abpn-m4c28", "peers/ABPN_M4C28_x2", 37.38),
    ("etds-t", "peers/ETDS_M5C16_x2", 37.18),
    ("etds-s", "peers/ETDS_M4C32_x2", 37.39),
    ("etds-m", "peers/ETDS_M6C32_x2", 37.56),
    ("etds-l", "peers/ETDS_M7C48_x2", 37.66),
    ("espcn-rgb", "peers/ESPCN_x2", 36.85),
    ("fsrcnn-rgb", "peers/FSRCNN_x2", 36.99),
    ("smfanet-plus", "SMFANet_plus_DF2K_x2", 38.19),
]


@pytest.mark.parametrize(("architecture", "file", "decibels"), PUBLISHED_X2)
def test_imported_weights_give_their_psnr(
    shared_data: Path, tmp_path: Path, architecture: str, file: str, decibels: float
) -> None:
    source, output = _published_file(shared_data, file), tmp_path / "x2.safetensors"
    import_weights(source, architecture=architecture, scale=2, output=output, licence="Apache-2.0")
    result = evaluate_model(load_model(output), load_pairs(shared_data / "benchmark" / "Set5", 2), scale=2)
    # ECBSR-M6C40 gives 37.632.
    assert result.psnr == pytest.approx(decibels, abs=0.023)
    assert read_weights(output).provenance["licence"] == "Apache-2.0"


@pytest.mark.parametrize(
    ("architecture", "scale", "file"),
    [
        ("smfanet", 2, "SMFANet_DF2K_x2"),
        ("smfanet-plus", 3, "SMFANet_plus_DF2K_x3"),
        ("smfanet-plus", 4, "SMFANet_plus_DF2K_x4"),
    ],
)
def test_every_tensor_of_smfanet_finds_its_place(shared_data: Path, architecture: str, scale: int, file: str) -> None:
    model = published_model(_published_file(shared_data, file), architecture=architecture, scale=scale)
    with torch.no_grad():
        small = torch.rand(1, 3, 16, 24).mul(0.1).add(0.5)
        large = model(small)
    assert large.shape == (1, 3, 16 * scale, 24 * scale)
    assert large.mean((2, 3)).sub(small.mean((2, 3))).abs().max() < 0.02  # a picture, not noise


def _published_file(data: Path, name: str) -> Path:
    file = data / "weights" / f"{name}.pth"
    if not file.is_file():
        pytest.skip(f"no published weights at {file}")
    return file


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this ran",))


def test_nothing_in_a_file_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"conv1.weight": _Runs()}, tmp_path / "evil.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(_Runs()))
    np.savez(tmp_path / "evil.npz", a=np.array([_Runs()], dtype=object))
    for name in ("evil.pth", "bare.pth", "evil.npz"):
        with pytest.raises(HnasError):
            read_published(tmp_path / name)
    assert "this ran" not in capsys.readouterr().out


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "MAX_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as file, file.open("a.npy", "w") as member:
        member.write(bytes(2 << 20))
    with pytest.raises(HnasError, match="unpacks to 2 MiB; allowed are 1"):
        read_published(tmp_path / "bomb.npz")


@pytest.mark.parametrize("suffix", READERS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=300))
@example(content=b"MATLAB 5.0 MAT-file" + bytes(109) + b"\x00\x01IM" + bytes(20))
@example(content=b"PK\x03\x04" + bytes(60))
@example(content=b"\x80\x02}q\x00.")
def test_any_bytes_give_one_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    file = tmp_path / f"file{suffix}"
    file.write_bytes(content)
    with pytest.raises(HnasError) as error:
        published_model(file, architecture="srcnn", scale=2)
    assert "\n" not in str(error.value)
    assert str(file) in str(error.value)


def test_import_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(_srcnn_state(), tmp_path / "srcnn.pth")
    arguments = ["import", str(tmp_path / "srcnn.pth"), "--as", "SRCNN", "--scale", "2", "--licence", "MIT"]
    assert main([*arguments, "-o", str(tmp_path / "out.safetensors"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["description"]["architecture"] == "srcnn"
    assert read_weights(tmp_path / "out.safetensors").provenance["licence"] == "MIT"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--as": "resnet"}, "unknown architecture 'resnet'"),
        ({"--as": "vdsr"}, "3 convolutions; this network has 20"),
        ({"--as": "plain"}, "no published weights of 'plain' are known"),
        ({"--scale": "5"}, "scale is 5; allowed are 2, 3, 4"),
        ({"-o": "out.pth"}, "weights are written as .safetensors"),
        ({"file": "missing.pth"}, "no such file"),
        ({"file": "weights.bin"}, "unknown kind of weights file"),
    ],
)
def test_import_refuses_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], message: str
) -> None:
    torch.save(_srcnn_state(), tmp_path / "srcnn.pth")
    options = {"--as": "srcnn", "--scale": "2", "-o": "out.safetensors", **changed}
    options["-o"] = str(tmp_path / options["-o"])
    file = str(tmp_path / options.pop("file", "srcnn.pth"))
    assert main(["import", file, *(part for option in options.items() for part in option)]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()


def test_wrong_shapes_and_broken_numbers_are_refused(tmp_path: Path) -> None:
    torch.save(_srcnn_state() | {"conv3.bias": torch.zeros(2)}, tmp_path / "shape.pth")
    torch.save(_srcnn_state() | {"conv3.bias": torch.tensor([torch.nan])}, tmp_path / "nan.pth")
    with pytest.raises(HnasError, match=r"has reconstruct.bias of shape \(2,\) instead of \(1,\)"):
        published_model(tmp_path / "shape.pth", architecture="srcnn", scale=2)
    with pytest.raises(HnasError, match=r"reconstruct.bias holds numbers that are not finite"):
        published_model(tmp_path / "nan.pth", architecture="srcnn", scale=2)
