from __future__ import annotations

from dataclasses import replace
from random import Random

from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.health import complaints
from hnas.searching.reward import Scored, joint_reward
from hnas.searching.settings import SearchSettings
from hnas.space.cells import Cell, CellGenotype, Edge

SETTINGS = SearchSettings(layers=4)
IDENTITY = Cell("normal", ((Edge("identity", -1), Edge("identity", -2)),) * 4)


def scored(genotype: CellGenotype, *, psnr: float = 30.0, cost: float = 1.0, lam: float = 0.5) -> Scored:
    return Scored(genotype, psnr, psnr - 29.0, CandidateCost(1, 1, None, cost), joint_reward(psnr, cost, lam))


def healthy(count: int = 8) -> list[Scored]:
    """Four and four on other pictures: PSNR moves by 3 dB between the groups, by 0.1 dB within."""
    random = Random(0)
    return [
        scored(
            SETTINGS.search_space.sample(random),
            psnr=30 + 3 * (index // 4) + 0.1 * (index % 4),
            cost=0.8 + 0.1 * (index % 3),
        )
        for index in range(count)
    ]


LINE = {
    "entropy": {"normal": 20.0, "upsampling": 20.0, "position": 1.0},
    "supernet": {"gain": 0.4, "spread": 0.1, "tau": 0.5},
}


def test_a_healthy_round_gets_no_warning() -> None:
    assert complaints(LINE, healthy(), SETTINGS) == []


def test_each_illness_names_the_setting_that_mends_it() -> None:
    def only(line: dict[str, object], rounds: list[Scored]) -> str:
        (text,) = complaints({**LINE, **line}, rounds, SETTINGS)
        return text

    assert "raise entropy_weight" in only({"entropy": {"normal": 0.1, "upsampling": 0.1, "position": 0.0}}, healthy())
    assert "set cell_skip" in only({"supernet": {"gain": 0.01, "spread": 0.1}}, healthy())
    apart = {"supernet": {"gain": -6.17, "spread": 2.9}}
    (text,) = complaints({**LINE, **apart}, healthy(), replace(SETTINGS, image_skip="bicubic"))
    assert "6.2 dB below" in text
    assert "lower lr" in text
    (text,) = complaints({**LINE, **apart}, healthy(), replace(SETTINGS, image_skip="none"))
    assert "raise warmup" in text
    assert "scorer short" in only({"supernet": {"gain": 0.4, "spread": 0.01}}, healthy())
    assert "-0.10: they do not rank" in only({"supernet": {"gain": 0.4, "spread": 0.1, "tau": -0.1}}, healthy())
    same = [replace(one, genotype=healthy()[0].genotype) for one in healthy()]
    assert "100% of the genotypes of a round are equal" in only({}, same)
    plain = [replace(one, genotype=replace(one.genotype, normal=IDENTITY)) for one in healthy()]
    assert "8 of 8 normal cells are all identity; raise lam" in only({}, plain)
    dear = [scored(one.genotype, psnr=one.psnr, cost=200.0 * one.cost.relative, lam=0.5) for one in healthy()]
    assert "cost term of the reward varies" in only({}, dear)


def test_a_warm_up_is_not_blamed_for_what_it_has_not_learnt() -> None:
    assert complaints({"supernet": {"gain": 0.0, "spread": 0.0}}, [], SETTINGS) == []
