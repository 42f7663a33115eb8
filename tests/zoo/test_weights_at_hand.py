"""Weights of published systems: under which names they are found, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hnas.data.folders import load_pairs
from hnas.evaluation.benchmark import evaluate_model
from hnas.nets import build_model
from hnas.nets.peers import PEERS
from hnas.weights import save_model
from hnas.zoo import weights_at_hand
from hnas.zoo.comparison import systems
from hnas.zoo.contenders import load_system
from hnas.zoo.small_systems import SMALL
from hnas.zoo.table_two import System
from hnas.zoo.weights_at_hand import (
    PUBLISHED_FILES,
    find_weights,
    published_names,
    published_systems,
    weights_beside,
)

ROWS = {system.name: system for system in (*systems(), *SMALL)}


def test_slugs_differ_and_are_plain_file_names() -> None:
    slugs = [system.slug for system in ROWS.values()]
    assert len(set(slugs)) == len(slugs)
    assert all(slug.replace("-", "").isalnum() for slug in slugs)
    # Outside the table a row is called as `hnas import --as` calls it.
    assert all(system.slug == system.architecture for system in SMALL)


@pytest.mark.parametrize(
    "name",
    ["carn-m/weights.safetensors", "carn-m.safetensors", "carn-m-x2.safetensors", "carn_m.pth"],
    ids=["run", "own", "own with its scale", "published"],
)
def test_weights_are_found_by_name(tmp_path: Path, name: str) -> None:
    other, folder = tmp_path / "other", tmp_path / "weights"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).touch()
    system: System = ROWS["CARN-M"]
    assert find_weights(system, [other, folder]) == folder / name
    assert find_weights(ROWS["CARN"], [other, folder]) is None


def test_other_scales_have_files_of_their_own(tmp_path: Path) -> None:
    for name in ("smfanet-plus.safetensors", "SMFANet_plus_DF2K_x3.pth", "carn_m.pth", "FALSR-B.npz"):
        (tmp_path / name).touch()
    found = {
        scale: [system.name for system in published_systems(scale) if find_weights(system, [tmp_path], scale=scale)]
        for scale in (2, 3, 4)
    }
    # CARN-M's file holds every scale, and FALSR-B has one scale only.
    assert found == {2: ["FALSR-B", "CARN-M", "SMFANet+"], 3: ["CARN-M", "SMFANet+"], 4: ["CARN-M"]}
    assert find_weights(ROWS["SMFANet+"], [tmp_path], scale=3) == tmp_path / "SMFANet_plus_DF2K_x3.pth"
    (tmp_path / "smfanet-plus-x3.safetensors").touch()
    assert find_weights(ROWS["SMFANet+"], [tmp_path], scale=3) == tmp_path / "smfanet-plus-x3.safetensors"


def test_names_differ_by_the_case_of_their_letters(tmp_path: Path) -> None:
    (tmp_path / "FSRCNN_x2.pth").touch()
    assert find_weights(ROWS["FSRCNN"], [tmp_path]) is None
    assert find_weights(ROWS["FSRCNN (RGB)"], [tmp_path]) == tmp_path / "FSRCNN_x2.pth"


def test_every_published_name_is_that_of_a_system_that_can_be_built() -> None:
    assert {system.name for system in published_systems(2)} == set(PUBLISHED_FILES)
    for scale in (2, 3, 4):
        for system in published_systems(scale):
            assert system.architecture in PEERS
            assert all(f"x{scale}" in name or "x" not in name for name in published_names(system, scale))
            with torch.device("meta"):
                assert build_model(system.description(scale) or {}).scale == scale


def test_bundled_weights_are_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    for name in ("ESPCN", "Plain"):
        save_model(tmp_path / f"{name}.safetensors", build_model(ROWS[name].description() or {}), {})
    files = {path.stem: path for path in tmp_path.iterdir()}
    monkeypatch.setattr(weights_at_hand, "bundled_models", lambda: files)
    assert find_weights(ROWS["Plain"], []) == tmp_path / "Plain.safetensors"
    assert find_weights(ROWS["FSRCNN"], []) is None


def test_folders_of_weights_lie_beside_the_benchmarks(tmp_path: Path) -> None:
    for name in ("data/benchmark/Set5", "data/weights/peers", "data/weights/peers/deeper", "data/weights/a", "weights"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data/weights/file.pth").touch()
    data = tmp_path / "data"
    expected = (data / "weights", data / "weights/a", data / "weights/peers")
    for named in (data / "benchmark", data / "benchmark/Set5"):
        assert weights_beside([named])[:3] == expected
    assert weights_beside([data / "benchmark", data / "benchmark/Set5"])[:3] == expected
    assert weights_beside([]) == ()


@pytest.mark.parametrize("name", ["ECBSR-M4C16", "ETDS-T", "ABPN-M4C28"])
def test_printed_figures_come_out(shared_data: Path, name: str) -> None:
    system = ROWS[name]
    path = find_weights(system, weights_beside([shared_data / "benchmark"]))
    if path is None:
        pytest.skip(f"no published weights of {name} below {shared_data}")
    result = evaluate_model(load_system(system, path), load_pairs(shared_data / "benchmark" / "Set5", 2), scale=2)
    assert result.psnr == pytest.approx(system.printed["Set5"].psnr, abs=0.03)
