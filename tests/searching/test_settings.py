from __future__ import annotations

from typing import Any

import pytest

from hnas.bounds import quantity
from hnas.errors import HnasError
from hnas.searching.settings import Limits, SearchSettings


def test_defaults_are_the_papers() -> None:
    """Section 5.1: 12 layers, 8 channels, batch 16, Adam, both cosines, 100 hidden units, entropy weight 1."""
    settings = SearchSettings()
    assert (settings.layers, settings.nodes, settings.channels, settings.batch, settings.hidden) == (12, 4, 8, 16, 100)
    assert (settings.lr, settings.lr_end) == (1e-3, 1e-5)
    assert (settings.controller_lr, settings.controller_lr_end) == (3e-4, 1.5e-4)
    assert (settings.rounds, settings.w_fraction, settings.entropy_weight) == (400, 0.4, 1.0)
    # 800 pictures: 320 for the weights, 480 for the controller, in batches of 16.
    assert (settings.w_steps, settings.controller_steps) == (320 // 16, 480 // 16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rounds": 0}, "rounds is 0; allowed is 1 and more"),
        ({"scale": 5}, "scale is 5; allowed are 1, 2, 3, 4"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"w_fraction": 1.0}, "w_fraction is 1.0"),
        ({"batch": 6, "w_genotypes": 4}, "must divide the batch of 6 evenly"),
        ({"strategy": "luck"}, "allowed are controller, controller-flat, random, evolution, enas, nas-rl, ppo, nsga2"),
        ({"lam": "0.5.."}, r"lam is 0.5..; allowed is a number between 0 and 1, or a range"),
        ({"lam": 1.0}, "lam is 1.0; allowed is a number between 0 and 1"),
        ({"lam": "0.9..0.1"}, "a range such as 0.05..0.95"),
        ({"max_macs": "30.6X"}, "such as 300k, 12M or 30.6G"),
        ({"max_latency": -1}, "max_latency is -1"),
        ({"lr_size": "480"}, "HEIGHTxWIDTH"),
        ({"tournament": 60}, "allowed is at most population, 50"),
        ({"normal_operations": ("identity", "pooling")}, "pooling"),
    ],
)
def test_a_mistake_is_named_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HnasError, match=message) as caught:
        SearchSettings(**changes)
    assert "\n" not in str(caught.value)


def test_quantities_and_ranges() -> None:
    settings = SearchSettings(max_macs="30.6G", max_params="300k", max_latency="40ms", lam="0.05..0.95")
    assert settings.limits == Limits(macs=30.6e9, params=300e3, latency=40.0)
    assert settings.lam_range == (0.05, 0.95)
    assert settings.conditional
    assert SearchSettings(lam=0.3).lam_range == (0.3, 0.3)
    assert quantity("max_macs", 1e9) == 1e9
    assert quantity("max_macs", "48.2 G") == 48.2e9
    assert SearchSettings(lr_size="360x640").lr_shape == (360, 640)
