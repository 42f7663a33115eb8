"""Patches that are cut where the pictures lie are those of the CPU, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hnas.data.folders import Pair
from hnas.data.patches import PatchSampler
from hnas.data.places import Place
from hnas.data.resident import ResidentPictures
from hnas.views import turned

CPU = torch.device("cpu")


def _noise(height: int, width: int, scale: int, seed: int) -> Pair:
    draw = np.random.default_rng(seed)
    hr = draw.integers(256, size=(scale * height, scale * width, 3), dtype=np.uint8)
    return Pair(str(seed), hr, draw.integers(256, size=(height, width, 3), dtype=np.uint8))


def _sampler(scale: int, taught: bool, augment: bool = True) -> PatchSampler:
    sizes = [(12, 17), (19, 13), (11, 11)]
    first, second = ([_noise(*size, scale, seed) for seed, size in enumerate(sizes, start)] for start in (0, 10))
    # A picture that is a part of another one lies in memory with gaps.
    first[0] = Pair("part", first[0].hr[: 11 * scale], first[0].lr[:11])
    second[0] = Pair("part", second[0].hr[: 11 * scale], second[0].lr[:11])
    more = {"taught": second, "teacher_weight": 0.5} if taught else {}
    return PatchSampler(first, scale=scale, patch=7, batch=16, seed=3, augment=augment, **more)  # type: ignore[arg-type]


def _resident(sampler: PatchSampler, device: torch.device) -> ResidentPictures:
    sizes = {"scale": sampler.scale, "patch": sampler.patch}
    return ResidentPictures(sampler.pairs, sampler.taught, **sizes, device=device)


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize("augment", [False, True])
def test_gathered_patches_are_those_that_are_cut(scale: int, taught: bool, augment: bool) -> None:
    sampler = _sampler(scale, taught, augment)
    resident = _resident(sampler, CPU)
    for step in range(4):
        cut, gathered = sampler.batch(step, 1), resident.batch(sampler._places(step, 1))
        for one, other in zip(cut, gathered, strict=True):
            assert torch.equal(one, other)
            assert other.is_contiguous(memory_format=torch.channels_last)
            assert other.dtype == torch.float32


def test_the_eight_variants_are_the_turns_and_mirrors_of_numpy() -> None:
    pair = _noise(4, 4, 2, 0)
    resident = ResidentPictures([pair], [], scale=2, patch=4, device=CPU)
    lr, _ = resident.batch([Place(0, 0, 0, variant, False) for variant in range(8)])
    expected = [np.rot90(pair.lr, turns) for turns in range(4)]
    expected += [np.fliplr(turned) for turned in expected]
    for which, wanted in enumerate(expected):
        assert np.array_equal(turned(pair.lr, which, axes=(0, 1)), wanted)
    assert np.array_equal((lr.permute(0, 2, 3, 1) * 255).round().byte().numpy(), np.stack(expected))


def test_a_cpu_holds_nothing_twice() -> None:
    assert not _sampler(2, taught=False).is_on("cpu")


@pytest.mark.gpu
@pytest.mark.parametrize("fits", [True, False])
def test_patches_on_a_gpu_are_those_of_the_cpu(cuda: torch.device, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hnas.data.patches.fits", lambda *_: fits)
    sampler = _sampler(2, taught=True)
    assert sampler.is_on(cuda) is fits
    for step in range(20):
        for one, other in zip(sampler.batch(step), sampler.batch(step, device=cuda), strict=True):
            assert other.device == cuda
            assert torch.equal(one, other.cpu())


@pytest.mark.gpu
def test_small_pictures_fit(cuda: torch.device) -> None:
    assert _sampler(2, taught=True).is_on(cuda)
