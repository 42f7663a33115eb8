"""Who takes part in a comparison by milliseconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hnas.errors import HnasError
from hnas.nets import build_model
from hnas.nets.peers import build_peer
from hnas.weights import save_model
from hnas.zoo import contenders
from hnas.zoo.contenders import find_contenders


def model(architecture: str, scale: int) -> torch.nn.Module:
    return build_peer({"format": "hnas-model/1", "architecture": architecture, "scale": scale})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two bundled models of x2 and one of x3, and published weights of ETDS-T."""
    torch.manual_seed(0)
    bundled = {name: tmp_path / "package" / f"{name}.safetensors" for name in ("small-x2", "large-x2", "small-x3")}
    (tmp_path / "package").mkdir()
    (tmp_path / "weights").mkdir()
    for name, path in bundled.items():
        save_model(path, model("espcn", int(name[-1])), {})
    monkeypatch.setattr(contenders, "bundled_models", lambda: bundled)
    monkeypatch.setattr("hnas.bundled.bundled_models", lambda: bundled)
    torch.save(model("etds-t", 2).state_dict(), tmp_path / "weights" / "ETDS_M5C16_x2.pth")
    monkeypatch.chdir(tmp_path)
    return tmp_path


WEIGHTS = (Path("weights"),)


def names(scale: int = 2, rows: tuple[str, ...] = (), own: tuple[str, ...] = ()) -> list[str]:
    return [one.name for one in find_contenders(scale, folders=WEIGHTS, rows=rows, own=own)]


def test_all_with_weights_of_the_scale_take_part() -> None:
    found = find_contenders(2, folders=WEIGHTS)
    assert [(one.name, one.system is None) for one in found] == [
        ("small-x2", True),
        ("large-x2", True),
        ("ETDS-T", False),
    ]
    assert found[2].weights == Path("weights/ETDS_M5C16_x2.pth")
    assert all(not one.model.training and one.model.scale == 2 for one in found)
    assert names(3) == ["small-x3"]


def test_rows_are_chosen_by_name() -> None:
    assert names(rows=("etds-t", "Large-x2")) == ["large-x2", "ETDS-T"]


def test_further_models_always_take_part(folder: Path) -> None:
    for run in ("runs/mine", "runs/other/small-x2"):
        (folder / run).mkdir(parents=True)
        save_model(folder / run / "weights.safetensors", model("espcn", 2), {})
    save_model(folder / "runs" / "file.safetensors", model("fsrcnn", 2), {})
    own = ("runs/mine", "runs/other/small-x2", "runs/file.safetensors", "runs/mine/weights.safetensors")
    # The same file twice is one row, and of two with the same name the second has its path.
    expected = ["mine", "runs/other/small-x2/weights.safetensors", "file"]
    assert names(rows=("ETDS-T",), own=own) == [*expected, "ETDS-T"]
    assert names(rows=("ETDS-T",), own=("small-x2",)) == ["small-x2", "ETDS-T"]
    assert names(own=("small-x2",)) == ["small-x2", "large-x2", "ETDS-T"]


@pytest.mark.parametrize(
    ("scale", "rows", "own", "message"),
    [
        (2, ("EDSR",), (), "unknown row 'EDSR'; allowed at x2 are small-x2, large-x2, SRCNN"),
        (2, ("ETDS-L",), (), "ETDS-L: no weights at hand; name a folder that has ETDS_M7C48_x2.pth with --weights"),
        (3, ("FALSR-B",), (), "unknown row 'FALSR-B'; allowed at x3 are small-x3"),
        (4, (), (), "no network for x4 has weights at hand"),
        (3, (), ("small-x2",), "small-x2 enlarges 2 times; this table is of --scale 3"),
        (2, (), ("nowhere.safetensors",), "nowhere.safetensors: no such weights file"),
    ],
)
def test_mistakes_are_named(scale: int, rows: tuple[str, ...], own: tuple[str, ...], message: str) -> None:
    with pytest.raises(HnasError) as error:
        names(scale, rows, own)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_damaged_weights_are_named(folder: Path) -> None:
    (folder / "weights" / "ETDS_M5C16_x2.pth").write_bytes(b"no weights")
    with pytest.raises(HnasError, match="ETDS_M5C16_x2"):
        names()


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    save_model(folder / "weights" / "etds-s.safetensors", build_model({**model("etds-t", 2).description}), {})
    with pytest.raises(HnasError, match="these are the weights of another model"):
        names()


def test_published_files_are_found_where_they_are(shared_data: Path) -> None:
    folders = [shared_data / "weights", shared_data / "weights" / "peers"]
    for scale, file, name in (
        (2, "peers/ECBSR_M6C40_x2.pth", "ECBSR-M6C40"),
        (3, "SMFANet_plus_DF2K_x3.pth", "SMFANet+"),
        (4, "carn_m.pth", "CARN-M"),
    ):
        if not (shared_data / "weights" / file).is_file():
            pytest.skip(f"no {file} below {shared_data}")
        assert name in [one.name for one in find_contenders(scale, folders=folders)]
