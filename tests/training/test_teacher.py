"""A teacher's pictures: made once, by the right network, and mixed into the patches as often as asked for."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hnas.data.folders import Pair
from hnas.data.patches import PatchSampler
from hnas.errors import HnasError
from hnas.nets.chain import ChainNetwork
from hnas.space.chain import ChainGenotype
from hnas.training import teacher as module
from hnas.training.settings import TrainingSettings
from hnas.training.teacher import taught
from hnas.weights import save_model


def pairs(count: int = 3, scale: int = 2) -> list[Pair]:
    """Pictures of noise, large and small ones that have nothing to do with each other."""
    draw = np.random.default_rng(0)
    sizes = [(9 + index, 12) for index in range(count)]
    return [
        Pair(
            f"p{index}",
            draw.integers(256, size=(scale * height, scale * width, 3), dtype=np.uint8),
            draw.integers(256, size=(height, width, 3), dtype=np.uint8),
        )
        for index, (height, width) in enumerate(sizes)
    ]


def network(seed: int = 0, scale: int = 2) -> ChainNetwork:
    torch.manual_seed(seed)
    return ChainNetwork(ChainGenotype(4, ("conv_3x3",), "luma", 1), scale).eval()


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    save_model(tmp_path / "teacher.safetensors", network(), {})
    return tmp_path / "teacher.safetensors"


@pytest.fixture(autouse=True)
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that a network was run for; what is kept is kept in the test's own folder."""
    made: list[str] = []

    def counting(model: torch.nn.Module, pair: Pair, **where: Any) -> Any:
        made.append(pair.name)
        return enlarge(model, pair, **where)

    enlarge = module.enlarge_picture
    monkeypatch.setattr(module, "enlarge_picture", counting)
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache" / "hnas")
    return made


def test_pictures_are_what_the_network_makes_of_the_small_ones(teacher: Path) -> None:
    given = pairs()
    for pair, result in zip(given, taught(given, teacher, scale=2), strict=True):
        x = torch.from_numpy(pair.lr).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            image = (network()(x)[0] * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
        assert np.abs(result.hr.astype(int) - image).max() <= 1
        assert (result.name, result.hr.dtype) == (pair.name, np.uint8)
        assert np.array_equal(result.lr, pair.lr)
        assert not np.array_equal(result.hr, pair.hr)
        with pytest.raises(ValueError, match="read-only"):
            result.hr[0, 0, 0] = 1


def test_a_second_call_runs_no_network(teacher: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    first = taught(pairs(), teacher, scale=2, progress=lambda *numbers: told.append(numbers))
    assert calls == ["p0", "p1", "p2"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    monkeypatch.setattr(module, "load_model", None)
    second = taught(pairs(), teacher, scale=2, progress=lambda *numbers: told.append(numbers))
    assert len(calls) == len(told) == 3
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.hr, other.hr)


def test_what_is_kept_is_known_by_the_pictures_and_by_the_network(
    teacher: Path, calls: list[str], tmp_path: Path
) -> None:
    first = taught(pairs(), teacher, scale=2)
    copied = tmp_path / "elsewhere" / "copy.safetensors"
    copied.parent.mkdir()
    copied.write_bytes(teacher.read_bytes())
    taught(pairs(2), copied, scale=2)
    assert len(calls) == 3  # the same network by another name
    changed = pairs()
    changed[1].lr[3, 3, 0] ^= 1
    taught(changed, teacher, scale=2)
    assert calls[3:] == ["p1"]
    save_model(teacher, network(seed=1), {})
    other = taught(pairs(), teacher, scale=2)
    assert calls[4:] == ["p0", "p1", "p2"]
    assert not np.array_equal(first[0].hr, other[0].hr)


def test_a_teacher_of_another_scale_is_refused(teacher: Path, calls: list[str]) -> None:
    with pytest.raises(HnasError, match="enlarges 2 times; a teacher for scale 3 is needed"):
        taught(pairs(scale=3), teacher, scale=3)
    assert not calls
    taught(pairs(), teacher, scale=2)
    with pytest.raises(HnasError):  # though it knows these small pictures
        taught(pairs(scale=3), teacher, scale=3)


def test_no_teacher_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HnasError, match="no such weights file"):
        taught(pairs(), tmp_path / "nobody", scale=2)


def sampler(weight: float | None, **options: Any) -> PatchSampler:
    """White true pictures, black ones of the teacher; small ones of noise."""
    true = [Pair(pair.name, np.full_like(pair.hr, 255), pair.lr) for pair in pairs()]
    black = [Pair(pair.name, np.zeros_like(pair.hr), pair.lr) for pair in pairs()]
    if weight is not None:
        options |= {"taught": black, "teacher_weight": weight}
    return PatchSampler(true, scale=2, patch=4, batch=64, seed=1, **options)


def shares(weight: float | None) -> list[float]:
    """The mean of every patch of a few batches: 0 for the teacher's, 1 for true ones."""
    return [float(patch.mean()) for step in range(8) for patch in sampler(weight).batch(step)[1]]


def test_as_many_patches_are_the_teachers_as_its_weight_says() -> None:
    assert set(shares(1.0)) == {0.0}
    assert set(shares(None)) == {1.0}
    half = shares(0.5)
    assert set(half) == {0.0, 1.0}  # each is wholly one or the other
    assert sum(half) / len(half) == pytest.approx(0.5, abs=0.1)  # 512 coins: 4.5 standard deviations


@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_a_teachers_patches_show_the_same_place_in_the_same_way(weight: float) -> None:
    """Its picture repeats the small one's pixels, plus a mark where the true one has none."""
    true = [Pair(pair.name, pair.lr.repeat(2, 0).repeat(2, 1), pair.lr) for pair in pairs()]
    other = [Pair(pair.name, 255 - pair.hr, pair.lr) for pair in true]
    batches = PatchSampler(true, scale=2, patch=4, batch=32, seed=0, taught=other, teacher_weight=weight)
    lr, hr = batches.batch(3)
    for small, large in zip(lr, hr, strict=True):
        seen = large[:, ::2, ::2]
        assert torch.equal(seen, small) or torch.allclose(seen, 1 - small, atol=1e-6)


def test_without_a_teacher_batches_are_what_they_were() -> None:
    """The hash is that of the last version without teachers."""
    draw, given = np.random.default_rng(0), []
    for index, (height, width) in enumerate(((20, 31), (40, 17))):
        hr = draw.integers(256, size=(2 * height, 2 * width, 3), dtype=np.uint8)
        given.append(Pair(f"p{index}", hr, draw.integers(256, size=(height, width, 3), dtype=np.uint8)))
    batches = PatchSampler(given, scale=2, patch=9, batch=5, seed=3)
    digest = hashlib.sha256()
    for step in (0, 1, 7):
        for patches in batches.batch(step, 1):
            digest.update((patches * 255).round().byte().contiguous().numpy().tobytes())
    assert digest.hexdigest() == "301a0789a13983abfda2d38d20c4a4629bf121289a3fa70e2b196eed3d9f3e76"


@pytest.mark.parametrize("weight", [0.0, -0.5, 1.5])
def test_a_weight_that_is_no_part_is_refused(weight: float) -> None:
    with pytest.raises(HnasError, match="teacher_weight is"):
        TrainingSettings(teacher="x", teacher_weight=weight)
