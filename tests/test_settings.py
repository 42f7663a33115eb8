from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hnas.errors import HnasError
from hnas.settings import config_path, load_parts, load_settings, preset_names, read_config, read_devices


@dataclass(frozen=True, kw_only=True)
class Settings:
    steps: int = 10
    rate: float = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    costs: tuple[str, ...] = ("macs",)
    limit: float | None = None
    augment: bool = True
    lam: str = "0.9"


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    return path


def test_what_is_not_given_keeps_its_default() -> None:
    assert load_settings(Settings, {"steps": 5}) == Settings(steps=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate: 1e-4", Settings(rate=1e-4)),  # YAML 1.1 reads this as text
        ("costs: [macs, params]", Settings(costs=("macs", "params"))),
        ("limit: null", Settings()),
        ("limit: 3", Settings(limit=3.0)),
        ("augment: false", Settings(augment=False)),
        ("lam: 0.05..0.95", Settings(lam="0.05..0.95")),
    ],
)
def test_values_as_people_write_them(tmp_path: Path, text: str, expected: Settings) -> None:
    assert load_settings(Settings, read_config(_file(tmp_path, text), "train")) == expected


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"stepz": 1}, "stepz.*allowed are .*steps"),
        ({"steps": 5.5}, "steps is 5.5"),
        ({"steps": "many"}, "many"),
        ({"steps": None}, "steps"),
        ({"augment": "perhaps"}, "perhaps"),
        ({"schedule": "linear"}, 'linear.*"cosine", "constant"'),
        ({"rate": {"start": 1}}, "rate is a mapping"),
    ],
)
def test_a_mistake_is_named_in_one_line(values: dict[str, Any], named: str) -> None:
    with pytest.raises(HnasError, match=named) as caught:
        load_settings(Settings, values, source="my.yaml")
    assert "\n" not in str(caught.value)


@given(
    st.builds(
        Settings,
        steps=st.integers(-(10**9), 10**9),
        rate=st.floats(allow_nan=False, allow_infinity=False),
        schedule=st.sampled_from(["cosine", "constant"]),
        costs=st.lists(st.sampled_from(["macs", "params", "latency"]), min_size=1).map(tuple),
        limit=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        augment=st.booleans(),
    )
)
def test_settings_survive_yaml(settings: Settings) -> None:
    values = yaml.safe_load(yaml.safe_dump(asdict(settings)))
    assert load_settings(Settings, values) == settings


@dataclass(frozen=True)
class Width:
    channels: int = 64


def test_several_settings_from_one_mapping() -> None:
    values = {"steps": 5, "channels": 8}
    assert load_parts(values, Settings, Width) == [Settings(steps=5), Width(channels=8)]
    with pytest.raises(HnasError, match=r"unknown setting chanels; allowed are .*channels.*steps"):
        load_parts({"steps": 5, "chanels": 8}, Settings, Width)


def test_a_file_with_sections_gives_each_command_its_own(tmp_path: Path) -> None:
    path = _file(tmp_path, "search: {steps: 1}\ntrain: {steps: 2}")
    assert read_config(path, "search") == {"steps": 1}
    assert read_config(path, "train") == {"steps": 2}
    with pytest.raises(HnasError, match="no section for derive; it has search, train"):
        read_config(path, "derive")


def test_a_section_for_devices_stands_beside_those_of_commands(tmp_path: Path) -> None:
    path = _file(tmp_path, "search: {steps: 1}\ndevice: {precision: auto}\n")
    assert read_config(path, "search") == {"steps": 1}
    assert read_devices(path) == {"precision": "auto"}
    assert read_devices(_file(tmp_path, "search: {steps: 1}")) == {}
    assert read_devices(_file(tmp_path, "steps: 1")) == {}


def test_the_settings_of_another_command_are_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, "command: search\nsteps: 1")
    assert read_config(path, "search") == {"steps": 1}
    with pytest.raises(HnasError, match="settings of search, not of train"):
        read_config(path, "train")


@pytest.mark.parametrize("text", ["- 1", "just words", "1: 2", "steps: [", "\x00"])
def test_what_is_no_mapping_of_settings_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(HnasError, match=r"settings\.yaml"):
        read_config(_file(tmp_path, text), "train")


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert read_config(_file(tmp_path, "# nothing\n"), "train") == {}


def test_a_name_that_is_neither_file_nor_preset_is_refused() -> None:
    with pytest.raises(HnasError, match="nowhere: no such file, and no preset"):
        config_path("nowhere")


def test_presets_go_by_name_and_by_path() -> None:
    for name in preset_names():
        assert config_path(name) == config_path(f"presets/{name}.yaml")
