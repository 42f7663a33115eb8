"""Settings from YAML: frozen dataclasses, declared once, filled by Python, by a file or by the command line.

A file holds either settings (``steps: 1000``) or one section per command (``search: {...}``, ``train: {...}``), and
beside those perhaps ``device: {...}`` for all commands that choose where they compute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from hnas.errors import HnasError
from hnas.typed import typed
from hnas.values import read_yaml_mapping

PRESETS = Path(__file__).parent / "presets"
#: Tabular benchmarks of strategies, each with the settings of a study on it.
TABLES = Path(__file__).parent / "tables"

T = TypeVar("T")
_ADVICE = "write settings as 'steps: 1000'"


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def config_path(name_or_path: str | Path) -> Path:
    """The file that ``--config`` names: a path, or a preset as ``cpu`` or ``presets/cpu.yaml``.

    Raises:
        HnasError: neither a file nor a preset.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    if str(name_or_path) in preset_names() or (path.parts[:-1] == ("presets",) and path.stem in preset_names()):
        return PRESETS / f"{path.stem}.yaml"
    raise HnasError(f"{name_or_path}: no such file, and no preset; presets are {', '.join(preset_names())}")


def read_config(name_or_path: str | Path, command: str, *, space: str | None = None) -> dict[str, Any]:
    """The settings that a YAML file or preset has for one command, as plain values.

    Args:
        name_or_path: as for :func:`config_path`.
        command: whose section to take where the file has sections; a flat file with a key ``command`` (such as a run's
            config.yaml) must name this one.
        space: where the file has a section for the command in this space of networks, such as ``search-chain``, that
            one is taken.

    Raises:
        HnasError: the file is missing, no YAML, no mapping, or meant for another command.
    """
    path = config_path(name_or_path)
    values = read_yaml_mapping(path, advice=_ADVICE)
    if _has_sections(values):
        command = f"{command}-{space}" if f"{command}-{space}" in values else command
        if command not in values:
            raise HnasError(f"{path}: has no section for {command}; it has {', '.join(values)}")
        return dict(values[command])
    written_for = values.pop("command", command)
    if written_for != command:
        raise HnasError(f"{path}: holds the settings of {written_for}, not of {command}")
    return values


def read_devices(name_or_path: str | Path) -> dict[str, Any]:
    """The section ``device`` of a file with sections, as plain values; nothing where there is none.

    Raises:
        HnasError: the file is missing, no YAML or no mapping.
    """
    values = read_yaml_mapping(config_path(name_or_path), advice=_ADVICE)
    return dict(values.get("device", {})) if _has_sections(values) else {}


def _has_sections(values: Mapping[str, Any]) -> bool:
    return bool(values) and all(isinstance(section, dict) for section in values.values())


def read_run_config(path: Path) -> dict[str, Any]:
    """All that a run's config.yaml says, as plain values.

    Raises:
        HnasError: the file is missing, no YAML or no mapping.
    """
    return read_yaml_mapping(path, advice="a run's settings are needed here")


def load_settings(cls: type[T], values: Mapping[str, Any], *, source: str = "settings") -> T:
    """Fills a settings dataclass from plain values; what is not given keeps its default.

    Args:
        cls: a frozen dataclass whose fields all have defaults.
        values: by field name.
        source: where the values come from, for messages.

    Raises:
        HnasError: an unknown name, a value of the wrong type or outside its bounds.
    """

    hints = get_type_hints(cls)
    given = {name.replace("-", "_"): value for name, value in values.items()}
    refuse_unknown(given, [field.name for field in fields(cls)], source=source)  # type: ignore[arg-type]
    return cls(**{name: typed(value, hints[name], f"{source}: {name}") for name, value in given.items()})


def load_parts(values: Mapping[str, Any], *classes: type[Any], source: str = "settings") -> list[Any]:
    """Fills several settings dataclasses from one flat mapping, as a command that takes them all does.

    Raises:
        HnasError: as :func:`load_settings`; a name that none of them has.
    """
    names = {cls: {field.name for field in fields(cls)} for cls in classes}
    refuse_unknown(values, set().union(*names.values()), source=source)
    return [
        load_settings(cls, {name: value for name, value in values.items() if name in names[cls]}, source=source)
        for cls in classes
    ]


def refuse_unknown(values: Mapping[str, Any], allowed: Collection[str], *, source: str) -> None:
    """Every one of these values must have a name that is allowed.

    Raises:
        HnasError: one has not.
    """
    if unknown := sorted(set(map(str, values)) - set(allowed)):
        raise HnasError(f"{source}: unknown setting {', '.join(unknown)}; allowed are {', '.join(sorted(allowed))}")
