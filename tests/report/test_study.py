"""The sentences of a study's page follow from its numbers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from hnas.errors import HnasError
from hnas.report.study import _in_words, _sizes, _verdicts, write_study
from hnas.searching.settings import SearchSettings
from hnas.searching.study.verdicts import verdict

CHANCE = (0.20, 0.01), [0.19, 0.20, 0.21]


@pytest.mark.parametrize(
    ("figures", "says", "wins"),
    [
        (((0.25, 0.02), [0.24, 0.25, 0.26]), "better by 0.0500, more than the spread of 0.0200", 3),
        (((0.25, 0.06), [0.19, 0.30, 0.26]), "a draw (+0.0500, spread 0.0600)", 2),
        (((0.15, 0.01), [0.14, 0.15, 0.16]), "worse by 0.0500, more than the spread of 0.0100", 0),
    ],
)
def test_a_lead_counts_when_it_is_more_than_the_spread(figures, says, wins):
    words, seeds = _in_words(verdict(figures, CHANCE)).split("; ")
    assert words.replace(" with uniform sampling", "").replace(" than uniform sampling", "") == says
    assert seeds == f"ahead in {wins} of 3 seeds."


def strategy(rewards: list[float], derived: list[float]) -> dict[str, object]:
    return {
        "reward": [[9.0, 9.0], [rewards[0], 0.01]],
        "rewards": [[9.0, reward] for reward in rewards],
        "derived": [derived[0], 0.01] if derived else None,
        "deriveds": derived,
    }


def test_the_derivation_has_a_verdict_of_its_own_where_there_is_one():
    two = {"random": strategy([0.2, 0.2], [0.3, 0.3]), "evolution": strategy([0.2, 0.2], [0.4, 0.4])}
    assert _verdicts(two) == [
        "- evolution: a draw with uniform sampling (+0.0000, spread 0.0100); ahead in 0 of 2 seeds. The best of its "
        "derivation: better than uniform sampling by 0.1000, more than the spread of 0.0100; ahead in 2 of 2 seeds."
    ]
    (sentence,) = _verdicts({"random": strategy([0.2], []), "evolution": strategy([0.2], [])})
    assert "derivation" not in sentence


def test_the_page_names_the_space_and_its_sizes():
    cells = asdict(SearchSettings(layers=4))
    assert _sizes(cells) == "Space cells: layers 4; nodes 4; channels 8; target_channels 64"
    chain = asdict(SearchSettings(space="chain", widths=(8, 16), depths=(2,)))
    assert _sizes(chain) == "Space chain: widths 8, 16; depths 2; after 0"


WHOLE = {
    "settings": {}, "evaluations": [10], "strategies": {}, "scores": [], "alone": [], "scored_psnr": [], "tau": [],
}  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [[], 3, {}, {"settings": {}}, WHOLE, {**WHOLE, "strategies": {"random": None}}, {**WHOLE, "settings": []}],
)
def test_a_damaged_study_is_one_line_and_nothing_is_drawn(tmp_path: Path, content: object) -> None:
    (tmp_path / "study.json").write_text(json.dumps(content))
    with pytest.raises(HnasError, match=r"study\.json: damaged \(.*take it away") as refused:
        write_study(tmp_path)
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]
