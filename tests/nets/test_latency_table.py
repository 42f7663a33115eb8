from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hnas.errors import HnasError
from hnas.nets.latency_table import LatencyTable, _parts, build_latency_table, load_latency_table
from hnas.nets.network import NetworkSettings
from hnas.space.cells import NAMED_GENOTYPES, CellSpace


def table(**milliseconds: float) -> LatencyTable:
    """Every part takes 0 ms but those given; a double underscore stands for a slash."""
    parts = dict.fromkeys(_parts(), 0.0) | {name.replace("__", "/"): time for name, time in milliseconds.items()}
    return LatencyTable("a machine", NetworkSettings(channels=4), 4, (8, 8), parts)


def test_a_prediction_counts_every_part_as_often_as_the_network_has_it() -> None:
    """HNAS-A: 12 cells, the upsampling one is the 10th: 9 small cells before it, 2 large ones after."""
    genotype = NAMED_GENOTYPES["HNAS-A"]
    assert table(frame=7.0).predict(genotype) == 7.0
    assert table(cell__normal__small=1.0).predict(genotype) == 9.0
    assert table(cell__normal__large=1.0).predict(genotype) == 2.0
    assert table(cell__upsampling=1.0).predict(genotype) == 1.0
    assert table(normal__large__dil_conv_3x3=1.0).predict(genotype) == 2 * 2
    assert table(normal__small__dil_conv_5x5=1.0).predict(genotype) == 9 * 2
    assert table(upsampling__input__deconvolution=1.0).predict(genotype) == 2
    assert table(upsampling__node__deconvolution=1.0).predict(genotype) == 1


def test_a_measured_table_has_every_part_and_survives_its_file(tmp_path: Path) -> None:
    settings = NetworkSettings(channels=4, cell_skip=0.3)
    measured = build_latency_table(settings, lr_size=(8, 12), nodes=2, repeats=1)
    assert all(time >= 0.0 for time in measured.milliseconds.values())
    assert measured.milliseconds["normal/small/sep_conv_5x5"] > 0.0
    assert measured.milliseconds["normal/large/identity"] == 0.0
    path = tmp_path / "latency.json"
    path.write_text(measured.to_json())
    assert load_latency_table(path) == measured
    genotype = CellSpace(layers=3, nodes=2).sample(Random(0))
    assert load_latency_table(path).predict(genotype) == measured.predict(genotype) > 0.0
    with pytest.raises(HnasError, match="cells with 2 nodes, not 4"):
        measured.predict(NAMED_GENOTYPES["HNAS-A"])


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    with pytest.raises(HnasError, match=r"latency.json: .*--build-table"):
        load_latency_table(path)
    good = json.loads(table().to_json())
    for bad, message in (
        ("{", "no readable JSON"),
        ("[]", "not a latency table"),
        (json.dumps({**good, "nodes": None}), "damaged"),
        (json.dumps({**good, "nodes": 4.0}), "damaged .nodes is 4.0"),
        (json.dumps({**good, "nodes": 10**400}), "whole number"),
        (json.dumps({**good, "lr_size": [8]}), "damaged"),
        (json.dumps({**good, "network": {"channels": 4, "colour": 1}}), "damaged"),
        (json.dumps({**good, "milliseconds": {"frame": float("inf")}}), "finite"),
        (json.dumps({**good, "milliseconds": [1]}), "damaged .milliseconds is"),
        (json.dumps({**good, "milliseconds": {"frame": 1.0}}), "lacks cell/normal/large"),
    ):
        path.write_text(bad)
        with pytest.raises(HnasError, match=message):
            load_latency_table(path)
    assert replace(table(), device="x") == LatencyTable.from_dict({**good, "device": "x"})
