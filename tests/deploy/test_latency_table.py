"""Parts, their fit, and tables: against counts by hand, made-up times and made-up files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hnas.deploy.timing.latency_table import LatencyCheck, LatencyTable, fit_parts, load_latency_table
from hnas.errors import HnasError
from hnas.nets.cell_parts import cell_parts
from hnas.nets.chain import chain_parts
from hnas.space.cells import NAMED_GENOTYPES, CellSpace
from hnas.space.chain import ChainGenotype

GOOD = LatencyCheck.of([1.0, 2.0, 3.0, 4.0], [1.1, 2.0, 3.0, 4.4])
MACHINE = {"backend": "onnx", "threads": 2, "device": "cpu", "precision": "f32", "lr_size": [8, 8],
           "runtime": "onnxruntime 1.2", "processor": "P"}  # fmt: skip
TABLE = LatencyTable(MACHINE, {"space": "chain", "scale": 2}, {"ends": 2.0, "small/identity": 0.5}, 9, GOOD)


def test_the_parts_of_cells_are_counted_as_often_as_the_network_has_them() -> None:
    """HNAS-A: 12 cells, the upsampling one is the 10th: 9 small cells before it, 2 large ones after, of 8 edges."""
    parts = cell_parts(NAMED_GENOTYPES["HNAS-A"])
    assert parts["ends"] == 1
    assert parts["large/dil_conv_3x3"] == 2 * 2
    assert parts["small/dil_conv_5x5"] == 9 * 2
    assert parts["upsampling/input/deconvolution"] == 2
    assert parts["upsampling/node/deconvolution"] == 1
    assert (parts["small/input"], parts["large/input"], parts["upsampling/input"]) == (9 * 2, 2 * 2, 2)
    assert sum(count for part, count in parts.items() if part.startswith("small/")) == 9 * (8 + 2)
    assert sum(count for part, count in parts.items() if part.startswith("large/")) == 2 * (8 + 2)
    assert sum(count for part, count in parts.items() if part.startswith("upsampling/")) == 8 + 2


def test_the_parts_of_chains_are_those_of_their_width_and_place() -> None:
    blocks = ("conv_3x3", "residual_3x3", "conv_3x3")
    assert chain_parts(ChainGenotype(8, blocks, "luma", 3)) == {
        "8/ends": 1,
        "8/conv_3x3/small": 2,
        "8/residual_3x3/small": 1,
    }
    assert chain_parts(ChainGenotype(16, blocks, "luma", 2)) == {
        "16/ends/large": 1,
        "16/conv_3x3/small": 1,
        "16/residual_3x3/small": 1,
        "16/conv_3x3/large": 1,
    }


@pytest.mark.parametrize("nodes", [1, 2, 4])
def test_a_fit_predicts_networks_that_it_has_not_seen(nodes: int) -> None:
    """Times that are sums of parts but for 4 % either way, as measured ones are."""
    random = Random(1)
    space = CellSpace(layers=6, nodes=nodes)
    networks = [cell_parts(space.sample(random)) for _ in range(80)]
    names = sorted({name for parts in networks for name in parts})
    true = {name: random.uniform(0.1, 3.0) for name in names}

    def took(parts: object) -> float:
        assert isinstance(parts, dict)
        return sum(count * true[name] for name, count in parts.items()) * random.uniform(0.96, 1.04)

    found = fit_parts(networks[:60], [took(parts) for parts in networks[:60]])
    assert all(value >= 0.0 for value in found.values())
    table = replace(TABLE, milliseconds=found)
    check = LatencyCheck.of([table.predict(parts) for parts in networks[60:]], [took(parts) for parts in networks[60:]])
    assert check.median_error < 0.08
    assert check.good


def test_a_prediction_needs_every_part() -> None:
    assert TABLE.predict({"ends": 1, "small/identity": 3}) == 3.5
    with pytest.raises(HnasError, match="lacks large/identity"):
        TABLE.predict({"ends": 1, "large/identity": 3})


def test_the_figures_of_a_check() -> None:
    """By hand: errors 9.1 %, 0, 0 and 9.1 %; all pairs in the same order, and one of six the other way round."""
    assert GOOD.median_error == pytest.approx(0.0454, abs=1e-4)
    assert GOOD.kendall_tau == pytest.approx(1.0)
    turned = LatencyCheck.of([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0, 3.0])
    assert turned.kendall_tau == pytest.approx(4 / 6)
    assert not turned.good


@pytest.mark.parametrize(
    ("predicted", "measured", "figures"),
    [
        ([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], "median error 50.0%, Kendall's tau 1.00"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0, 3.0], "tau 0.67"),
    ],
)
def test_a_table_that_predicts_badly_is_refused_with_what_to_do(
    tmp_path: Path, predicted: list[float], measured: list[float], figures: str
) -> None:
    path = tmp_path / "latency.json"
    path.write_text(replace(TABLE, check=LatencyCheck.of(predicted, measured)).to_json())
    with pytest.raises(HnasError, match=r"at most 20% and at least 0\.8; measure it anew while little else") as refused:
        load_latency_table(path).refuse_bad()
    assert figures in str(refused.value)
    TABLE.refuse_bad()


def test_a_table_of_another_machine_or_space_is_refused_by_name() -> None:
    space = {"space": "chain", "scale": 2}
    TABLE.refuse_other(MACHINE, space)
    for machine, other, words in (
        ({**MACHINE, "processor": "Q"}, space, "processor P, not Q"),
        ({**MACHINE, "backend": "torch", "threads": 1}, space, "backend onnx, not torch; threads 2, not 1"),
        ({**MACHINE, "lr_size": (8, 9)}, space, "lr_size 8x8, not 8x9"),
        (MACHINE, {**space, "scale": 4}, "scale 2, not 4"),
    ):
        with pytest.raises(HnasError, match=words):
            TABLE.refuse_other(machine, other)


def test_a_table_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    path.write_text(TABLE.to_json())
    assert load_latency_table(path) == TABLE


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    with pytest.raises(HnasError, match=r"latency.json: .*--build-table"):
        load_latency_table(path)
    good = json.loads(TABLE.to_json())
    for bad, message in (
        ("{", "no readable JSON"),
        ("[]", "not a latency table"),
        (json.dumps({**good, "networks": 4.5}), "damaged .networks is 4.5"),
        (json.dumps({**good, "networks": 10**400}), "whole number"),
        (json.dumps({**good, "machine": [1]}), "damaged .machine is"),
        (json.dumps({**good, "milliseconds": {"frame": float("inf")}}), "finite"),
        (json.dumps({**good, "milliseconds": [1]}), "damaged .milliseconds is"),
        (json.dumps({**good, "check": 3}), "damaged .check is"),
        (json.dumps({**good, "format": "hnas-latency/1"}), "not a latency table of the format hnas-latency/2"),
        (json.dumps({**good, "milliseconds": None}), "damaged"),
        (json.dumps({**good, "check": {**good["check"], "measured_ms": [0, 0, 0, 0]}}), "damaged"),
        (json.dumps({**good, "check": {**good["check"], "median_error": 0.5}}), "damaged.*not those of the networks"),
        (json.dumps({**good, "check": {**good["check"], "measured_ms": [4, 3, 2, 1]}}), "damaged.*not those"),
    ):
        path.write_text(bad)
        with pytest.raises(HnasError, match=message):
            load_latency_table(path)
