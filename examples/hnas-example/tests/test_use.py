"""The parts in use: a search by the strategy over the operation, and training the network on degraded pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hnas


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Six pictures of 64x64 pixels that all differ."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for seed in range(6):
        pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return folder


def test_a_search(photographs: Path, tmp_path: Path) -> None:
    settings = hnas.SearchSettings(
        strategy="hill-climb",
        layers=2,
        nodes=1,
        normal_operations=("identity", "large_depthwise"),
        channels=4,
        target_channels=4,
        rounds=2,
        w_steps=1,
        controller_steps=1,
        batch=2,
        patch=8,
        samples=2,
        tau_samples=0,
        derive_samples=4,
        derive_patch=8,
    )
    found = hnas.search(photographs, run_dir=tmp_path / "search", settings=settings)
    assert found.best.genotype in settings.search_space
    assert (tmp_path / "search" / "genotype.json").is_file()


def test_training_and_enlarging(photographs: Path, tmp_path: Path) -> None:
    job = hnas.TrainingJob(
        model="tiny-residual",
        data=(photographs,),
        network=hnas.NetworkOptions(channels=4, depth=1),
        settings=hnas.TrainingSettings(steps=1, batch=1, patch=8, degradation="posterize:3-5"),
    )
    hnas.train(job, tmp_path / "run")
    assert hnas.load(tmp_path / "run").upscale(np.zeros((6, 5, 3), np.uint8)).shape == (12, 10, 3)
