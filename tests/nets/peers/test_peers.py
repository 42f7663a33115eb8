"""Every peer: shapes, multiply-adds and parameters as published, gradients, descriptions and weights files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import skimage.color
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.conformance import MODEL_PROMISES
from hnas.data.resize import imresize
from hnas.errors import HnasError
from hnas.nets import model_cost
from hnas.nets.peers import PEERS, build_peer
from hnas.nets.peers.elastic import depth_to_space
from hnas.nets.peers.etds import CARRIED
from hnas.nets.peers.luma import LumaNetwork, enlarge_bicubic
from hnas.nets.peers.residual_cells import macs_beside
from hnas.nets.peers.smfanet import largest_of_regions

#: The low-resolution input of each scale for one 1280x720 (equally 960x960) output, the field's convention.
LR_SIZE = {2: (480, 480), 3: (320, 320), 4: (240, 240)}


def built(name: str, scale: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return build_peer({**PEERS[name].description, "scale": scale})


# Table II of the HNAS paper, and Table 1 of the CARN paper for x3 and x4.
@pytest.mark.parametrize(
    ("name", "scale", "gmacs"),
    [
        ("srcnn", 2, 52.7),
        ("vdsr", 2, 612.6),
        ("vdsr", 4, 612.6),
        ("drcn", 2, 17_974.3),
        ("drrn", 2, 6_796.9),
        ("selnet", 2, 225.7),
        ("selnet", 3, 120.0),
        ("selnet", 4, 83.1),
        ("carn", 2, 222.8),
        ("carn", 3, 118.8),
        ("carn", 4, 90.9),
        ("carn-m", 2, 91.2),
        ("carn-m", 3, 46.1),
        ("carn-m", 4, 32.5),
        ("moremnas-d", 2, 152.4),
    ],
)
def test_multiply_adds_are_the_published_ones(name: str, scale: int, gmacs: float) -> None:
    with torch.device("meta"):
        cost = model_cost(built(name, scale), lr_size=LR_SIZE[scale])
    assert round(cost.macs / 1e9, 1) == gmacs


# Where the published figure is not the network's: see the docstrings for each reason.
def test_fsrcnn_counts_its_transposed_convolution_once_for_each_small_pixel() -> None:
    features = 5 * 5 * 56 + 56 * 12 + 4 * 9 * 12 * 12 + 12 * 56
    cost = model_cost(built("fsrcnn"))
    assert cost.macs == (features + 81 * 56) * 480 * 480
    # The published 6.0 G is reached by counting it for each of the four times as many large pixels.
    assert round((features + 4 * 81 * 56) * 480 * 480 / 1e9, 1) == 6.0


@pytest.mark.parametrize(("name", "gmacs"), [("residual-block", 476.0), ("rcab", 849.7)])
def test_hand_made_cells_cost_ten_times_the_printed_figure(name: str, gmacs: float) -> None:
    cost = model_cost(built(name))
    assert round((cost.macs + macs_beside(2, (480, 480))) / 1e9, 1) == gmacs


def test_what_a_plain_stack_costs_can_be_chosen() -> None:
    description = {"format": "hnas-model/1", "architecture": "plain", "scale": 3, "channels": 5, "depth": 2}
    weights = 9 * (3 * 5 + 2 * 5 * 5 + 5 * 27)
    cost = model_cost(build_peer(description), lr_size=(10, 10))
    assert cost.macs == weights * 100
    assert cost.params == weights + 3 * 5 + 27


# The same tables; papers count weights in thousands, the older ones without biases.
@pytest.mark.parametrize(
    ("name", "scale", "biases", "thousands"),
    [
        ("srcnn", 2, False, 57),
        ("fsrcnn", 2, False, 12),
        ("vdsr", 2, False, 665),
        ("drcn", 2, False, 1774),
        ("drrn", 2, False, 297),
        ("selnet", 2, False, 974),
        ("selnet", 3, False, 1159),
        ("selnet", 4, False, 1417),
        ("moremnas-d", 2, True, 664),
        # Figure 1 of the SMFANet paper.
        ("smfanet", 4, True, 197),
        ("smfanet-plus", 4, True, 496),
    ],
)
def test_parameters_are_the_published_ones(name: str, scale: int, biases: bool, thousands: int) -> None:
    counted = sum(p.numel() for p in built(name, scale).parameters() if biases or p.ndim == 4)
    assert round(counted / 1000) == thousands


@pytest.mark.parametrize("promise", MODEL_PROMISES)
@pytest.mark.parametrize("name", PEERS)
def test_peers_keep_their_promises(promise: Callable[[str], None], name: str) -> None:
    promise(name)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"architecture": "resnet"}, "unknown architecture 'resnet'"),
        ({"architecture": "carn", "groups": 2}, "unknown fields ['groups']"),
        ({"architecture": "carn", "scale": 5}, "scale is 5; allowed are 2, 3, 4"),
        ({"architecture": "falsr-b", "scale": 3}, "scale is 3; allowed are 2"),
        ({"architecture": "plain", "channels": 10**9}, "channels is 1000000000; allowed are 1 to"),
        ({"architecture": "plain", "depth": 0}, "depth is 0"),
        ({"architecture": "plain", "depth": True}, "depth is True; a whole number is needed"),
        ({"architecture": "plain", "scale": "2"}, "scale is '2'; a whole number is needed"),
    ],
)
def test_a_wrong_description_is_refused_by_name(description: dict[str, object], message: str) -> None:
    with pytest.raises(HnasError) as error:
        build_peer({"format": "hnas-model/1", **description})
    assert message in str(error.value)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_etds_starts_by_repeating_pixels_and_clips(scale: int) -> None:
    network = built("etds-t", scale)
    with torch.no_grad():
        network.tail.weight[:, :-CARRIED] = 0  # type: ignore[index]  # without what adds detail
        picture = torch.rand(1, 3, 4, 5)
        repeated = np.repeat(np.repeat(picture.numpy(), scale, 2), scale, 3)
        np.testing.assert_allclose(network(picture).numpy(), repeated, atol=1e-6)
        assert network(picture + 1).unique().tolist() == [1.0]


def test_etds_has_a_channel_more_at_x3() -> None:
    # The published files: 12, 28 and 48 channels.
    assert [built("etds-t", scale).tail.out_channels for scale in (2, 3, 4)] == [12, 28, 48]


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (8, 16), (17, 31), (45, 100)])
def test_smfanets_pooling_is_torchs(size: tuple[int, int]) -> None:
    features = torch.rand(2, 3, *size)
    expected = F.adaptive_max_pool2d(features, (max(1, size[0] // 8), max(1, size[1] // 8)))
    assert torch.equal(largest_of_regions(features), expected)


def test_smfanet_takes_a_picture_of_one_pixel() -> None:
    assert built("smfanet")(torch.rand(1, 3, 1, 1)).isfinite().all()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(9, 7), (3, 2), (1, 5), (1, 1)])
def test_bicubic_is_matlabs(scale: int, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).random((*size, 3))
    ours = enlarge_bicubic(torch.from_numpy(picture).permute(2, 0, 1)[None], scale)
    np.testing.assert_allclose(ours[0].permute(1, 2, 0).numpy(), imresize(picture, scale), atol=1e-12)


class _Brightener(LumaNetwork):
    """Adds a fixed pattern to the enlarged Y."""

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        self.seen = small
        return enlarged + torch.linspace(0, 0.2, enlarged.numel(), dtype=enlarged.dtype).reshape(enlarged.shape)


@pytest.mark.parametrize("full_range", [False, True])
def test_only_y_goes_through_a_luma_network(full_range: bool) -> None:
    picture = np.random.default_rng(0).random((5, 4, 3))
    network = _Brightener("srcnn", 2, full_range=full_range)
    output = network(torch.from_numpy(picture).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    # scikit-image: rgb2ycbcr gives 16..235, rgb2ypbpr the full range.
    split, unit = (skimage.color.rgb2ypbpr, 1.0) if full_range else (skimage.color.rgb2ycbcr, 255.0)
    np.testing.assert_allclose(network.seen[0, 0].numpy() * unit, split(picture)[..., 0], atol=1e-4)
    before, after = split(imresize(picture, 2)), split(output)
    added = np.linspace(0, 0.2, 80).reshape(10, 8) * unit
    np.testing.assert_allclose(after[..., 0], before[..., 0] + added, atol=1e-4)
    np.testing.assert_allclose(after[..., 1:], before[..., 1:], atol=1e-3 * unit)


def test_depth_to_space_has_tensorflows_order() -> None:
    # The second example of tf.nn.depth_to_space's documentation: 12 channels, blocks of 2.
    block = depth_to_space(torch.arange(1.0, 13).reshape(1, 12, 1, 1), 2)
    expected = torch.tensor([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]], dtype=torch.float32)
    assert torch.equal(block[0].permute(1, 2, 0), expected)
