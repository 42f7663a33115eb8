"""Published weights in our networks: every tensor finds its place, and the published PSNR comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hnas.data.folders import load_pairs
from hnas.errors import HnasError
from hnas.evaluation.metrics import luma, psnr
from hnas.nets.peers import build_peer
from hnas.nets.peers.published import published_state


def _with(architecture: str, scale: int, tensors: dict[str, Tensor]) -> nn.Module:
    model = build_peer({"architecture": architecture, "scale": scale}).eval()
    model.load_state_dict(published_state(architecture, scale, tensors), strict=True)
    return model


def _set5(model: nn.Module, data: Path, scale: int) -> tuple[float, float]:
    """Mean PSNR on Y twice: rounded to 8 bits, as the field has it, and as FALSR's program has it.

    That program cuts off to 8 bits instead, and rounds Y.
    """
    figures = []
    for pair in load_pairs(data / "benchmark" / "Set5", scale):
        with torch.inference_mode():
            output = model(torch.from_numpy(np.array(pair.lr)).permute(2, 0, 1)[None] / 255)
        picture = (output[0] * 255).permute(1, 2, 0).clamp(0, 255).double().numpy()
        inside = (slice(scale, -scale), slice(scale, -scale))
        original = luma(pair.hr)[inside]
        rounded, cut = luma(np.round(picture))[inside], luma(np.floor(picture))[inside]
        figures.append((psnr(rounded, original), psnr(np.round(cut), np.round(original))))
    rounded_mean, cut_mean = np.mean(figures, axis=0)
    return float(rounded_mean), float(cut_mean)


@pytest.mark.parametrize(
    ("scale", "decibels"),
    [(2, 37.68), pytest.param(3, 34.06, marks=pytest.mark.slow), pytest.param(4, 31.88, marks=pytest.mark.slow)],
)
def test_carn_m_gives_its_psnr(shared_data: Path, scale: int, decibels: float) -> None:
    tensors = torch.load(shared_data / "weights" / "carn_m.pth", map_location="cpu", weights_only=True)
    assert round(_set5(_with("carn-m", scale, tensors), shared_data, scale)[0], 2) == decibels


@pytest.mark.parametrize(
    ("architecture", "file", "published", "rounded"),
    [("falsr-b", "FALSR-B", 37.61, 37.67), ("moremnas-d", "MoreMNAS-D", 37.57, 37.72)],
)
def test_searched_peers_give_their_published_psnr(
    shared_data: Path, architecture: str, file: str, published: float, rounded: float
) -> None:
    with np.load(shared_data / "weights" / f"{file}.npz", allow_pickle=False) as arrays:
        tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    by_the_field, by_its_program = _set5(_with(architecture, 2, tensors), shared_data, 2)
    assert by_its_program == pytest.approx(published, abs=0.02)
    assert round(by_the_field, 2) == rounded


def _carn_file(*, mean: float = 0.4488) -> dict[str, Tensor]:
    """A multi-scale file of CARN-M as its authors' program writes it; each tensor has a value of its own."""
    shapes: dict[str, tuple[int, ...]] = {"entry": (64, 3, 3, 3), "exit": (3, 64, 3, 3)}
    for block in (1, 2, 3):
        shapes |= {f"b{block}.b1.body.{place}": (64, 16, 3, 3) for place in (0, 2)}
        shapes[f"b{block}.b1.body.4"] = (64, 64, 1, 1)
        shapes |= {f"b{block}.c{stage}.body.0": (64, 64 * (stage + 1), 1, 1) for stage in (1, 2, 3)}
    shapes |= {f"c{stage}.body.0": (64, 64 * (stage + 1), 1, 1) for stage in (1, 2, 3)}
    shapes |= {"upsample.up2.body.0": (256, 16, 3, 3), "upsample.up3.body.0": (576, 16, 3, 3)}
    shapes |= {"upsample.up4.body.0": (256, 16, 3, 3), "upsample.up4.body.3": (256, 16, 3, 3)}
    tensors = {}
    for value, (name, shape) in enumerate(shapes.items()):
        tensors[f"{name}.weight"] = torch.full(shape, float(value))
        tensors[f"{name}.bias"] = torch.full(shape[:1], float(value) + 0.5)
    for name, sign in (("sub_mean", -1), ("add_mean", 1)):
        tensors[f"{name}.shifter.weight"] = torch.eye(3).reshape(3, 3, 1, 1)
        tensors[f"{name}.shifter.bias"] = sign * torch.tensor([mean, 0.4371, 0.4040])
    return tensors


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_carn_takes_the_upsampler_of_its_scale(scale: int) -> None:
    tensors = _carn_file()
    state = _with("carn-m", scale, tensors).state_dict()
    assert torch.equal(state["enlarge.0.bias"], tensors[f"upsample.up{scale}.body.0.bias"])
    assert torch.equal(state["cascade.blocks.1.blocks.0.body.4.weight"], tensors["b2.b1.body.4.weight"])
    assert torch.equal(state["cascade.blocks.2.joins.0.weight"], tensors["b3.c1.body.0.weight"])
    assert torch.equal(state["cascade.joins.1.bias"], tensors["c2.body.0.bias"])


def test_carn_has_three_blocks_of_its_own_and_may_come_for_one_scale() -> None:
    shapes: dict[str, tuple[int, ...]] = {"entry": (64, 3, 3, 3), "exit": (3, 64, 3, 3)}
    for block in (1, 2, 3):
        shapes |= {f"b{block}.b{n}.body.{place}": (64, 64, 3, 3) for n in (1, 2, 3) for place in (0, 2)}
        shapes |= {f"b{block}.c{stage}.body.0": (64, 64 * (stage + 1), 1, 1) for stage in (1, 2, 3)}
        shapes[f"c{block}.body.0"] = (64, 64 * (block + 1), 1, 1)
    shapes |= {"upsample.up.body.0": (256, 64, 3, 3), "upsample.up.body.3": (256, 64, 3, 3)}
    tensors = {f"{name}.weight": torch.full(shape, float(n)) for n, (name, shape) in enumerate(shapes.items())}
    tensors |= {f"{name}.bias": torch.zeros(shape[0]) for name, shape in shapes.items()}
    state = _with("carn", 4, tensors).state_dict()
    assert torch.equal(state["cascade.blocks.0.blocks.2.body.2.weight"], tensors["b1.b3.body.2.weight"])
    assert torch.equal(state["enlarge.3.weight"], tensors["upsample.up.body.3.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b4.b1.body.0.weight": torch.zeros(1)}, "'b4.b1.body.0.weight', which the published weights do not have"),
        ({"sub_mean.shifter.bias": -torch.tensor([0.5, 0.4371, 0.404])}, "sub_mean is [-0.5"),
    ],
)
def test_what_carn_does_not_know_is_an_error(change: dict[str, Tensor], message: str) -> None:
    with pytest.raises(HnasError) as error:
        published_state("carn-m", 2, {**_carn_file(), **change})
    assert message in str(error.value)


def _plain(*shapes: tuple[int, ...]) -> dict[str, Tensor]:
    tensors = {}
    for number, shape in enumerate(shapes, 1):
        tensors[f"conv{number}.weight"] = torch.full(shape, float(number))
        tensors[f"conv{number}.bias"] = torch.full(shape[:1], float(-number))
    return tensors


def test_srcnn_takes_its_convolutions_in_order() -> None:
    state = _with("srcnn", 3, _plain((64, 1, 9, 9), (32, 64, 5, 5), (1, 32, 5, 5))).state_dict()
    assert [float(state[f"{name}.weight"].mean()) for name in ("extract", "map", "reconstruct")] == [1, 2, 3]
    assert float(state["map.bias"].mean()) == -2


def test_vdsr_without_biases_and_with_its_ends_listed_last() -> None:
    between = {f"residual_layer.{n}.conv.weight": torch.full((64, 64, 3, 3), n + 2.0) for n in range(18)}
    ends = {"output.weight": torch.full((1, 64, 3, 3), 20.0), "input.weight": torch.full((64, 1, 3, 3), 1.0)}
    state = _with("vdsr", 2, {**between, **ends}).state_dict()
    assert [float(state[f"layers.{2 * n}.weight"].mean()) for n in range(20)] == list(range(1, 21))
    assert not any(state[f"layers.{2 * n}.bias"].any() for n in range(20))


def test_fsrcnn_takes_prelus_with_one_slope_or_one_for_each_channel() -> None:
    shapes = [(56, 1, 5, 5), (12, 56, 1, 1), *[(12, 12, 3, 3)] * 4, (56, 12, 1, 1)]
    tensors = {}
    for number, shape in enumerate(shapes):
        tensors[f"body.{2 * number}.weight"] = torch.full(shape, float(number))
        tensors[f"body.{2 * number}.bias"] = torch.zeros(shape[0])
        slopes = 1 if number % 2 else shape[0]
        tensors[f"body.{2 * number + 1}.weight"] = torch.full((slopes,), number / 10)
    tensors |= {"last.weight": torch.full((56, 1, 9, 9), 8.0), "last.bias": torch.full((1,), 9.0)}
    state = _with("fsrcnn", 2, tensors).state_dict()
    assert torch.equal(state["layers.3.weight"], torch.full((12,), 0.1))
    assert torch.equal(state["layers.12.weight"], torch.full((56, 12, 1, 1), 6.0))
    assert float(state["enlarge.bias"]) == 9


@pytest.mark.parametrize("name", ["etds-l", "abpn-m4c28", "ecbsr-m6c40", "espcn-rgb", "fsrcnn-rgb", "smfanet"])
def test_a_tensor_that_is_missing_or_too_many_is_refused(name: str) -> None:
    chain = {} if name == "smfanet" else _plain((16, 3, 3, 3))
    with pytest.raises(HnasError, match="the file has"):
        published_state(name, 2, {**chain, "more.weight": torch.zeros(1, 1, 1, 1)})


@pytest.mark.parametrize(
    ("architecture", "tensors", "message"),
    [
        ("srcnn", _plain((64, 1, 9, 9), (1, 64, 5, 5)), "the file has 2 convolutions; this network has 3"),
        ("srcnn", {"bias": torch.zeros(3)}, "'bias' of shape (3,) belongs to no convolution"),
        ("srcnn", {"a.weight": torch.zeros(2, 2)}, "'a.weight' of shape (2, 2) belongs to no convolution"),
        (
            "srcnn",
            {**_plain((64, 1, 9, 9), (32, 64, 5, 5), (1, 32, 5, 5)), "prelu.weight": torch.zeros(1)},
            "a PReLU where this network has none",
        ),
        ("fsrcnn", _plain(*[(12, 12, 3, 3)] * 8), "no PReLU after its convolution 1"),
        ("drcn", {}, "no published weights of 'drcn' are known; allowed are carn, carn-m"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(architecture: str, tensors: dict[str, Tensor], message: str) -> None:
    with pytest.raises(HnasError) as error:
        published_state(architecture, 2, tensors)
    assert message in str(error.value)
