from __future__ import annotations

import numpy as np
import pytest

from hnas.data.folders import Pair
from hnas.nets import NetworkOptions
from hnas.searching.costs import CostTable
from hnas.searching.reward import joint_reward
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import split_pictures
from hnas.settings import load_parts, load_settings, preset_names, read_config, read_devices
from hnas.space.cells import NAMED_GENOTYPES, CellSpace
from hnas.space.chain import ChainSpace
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.zoo.table_two import TABLE_TWO


def test_there_are_four() -> None:
    assert {"demo", "paper", "cpu", "gpu"} <= set(preset_names())


@pytest.mark.parametrize("name", ["demo", "paper", "cpu", "gpu"])
def test_both_sections_of_a_preset_are_valid(name: str) -> None:
    search = load_settings(SearchSettings, read_config(name, "search"), source=name)
    network, _ = load_parts(read_config(name, "train"), NetworkOptions, TrainingSettings, source=name)
    assert search.target_channels == (8 if name == "paper" else network.channels)


def test_the_paper_preset_is_the_paper() -> None:
    """Supplement B; what it does not say is the default, except the skip that the paper does not have. An epoch is ten
    times 320 and 480 pictures in batches of 16; the help of `hnas search` names these differences."""
    settings = load_settings(SearchSettings, read_config("presets/paper.yaml", "search"))
    unit = {"target_channels": 8, "lr_size": "48x48", "cost_reference": 1 / 5e-9}
    epoch = {"w_steps": 10 * 320 // 16, "controller_steps": 10 * 480 // 16, "checkpoint_every": 1}
    chosen = {"derive_by": "psnr", "derive_pictures": 0, "derive_patch": 0}
    assert settings == SearchSettings(image_skip="none", samples=1, baseline="ema", **unit, **epoch, **chosen)
    assert settings.search_space == CellSpace()
    assert (settings.rounds * settings.w_steps, settings.updates) == (80_000, 120_000)
    assert read_config("paper", "train")["steps"] == 300 * 1000


def test_forty_percent_of_the_papers_pictures_train_the_shared_weights() -> None:
    """With a validation set beside them, as the paper has it: 320 and 480 of the 800."""
    settings = load_settings(SearchSettings, read_config("paper", "search"))
    picture = np.arange(800, dtype=np.uint16).view(np.uint8).reshape(800, 1, 1, 2).repeat(3, 2)
    pairs = [Pair(str(index), hr, hr) for index, hr in enumerate(picture)]
    extra = Pair("val", np.zeros((3, 3, 3), np.uint8), np.zeros((3, 3, 3), np.uint8))
    splits = split_pictures(pairs, [extra], w_fraction=settings.w_fraction, seed=settings.seed)
    assert [len(part) for part in (splits.shared, splits.controller, splits.validation)] == [320, 480, 1]


def test_each_lambda_of_the_paper_asks_another_question() -> None:
    """PSNR on Set5 as in Table II. HNAS-B lies below the line from A to C, so no lambda can prefer it."""
    settings = load_settings(SearchSettings, read_config("paper", "search"))
    cost = CostTable(settings)
    printed = {system.name: system.printed["Set5"].psnr for system in TABLE_TWO if system.name in NAMED_GENOTYPES}

    def preferred(lam: float) -> str:
        rewards = {
            name: joint_reward(psnr, cost(NAMED_GENOTYPES[name]).relative, lam).value for name, psnr in printed.items()
        }
        return max(rewards, key=lambda name: rewards[name])

    assert [preferred(lam) for lam in (0.2, 0.6, 0.9)] == ["HNAS-A", "HNAS-C", "HNAS-C"]
    assert "HNAS-B" not in {preferred(step / 100) for step in range(1, 100)}


@pytest.mark.parametrize("name", ["cpu", "demo"])
def test_presets_for_chains_train_every_width_alike_and_score_the_whole_space(name: str) -> None:
    settings = load_settings(SearchSettings, read_config(name, "search", space="chain"), source=name)
    space = settings.search_space
    assert isinstance(space, ChainSpace)
    assert settings.exhausts
    assert settings.w_sampling == "fair"
    assert settings.w_genotypes % (len(space.widths) * len(space.after)) == 0
    assert settings.measure > 0
    assert load_settings(SearchSettings, read_config(name, "search", space="cells")).search_space.kind == "cells"


def test_a_preset_without_a_section_for_a_space_gives_its_only_one() -> None:
    assert read_config("paper", "search", space="chain") == read_config("paper", "search")


@pytest.mark.parametrize("name", ["demo", "cpu", "gpu"])
def test_other_presets_have_what_leaves_the_plateau(name: str) -> None:
    settings = load_settings(SearchSettings, read_config(name, "search"))
    assert settings.image_skip == "bicubic"
    assert settings.cell_skip > 0 or settings.norm != "none"
    assert settings.samples >= 4


def test_the_cpu_preset_trains_its_shared_weights_as_was_measured_to_rank() -> None:
    """docs/search.md: Kendall's tau 0.64 with training alone after 3,200 updates at 1e-3; at 4e-3 they come apart."""
    settings = load_settings(SearchSettings, read_config("cpu", "search"))
    assert settings.scorer == "shared"
    assert settings.lr == 1e-3
    assert (settings.warmup + settings.rounds) * settings.w_steps >= 3200


@pytest.mark.parametrize(
    ("name", "precision"), [("demo", "auto"), ("cpu", "auto"), ("gpu", "auto"), ("paper", "32-true")]
)
def test_presets_leave_the_precision_to_the_machine_but_for_the_papers(name: str, precision: str) -> None:
    assert load_settings(DeviceSettings, read_devices(name)).precision == precision
