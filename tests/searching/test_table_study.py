"""Strategies compared on a table: the table in the package, what is concluded, and how sure that is."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hnas.cli.main import main
from hnas.errors import HnasError
from hnas.nets import family_of
from hnas.report.table_study import table_study_page
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.strategies.registry import OWN
from hnas.searching.study.conclusions import SIMPLEST_FIRST, conclusions
from hnas.searching.study.on_table import study_on_table
from hnas.searching.study.paired import holm, paired
from hnas.searching.study.table import CHAINS, Row, Table, read_table


@pytest.fixture(scope="module")
def packaged() -> Table:
    return read_table()


@pytest.fixture(scope="module")
def made() -> Table:
    """24 chains whose PSNR adds up from their choices, and grows with training; the second training is the first."""
    space = {"space": "chain", "widths": (4, 8, 16), "depths": (2, 3), "blocks": ("conv_3x3", "residual_3x3")}
    settings = SearchSettings(**space, after=(0,))  # type: ignore[arg-type]
    random, rows = Random(0), {}
    for one in settings.search_space:
        text = json.dumps(one.to_dict())
        gain = 0.1 * one.to_dict()["width"] + text.count("residual") + random.random() / 10
        rows[one] = Row({10: 30 + gain / 10, 20: 30 + gain}, 30 + gain, ms=1.0 + text.count("3x3"))
    about = {"data": "made", "validation": "up", "pictures": 1}
    return Table(about, {**space, "after": (0,)}, 30.0, rows)


SETTINGS = SearchSettings(short_steps=20, lam=0.9, samples=2, population=6, tournament=3)


def study_of(table: Table, *names: str, **changes: Any) -> dict[str, Any]:
    study = StudySettings(strategies=names, seeds=8, evaluations=48)  # type: ignore[arg-type]
    return study_on_table(table, replace(SETTINGS, **changes), study)


def test_the_table_in_the_package_is_whole_and_counts_as_networks_do(packaged: Table) -> None:
    settings = SearchSettings(**packaged.settings)
    assert set(packaged.rows) == set(settings.search_space)
    assert settings.search_space.size >= 100
    family = family_of("chain", settings)
    lines = json.loads(CHAINS.read_text(encoding="utf-8"))["rows"]
    for line in Random(0).sample(lines, 10):
        genotype = next(one for one in packaged.rows if one.to_dict() == line["genotype"])
        cost = family.cost(genotype, settings.lr_shape)
        assert (line["macs"], line["params"]) == (cost.macs, cost.params)
        assert line["ms"] > 0
    means = [fmean(row.psnr[steps] for row in packaged.rows.values()) for steps in packaged.lengths]
    assert means == sorted(means)
    assert means[0] > packaged.bicubic
    assert sum(row.again is not None for row in packaged.rows.values()) >= 24


def test_the_paired_test_is_that_of_scipy() -> None:
    draw = np.random.default_rng(5)
    for shift in (0.0, 0.3, 1.0):
        first, second = draw.normal(shift, 1.0, 30), draw.normal(0.0, 1.0, 30)
        found = paired(first.tolist(), second.tolist())
        theirs = stats.permutation_test(
            (first - second,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(1)
        )
        assert found.p == pytest.approx(theirs.pvalue, abs=0.02)
        interval = stats.bootstrap((first - second,), np.mean, method="percentile", rng=np.random.default_rng(1))
        assert (found.low, found.high) == pytest.approx(tuple(interval.confidence_interval), abs=0.03)
        assert found.mean == pytest.approx(float(np.mean(first - second)))
    same = paired([1.0, 2.0], [1.0, 2.0])
    assert (same.p, same.wins, same.losses, same.ties) == (1.0, 0, 0, 2)


def test_holm_corrects_as_in_the_textbook() -> None:
    """Four hypotheses with p 0.01, 0.04, 0.03 and 0.005: 0.03, 0.06, 0.06 and 0.02."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_search_that_climbs_finds_the_best_of_a_hill_and_chance_does_not(made: Table) -> None:
    found = study_of(made, "random", "local-search", "evolution")
    climbing, chance = (found["strategies"][name] for name in ("local-search", "random"))
    assert all(regrets[-1] == 0.0 for regrets in climbing["regrets"])
    assert climbing["ranks"] == [1] * 8
    # Nothing that a search does makes the best that it met worse, where it sees what it is judged by.
    for one in found["strategies"].values():
        assert all(first >= second >= last >= 0.0 for first, second, last in one["regrets"])
        assert all(0.0 < area <= 1.0 + 1e-9 for area in one["areas"])
    assert fmean(regrets[0] for regrets in chance["regrets"]) > 0.0
    assert found["lengths"]["10"]["tau"] == pytest.approx(1.0)
    assert found["trained_again"]["apart"] == 0.0
    page = table_study_page(found)
    assert "| local search |" in page
    assert "**Against chance**" in page


def test_the_best_is_that_of_all_rewards(made: Table) -> None:
    """Counted here from the rows: 0.9 times the gain less 0.1 times the milliseconds in parts of their mean."""
    found = study_of(made, "random", cost="latency", cost_reference=5.0)
    rewards = [0.9 * (row.psnr[20] - 30.0) - 0.1 * row.ms / 5.0 for row in made.rows.values()]
    assert found["best"]["worth"] == pytest.approx(max(rewards))
    assert found["spread"]["worst"] == pytest.approx(min(rewards))


def test_limits_leave_out_what_exceeds_them(made: Table) -> None:
    found = study_of(made, "random", "evolution", max_latency="3ms")
    assert found["within"] == sum(row.ms <= 3.0 for row in made.rows.values())


def test_complexity_is_worth_what_chance_does_not_explain() -> None:
    draw = np.random.default_rng(0)

    def around(mean: float) -> dict[str, Any]:
        return {"regrets": [[mean + noise] for noise in draw.normal(0, 0.01, 30)]}

    strategies = {
        "controller": around(0.1), "random": around(1.0), "ppo": around(0.1), "evolution": around(0.5),
        "local-search": around(0.5),
    }  # fmt: skip
    found = conclusions(strategies)
    steps = {one["strategy"]: (one["than"], one["told_apart"]) for one in found["complexity"]}
    assert steps["local-search"] == ("random", 1)
    assert steps["evolution"][0] == "local-search"
    assert steps["controller"] == ("local-search", 1)
    assert steps["ppo"][0] == "controller"
    assert [one["told_apart"] for one in found["chance"]] == [1, 1, 1, 1]
    assert found["hierarchy"] == {}
    # The other way round, and with one's own figures.
    worse = conclusions({"random": strategies["controller"], "evolution": strategies["random"]})
    assert [one["told_apart"] for one in worse["chance"]] == [-1]
    same = conclusions({"controller": strategies["random"], "controller-flat": strategies["random"]})
    assert (same["hierarchy"]["told_apart"], same["hierarchy"]["p"], same["chance"]) == (0, 1.0, [])


def test_settings_that_the_table_does_not_have_are_refused(made: Table) -> None:
    with pytest.raises(HnasError, match=r"widths is .*; the table has"):
        study_of(made, "random", widths=(3,))
    with pytest.raises(HnasError, match="short_steps is 15; the table has scores after 10, 20 updates"):
        study_of(made, "random", short_steps=15)
    with pytest.raises(HnasError, match="needs one lambda"):
        study_of(made, "random", lam="0.1..0.9")


def test_every_strategy_has_its_place_by_complexity() -> None:
    assert set(SIMPLEST_FIRST) == set(OWN)


def test_the_command_needs_no_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--strategies", "random", "local-search", "--seeds", "3", "--evaluations", "20"]
    assert main(["study", "--table", *few]) == 0
    assert "local search is " in capsys.readouterr().out
    assert main(["study", "--table", *few, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["strategies"]["random"]["ranks"]) == 3
    assert (found["settings"]["samples"], found["settings"]["short_steps"]) == (4, 900)  # the table brought them
    assert main(["study", "--table", "--data", "."]) == 2
    assert "leave out --data" in capsys.readouterr().err
    assert main(["study"]) == 2
    assert "needs --data and --run-dir, or --table" in capsys.readouterr().err
