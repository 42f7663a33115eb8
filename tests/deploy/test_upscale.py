"""Tiles leave no trace, on every operation; opacity, gray, depth and memory behave."""

from __future__ import annotations

from itertools import cycle
from math import ceil
from random import Random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hnas import nets
from hnas.deploy.enlarge.tiling import automatic_side, plan_tiles, tile_side
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.pictures.picture import Picture
from hnas.deploy.running.probing import bytes_per_pixel, shadow_of
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.errors import HnasError
from hnas.memory import is_out_of_memory
from hnas.nets.peers import PEERS
from hnas.space import cells
from hnas.space.cells import NAMED_GENOTYPES, Cell, CellGenotype, Edge


def _network(normal: str, upsampling: str, *, scale: int = 2, position: int = 2) -> nets.Network:
    """A network of one normal and one upsampling operation, with weights large enough to matter."""

    def cell(kind: cells.CellKind, name: str) -> Cell:
        return Cell(kind, ((Edge(name, -1), Edge(name, -2)), (Edge(name, 0), Edge(name, -1))))

    torch.manual_seed(0)
    genotype = CellGenotype(3, position, cell("normal", normal), cell("upsampling", upsampling))
    network = nets.Network(genotype, nets.NetworkSettings(channels=3, scale=scale, cell_skip=0.5)).eval()
    for parameter in network.parameters():
        parameter.data.mul_(2)
    return network


def _picture(height: int = 37, width: int = 50) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, 3)).astype(np.float32)


OPERATIONS = [(name, "area") for name in cells.NORMAL_OPERATIONS] + [
    ("dil_conv_3x3", name) for name in cells.UPSAMPLING_OPERATIONS
]


#: Every operation, with scales and positions in turn.
CASES = [(*pair, *place) for pair, place in zip(OPERATIONS, cycle([(2, 2), (3, 1), (4, 3), (2, 1)]), strict=False)]


@pytest.mark.parametrize(("normal", "upsampling", "scale", "position"), CASES)
def test_tiled_equals_untiled(normal: str, upsampling: str, scale: int, position: int) -> None:
    backend = TorchBackend(_network(normal, upsampling, scale=scale, position=position))
    whole = Upscaler(backend, tile=0).upscale(_picture())
    tiled = Upscaler(backend, tile=17).upscale(_picture())
    assert whole.std() > 0.1
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_any_genotype_in_tiles_equals_the_whole(seed: int) -> None:
    """Cells see less and less of the margin; a wrong cut would show at the seams."""
    random = Random(seed)
    search_space = cells.CellSpace(layers=random.choice([1, 4, 7]), nodes=random.choice([1, 3]))
    settings = nets.NetworkSettings(channels=3, scale=random.choice([2, 3, 4]), cell_skip=random.choice([0.0, 0.5]))
    genotype = search_space.sample(random)
    torch.manual_seed(seed)
    model = nets.Network(genotype, settings).eval()
    for parameter in model.parameters():
        parameter.data.mul_(2)
    backend = TorchBackend(model)
    picture = _picture(41, 57)
    whole = Upscaler(backend, tile=0).upscale(picture)
    attends = any(edge.operation == "rcab" for edge in genotype.normal.edges) and genotype.layers > 1
    for tile, margin in ((13, 0), (20, backend.radius + 5)):
        tiled = Upscaler(backend, tile=tile, margin=margin).upscale(picture)
        # Attention pools in two runs, see hnas.deploy.running.pooling.
        np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-2 if attends else 1e-5)
    np.testing.assert_array_equal(Upscaler(backend, tile=0).upscale(picture), whole)


def test_cells_leave_out_what_a_tile_no_longer_needs() -> None:
    model = nets.Network(NAMED_GENOTYPES["HNAS-A"], nets.NetworkSettings(channels=2)).eval()
    backend = TorchBackend(model)
    side, margin = 40, backend.radius
    assert backend.tile_bytes(side) < 0.6 * backend.bytes_per_pixel * (side + 2 * margin) ** 2
    # The last cells see 3 pixels and the stem 43, as one finds by adding up the operations' radii.
    assert model.margins()[-1] == 3
    assert model.margins()[0] == 43


@pytest.mark.parametrize("index", [1, 2, 3])
def test_less_margin_for_any_cell_would_show(index: int) -> None:
    backend = TorchBackend(_network("sep_conv_5x5", "sub_pixel"))
    whole = Upscaler(backend, tile=0).upscale(_picture())
    backend._margins[index:] = [min(margin, backend._margins[index] - 4) for margin in backend._margins[index:]]
    assert np.abs(Upscaler(backend, tile=17).upscale(_picture()) - whole).max() > 1e-4


def test_a_smaller_margin_would_show() -> None:
    """The margin is not just generous: two pixels less, and the tiles differ."""
    backend = TorchBackend(_network("identity", "sub_pixel"))
    whole = Upscaler(backend, tile=0).upscale(_picture())
    backend.radius -= 2
    assert np.abs(Upscaler(backend, tile=17).upscale(_picture()) - whole).max() > 1e-3


def test_pooled_means_come_from_the_whole_picture() -> None:
    network = _network("rcab", "area")
    for name, parameter in network.named_parameters():
        if "attention" in name:
            parameter.data.mul_(10)
    picture = _picture() * np.linspace(0, 1, 50, dtype=np.float32)[:, None]  # means differ from tile to tile
    backend = TorchBackend(network)
    whole = Upscaler(backend, tile=0).upscale(picture)
    tiled = Upscaler(backend, tile=10).upscale(picture)
    backend.pooled.means = []
    without = Upscaler(backend, tile=10).upscale(picture)
    assert np.abs(without - whole).max() > 1e-4
    assert np.abs(tiled - whole).max() < 0.2 * np.abs(without - whole).max()


def test_self_ensemble_is_the_mean_over_turns_and_flips() -> None:
    backend = TorchBackend(_network("sep_conv_3x3", "sub_pixel"))
    picture = _picture(20, 24)
    x = torch.from_numpy(picture).permute(2, 0, 1)[None]
    views = []
    with torch.inference_mode():
        for flip in (False, True):
            for turns in range(4):
                seen = torch.rot90(x.flip(3) if flip else x, turns, (2, 3))
                back = torch.rot90(backend.model(seen), -turns, (2, 3))
                views.append(back.flip(3) if flip else back)
    expected = torch.stack(views).mean(0).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    for tile in (0, 10):
        enlarged = Upscaler(backend, tile=tile, self_ensemble=True).upscale(picture)
        np.testing.assert_allclose(enlarged, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["carn-m", "espcn", "vdsr"])
def test_the_radius_of_other_networks_is_probed(name: str) -> None:
    description = {"format": nets.FORMAT, "architecture": name, "scale": 2}
    torch.manual_seed(0)
    model = nets.build_model(description).eval()
    assert name in PEERS
    backend = TorchBackend(model)
    picture = _picture(24, 2 * backend.radius + 40)
    whole = Upscaler(backend, tile=0).upscale(picture)
    np.testing.assert_allclose(Upscaler(backend, tile=30).upscale(picture), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["ecbsr-m4c16", "abpn-m4c28", "etds-t", "fsrcnn-rgb"])
def test_small_chains_are_tiled_without_seams(name: str) -> None:
    torch.manual_seed(0)
    backend = TorchBackend(nets.build_model({"format": nets.FORMAT, "architecture": name, "scale": 2}).eval())
    assert backend.can_tile
    picture = _picture(24, 80)
    whole = Upscaler(backend, tile=0).upscale(picture)
    np.testing.assert_allclose(Upscaler(backend, tile=16).upscale(picture), whole, rtol=0, atol=1e-5)


def test_a_network_that_looks_everywhere_is_never_tiled(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = nets.build_model({"format": nets.FORMAT, "architecture": "smfanet", "scale": 2}).eval()
    with torch.inference_mode():
        expected = model(torch.from_numpy(_picture()).permute(2, 0, 1)[None]).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    backend = TorchBackend(model)
    np.testing.assert_allclose(Upscaler(backend, tile=16).upscale(_picture()), expected, rtol=0, atol=1e-5)

    def no_memory(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(backend, "model", no_memory)
    with pytest.raises(HnasError, match=r"50x37 needs more memory than cpu has free.*looks at the whole picture"):
        Upscaler(backend).upscale(_picture())
    monkeypatch.setattr(TorchBackend, "free_bytes", lambda _: 1 << 20)
    with pytest.raises(HnasError, match=r"50x37 is too large to be run at once.*looks at the whole picture"):
        Upscaler(backend).upscale(_picture())


def test_probed_radius_of_a_known_chain() -> None:
    class Chain(nets.LocalNetwork):
        scale = 2

        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 12, 3, padding=1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.pixel_shuffle(self.layers(x), 2)

    assert Chain().margins() == [2 + 1]


@pytest.mark.parametrize("name", PEERS)
def test_every_published_network_says_how_far_it_looks(name: str) -> None:
    """SMFANet looks everywhere (adaptive pooling); the promises of networks hold the others to what they say."""
    model = nets.build_model(PEERS[name].description).eval()
    assert (nets.model_margins(model) is None) == name.startswith("smfanet")
    assert bool(nets.model_pools(model)) == (name == "rcab")


def test_plan_covers_every_pixel_once() -> None:
    count = np.zeros((37, 50), int)
    for tile in plan_tiles(37, 50, 16, 5):
        count[tile.top : tile.bottom, tile.left : tile.right] += 1
        assert max(tile.bottom - tile.top, tile.right - tile.left) <= 16
        assert tile.window == (
            max(0, tile.top - 5), max(0, tile.left - 5), min(37, tile.bottom + 5), min(50, tile.right + 5)
        )  # fmt: skip
    assert (count == 1).all()


def test_memory_of_a_known_chain() -> None:
    """A ReLU between two convolutions: the input (12 bytes a pixel) and two tensors of 4 channels live at a time."""
    chain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1))
    assert bytes_per_pixel(shadow_of(chain)) == ceil(2.8 * (12 + 2 * 4 * 4))


def test_automatic_side_fits_the_memory() -> None:
    def taken(side: int) -> int:
        return (side + 40) ** 2 * 1000

    side = automatic_side(taken, 100 << 20)
    assert side % 16 == 0
    assert taken(side) <= 100 << 20 < taken(side + 16)
    assert automatic_side(taken, 0) == 16
    assert tile_side(taken, 20, usual=100 << 20, free=200 << 20) == side
    assert tile_side(taken, 20, usual=0, free=200 << 20) == 20
    assert tile_side(taken, 20, usual=0, free=0) == 16


def test_out_of_memory_halves_the_tile() -> None:
    backend = TorchBackend(_network("identity", "nearest"))
    expected = Upscaler(backend, tile=0).upscale(_picture())
    model, sizes = backend.model, []

    def small_device(x: torch.Tensor) -> torch.Tensor:
        sizes.append(x.shape[2] * x.shape[3])
        if sizes[-1] > 1200:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return model(x)

    backend.model = small_device  # type: ignore[assignment]
    np.testing.assert_allclose(Upscaler(backend, tile=0).upscale(_picture()), expected, rtol=0, atol=1e-5)
    assert sizes[0] == 37 * 50
    assert is_out_of_memory(RuntimeError("MPS backend out of memory"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_no_memory_at_all_is_said() -> None:
    backend = TorchBackend(_network("identity", "nearest"))

    def no_memory(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    backend.model = no_memory  # type: ignore[assignment]
    with pytest.raises(HnasError, match="cpu has too little free memory for even the smallest tile"):
        Upscaler(backend).upscale(_picture())


class _Bicubic(nn.Module):
    """A network whose result is known, and which says how far it looks."""

    scale = 2
    pools = ()

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def margins(self) -> list[int]:
        return [2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)


def _upscaler() -> Upscaler:
    return Upscaler(TorchBackend(_Bicubic()), tile=8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3)])
def test_types_and_shapes_are_kept(dtype: type, shape: tuple[int, ...]) -> None:
    most = np.iinfo(dtype).max
    image = np.random.default_rng(1).integers(0, most + 1, shape).astype(dtype)
    x = torch.from_numpy(image.astype(np.float64) / most).reshape(12, 10, -1).permute(2, 0, 1)[None]
    exact = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)[0].permute(1, 2, 0)
    enlarged = _upscaler().upscale(image)
    assert enlarged.dtype == dtype
    assert enlarged.shape == (24, 20, *shape[2:])
    np.testing.assert_allclose(enlarged.reshape(24, 20, -1), exact.numpy() * most, atol=0.51)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7), (3, 2)])
def test_tiny_pictures(shape: tuple[int, ...]) -> None:
    backend = TorchBackend(_network("up_down_projection", "deconvolution"))
    enlarged = Upscaler(backend).upscale(np.full(shape, 128, np.uint8))
    assert enlarged.shape[:2] == (2 * shape[0], 2 * shape[1])


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4), np.int32), np.zeros((0, 4), np.uint8)]
)
def test_what_is_no_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(HnasError, match="a picture"):
        _upscaler().upscale(image)


def test_clear_pixels_do_not_darken_the_edge() -> None:
    """A white disc on clear black: after enlarging, what is visible is still white."""
    y, x = np.mgrid[:24, :24]
    disc = (y - 12) ** 2 + (x - 12) ** 2 < 64
    rgba = np.dstack([np.where(disc, 255, 0)] * 4).astype(np.uint8)
    enlarged = _upscaler().upscale(rgba)
    assert enlarged[..., :3][enlarged[..., 3] > 0].min() == 255
    assert 0 < enlarged[..., 3].mean() < 255


def test_opaque_stays_opaque_and_clear_stays_clear() -> None:
    alpha = np.zeros((16, 16), np.uint8)
    alpha[:, 8:] = 255
    enlarged = _upscaler().upscale_picture(Picture(np.zeros((16, 16), np.uint8), alpha)).alpha
    assert enlarged is not None
    assert (enlarged[:, :14] == 0).all()
    assert (enlarged[:, 18:] == 255).all()
    constant = np.full((4, 4), 254, np.uint8)
    assert (_upscaler().upscale_picture(Picture(constant, constant)).alpha == 254).all()


def test_progress_ends_at_one() -> None:
    shares: list[float] = []
    _upscaler().upscale(np.zeros((20, 20, 4), np.uint8), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_an_unknown_device() -> None:
    with pytest.raises(HnasError, match="the device 'qpu' cannot be used"):
        TorchBackend(_Bicubic(), "qpu")


def test_the_memory_limit_decides_about_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    upscaler = Upscaler(TorchBackend(_network("identity", "nearest")))
    assert upscaler._side(37, 50) == 0
    monkeypatch.setattr(TorchBackend, "free_bytes", lambda _: 1 << 20)
    assert 16 <= upscaler._side(200, 200) < 200
