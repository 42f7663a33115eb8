from __future__ import annotations

import pytest

from hnas.cli.search_view import _Seen, genotype_line, search_view
from hnas.space.cells import NAMED_GENOTYPES


def line(step: int, **more: object) -> dict[str, object]:
    return {"phase": "search", "step": step, "w_loss": 0.02, **more}


def test_the_best_genotype_stays_until_a_better_one_comes() -> None:
    seen = _Seen()
    for step, worth in ((1, 0.2), (2, 0.5), (3, 0.1)):
        genotype = NAMED_GENOTYPES["HNAS-A"].to_dict() | {"position": step}
        seen.take(line(step, best={"worth": worth, "gain": worth, "macs": 2e9, "genotype": genotype}))
    assert ("best so far", "+0.500 dB over bicubic, 2.0 G MACs") in seen.rows()
    assert seen.rows()[-1][1].startswith("position 2/12 | normal identity -1, sep_conv_5x5 -1; ")
    assert genotype_line(NAMED_GENOTYPES["HNAS-A"].to_dict()).endswith("bilinear -1, deconvolution 1")


def test_a_warning_replaces_the_one_of_its_kind_and_leaves_after_a_while() -> None:
    seen = _Seen()
    seen.take(line(1, warnings=["they differ by 0.010 dB"]))
    seen.take(line(2, warnings=["they differ by 0.020 dB", "entropy is low"]))
    assert seen.warnings == ["they differ by 0.020 dB", "entropy is low"]
    seen.take(line(20))
    assert seen.warnings == []


def test_a_log_file_gets_the_last_round_and_each_kind_of_warning_once(capsys: pytest.CaptureFixture[str]) -> None:
    with search_view() as show:
        show(1, 2, line(1, warnings=["they differ by 0.010 dB"]))
        show(2, 2, line(2, warnings=["they differ by 0.020 dB"]))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "search: warning in round 1: they differ by 0.010 dB",
        "search: round 2 of 2  shared weights: loss 0.02000",
    ]
