"""Parts of other people: by a call, by an entry point of an installed package, and when that package is broken."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import hnas
from hnas.cli.main import main
from hnas.errors import HnasError
from hnas.nets import build_model
from hnas.nets.peers import PEERS, Peer
from hnas.registry import Registry
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.strategies.registry import STRATEGIES
from hnas.space.cells import OPERATIONS
from hnas.space.chain import BLOCKS
from hnas.weights import load_model, save_model

#: Of a package as pip leaves it: modules, and a folder that says what it brings.
ENTRY_POINTS = """
[things]
good = others:GOOD
text = others:TEXT
broken = others_broken:GOOD
absent = others:ABSENT
Wrong_Name = others:GOOD
ours = others:GOOD
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a package with these modules and entry points on the path, as if it had been installed."""

    def install(name: str, entry_points: str, **modules: str) -> None:
        folder = tmp_path / name
        about = folder / f"{name}-1.5.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        (about / "entry_points.txt").write_text(entry_points)
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(text)
            monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(folder)

    return install


@pytest.fixture
def others(install: Callable[..., None]) -> Registry[int]:
    install("others", ENTRY_POINTS, others="GOOD, TEXT = 7, 'seven'", others_broken="raise RuntimeError('no\\nluck')")
    return Registry("thing", "things", {"ours": 1}, kind=int)


def test_names_are_known_without_an_import_and_parts_come_when_asked_for(others: Registry[int]) -> None:
    assert list(others) == ["ours", "good", "text", "broken", "absent"]
    assert "good" in others
    assert "others" not in sys.modules
    assert others["good"] == 7
    assert others["ours"] == 1
    assert others.package("good") == ("others", "1.5")
    assert others.package("ours") is None
    with pytest.raises(KeyError):
        others["unknown"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "broken",
            "the thing 'broken' of the package others (others_broken:GOOD) cannot be imported: "
            "RuntimeError: no luck; mend or uninstall it",
        ),
        ("absent", "the thing 'absent' of the package others (others:ABSENT) cannot be imported: AttributeError: "),
        ("text", "the thing 'text' of the package others (others:TEXT) is of type str; int is needed"),
    ],
)
def test_a_broken_part_is_one_line_that_names_its_package(others: Registry[int], name: str, message: str) -> None:
    with pytest.raises(HnasError) as error:
        others[name]
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_what_lists_parts_goes_on_without_the_broken_ones(
    others: Registry[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert dict(others.usable()) == {"ours": 1, "good": 7}
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 5  # each once
    assert [line.split("'")[1] for line in said] == ["Wrong_Name", "ours", "text", "broken", "absent"]
    assert "hnas has one of this name" in said[1]


def test_of_two_packages_with_the_same_name_the_first_counts(
    others: Registry[int], install: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    install("second", "[things]\ngood = second:GOOD\n", second="GOOD = 8")
    with caplog.at_level(logging.WARNING):
        assert others["good"] == 8  # the first on the path
    assert any("others (others:GOOD) is left out: there is the thing 'good' of the package second" in one.getMessage()
               for one in caplog.records)  # fmt: skip


def test_a_call_adds_a_part_and_the_next_one_replaces_it(others: Registry[int]) -> None:
    others.register("mine", 3)
    others.register("mine", 4)
    assert others["mine"] == 4
    assert list(others)[-1] == "mine"
    assert others.package("mine") is None


@pytest.mark.parametrize(
    ("name", "part", "message"),
    [
        ("ours", 2, "hnas has one of this name"),
        ("good", 2, "there is the thing 'good' of the package others"),
        ("Mine", 2, "small letters"),
        ("", 2, "small letters"),
        ("mine", "2", "int is needed"),
    ],
)
def test_what_is_not_registered(others: Registry[int], name: str, part: int, message: str) -> None:
    with pytest.raises(HnasError, match=message):
        others.register(name, part)
    assert list(others) == ["ours", "good", "text", "broken", "absent"]


def test_no_name_stands_in_both_kinds_of_cells() -> None:
    with pytest.raises(HnasError, match="normal cells have one of this name"):
        hnas.register_operation("rcab", OPERATIONS["upsampling"]["area"], cell="upsampling")


def test_every_function_refuses_what_is_no_such_part() -> None:
    for register in (hnas.register_operation, hnas.register_block, hnas.register_strategy):
        with pytest.raises(HnasError, match="is needed"):
            register("mine", 5)  # type: ignore[arg-type]
    with pytest.raises(HnasError, match="small letters"):
        hnas.register_model(5)  # type: ignore[arg-type]
    for registry in (*OPERATIONS.values(), BLOCKS, STRATEGIES, PEERS):
        assert "mine" not in registry


class Doubling(nn.Module):
    """Repeats pixels, times a weight."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.description = {"format": "hnas-model/1", "architecture": "doubling", "scale": scale}
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * nn.functional.interpolate(x, scale_factor=self.scale)


def test_a_registered_network_is_built_and_its_name_must_be_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PEERS, "_parts", dict(PEERS.items()))
    hnas.register_model(Peer("doubling", Doubling))
    assert build_model({"format": "hnas-model/1", "architecture": "doubling", "scale": 3}).scale == 3
    with pytest.raises(HnasError, match="calls itself 'doubling'"):
        PEERS.register("other", Peer("doubling", Doubling))


def file_with_packages(path: Path, packages: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hnas.weights.packages_of", lambda description: packages)
    save_model(path, build_model(PEERS["espcn"].description), {})


def test_a_file_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PEERS, "package", lambda name: ("not-there", "1.5") if name == "espcn" else None)
    save_model(tmp_path / "x.safetensors", build_model(PEERS["espcn"].description), {})
    with pytest.raises(HnasError) as error:
        load_model(tmp_path / "x.safetensors")
    assert str(error.value) == (
        f"{tmp_path / 'x.safetensors'}: this network has parts of the package not-there (1.5), which is not "
        "installed; if you trust it: pip install not-there"
    )


@pytest.mark.parametrize("packages", [["torch"], {"torch; rm -rf x": "1"}, {"torch": 1}, {"": "1"}, "torch"])
def test_a_damaged_list_of_packages_is_refused(
    packages: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_with_packages(tmp_path / "x.safetensors", packages, monkeypatch)
    with pytest.raises(HnasError, match="what it says of packages is damaged"):
        load_model(tmp_path / "x.safetensors")


def test_packages_that_are_there_are_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_with_packages(tmp_path / "x.safetensors", {"torch": "0.1"}, monkeypatch)
    assert load_model(tmp_path / "x.safetensors").scale == 2


def test_an_unknown_strategy_is_refused_by_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(HnasError, match="strategy is 'luck'; allowed are controller, controller-flat, random"):
        SearchSettings(strategy="luck")
    with pytest.raises(HnasError, match="strategies have 'luck'; allowed are controller"):
        StudySettings(strategies=("random", "luck"))
    assert main(["search", "--data", str(tmp_path), "--run-dir", str(tmp_path / "run"), "--strategy", "luck"]) == 2
    assert "strategy is 'luck'" in capsys.readouterr().err
