"""A search small enough to run whole in a second or two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning_fabric import Fabric

from hnas.data.folders import Pair
from hnas.data.pictures import write_picture
from hnas.data.resize import imresize
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits, split_pictures

TINY = SearchSettings(
    layers=2,
    nodes=1,
    normal_operations=("identity", "sep_conv_3x3"),
    upsampling_operations=("nearest", "sub_pixel"),
    channels=4,
    target_channels=4,
    rounds=4,
    warmup=1,
    w_steps=2,
    controller_steps=2,
    batch=2,
    patch=8,
    samples=2,
    hidden=8,
    entropy_weight=0.01,
    derive_samples=4,
    derive_patch=12,
    checkpoint_every=2,
    short_steps=2,
    tau_samples=2,
)


def picture(seed: int, side: int = 48) -> np.ndarray[Any, Any]:
    """Smooth coloured waves with edges: something that interpolation gets wrong."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(2 * np.pi * (draw.uniform(1, 9) * x + draw.uniform(1, 9) * y)) > draw.uniform(-1, 1) for _ in "rgb"]
    return (np.stack(waves, -1) * 160 + 40).astype(np.uint8)


def pairs(count: int, first: int = 0) -> list[Pair]:
    """Pairs at x2 of pictures that all differ."""
    pictures = {f"p{seed}": picture(seed) for seed in range(first, first + count)}
    return [Pair(name, hr, imresize(hr, 0.5)) for name, hr in pictures.items()]


@pytest.fixture(scope="session")
def splits() -> Splits:
    """Six pictures to search on and three to validate on."""
    return split_pictures(pairs(6), pairs(3, first=100), w_fraction=0.4, seed=0)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same as two folders of PNG files."""
    root = tmp_path_factory.mktemp("pictures")
    for name, first, count in (("train", 0, 6), ("val", 100, 3)):
        (root / name).mkdir()
        for seed in range(first, first + count):
            write_picture(root / name / f"p{seed}.png", picture(seed))
    return root / "train", root / "val"


@pytest.fixture(scope="session")
def fabric() -> Fabric:
    """One CPU process."""
    return Fabric(accelerator="cpu", devices=1)


@pytest.fixture(scope="session")
def tiny() -> SearchSettings:
    """Settings of a search over 512 genotypes, five rounds long."""
    return TINY


@pytest.fixture
def make_searcher(splits: Splits, fabric: Fabric) -> Callable[..., Searcher]:
    """Makes the tiny search, with some settings changed, at its start."""

    def make(**changes: Any) -> Searcher:
        settings = replace(TINY, **changes)
        return build_searcher(settings, splits, CostTable(settings), fabric)

    return make


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., list[Pair]]:
    """Makes so many pairs of pictures that all differ."""
    return pairs
