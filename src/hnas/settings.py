"""Settings from YAML: frozen dataclasses, declared once, filled by Python, by a file or by the command line.

A file holds either settings (``steps: 1000``) or one section per command (``search: {...}``, ``train: {...}``), and
beside those perhaps ``device: {...}`` for all commands that choose where they compute.
Values are converted by the library that reads the command line, so both accept and refuse the same things.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from cyclopts import App, CycloptsError, Parameter
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Dict

from hnas.errors import HnasError
from hnas.values import read_yaml, shown

PRESETS = Path(__file__).parent / "presets"
#: Tabular benchmarks of strategies, each with the settings of a study on it.
TABLES = Path(__file__).parent / "tables"

T = TypeVar("T")


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
    values = _read_mapping(path)
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
    values = _read_mapping(config_path(name_or_path))
    return dict(values.get("device", {})) if _has_sections(values) else {}


def _has_sections(values: Mapping[str, Any]) -> bool:
    return bool(values) and all(isinstance(section, dict) for section in values.values())


def _read_mapping(path: Path) -> dict[str, Any]:
    values = read_yaml(path)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise HnasError(f"{path}: a mapping of settings to values is needed, such as 'steps: 1000'")
    return values


def load_settings(cls: type[T], values: Mapping[str, Any], *, source: str = "settings") -> T:
    """Fills a settings dataclass from plain values; what is not given keeps its default.

    Args:
        cls: a frozen dataclass whose fields all have defaults.
        values: by field name.
        source: where the values come from, for messages.

    Raises:
        HnasError: an unknown name, a value of the wrong type or outside its bounds.
    """

    def build(settings: Any = None) -> Any:
        return cls() if settings is None else settings

    build.__annotations__["settings"] = Annotated[cls | None, Parameter(name="*")]
    app = App(default_command=build, help_flags=[], version_flags=[], config=[FromMapping(values, source)])
    try:
        return app([], exit_on_error=False, print_error=False, result_action="return_value")  # type: ignore[no-any-return]
    except CycloptsError as error:
        raise HnasError(one_line(error)) from error


def load_parts(values: Mapping[str, Any], *classes: type[Any], source: str = "settings") -> list[Any]:
    """Fills several settings dataclasses from one flat mapping, as a command that takes them all does.

    Raises:
        HnasError: as :func:`load_settings`; a name that none of them has.
    """
    names = {cls: {field.name for field in fields(cls)} for cls in classes}
    allowed = set().union(*names.values())
    if unknown := sorted(values.keys() - allowed):
        raise HnasError(f"{source}: unknown setting {', '.join(unknown)}; allowed are {', '.join(sorted(allowed))}")
    return [
        load_settings(cls, {name: value for name, value in values.items() if name in names[cls]}, source=source)
        for cls in classes
    ]


class FromMapping:
    """A source of arguments for cyclopts: values by name, which the command line overrides."""

    def __init__(self, values: Mapping[str, Any], source: str) -> None:
        self.values = dict(values)
        self.source = source

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        allowed = {name.removeprefix("--").replace("-", "_") for name in _names(arguments)} - {"config"}
        values = {name.replace("-", "_"): value for name, value in self.values.items()}
        if unknown := sorted(values.keys() - allowed):
            raise HnasError(
                f"{self.source}: unknown setting {', '.join(unknown)}; allowed are {', '.join(sorted(allowed))}"
            )
        for name, value in values.items():
            _refuse_nested(f"{self.source}: {name}", value)
        # Below the command's name: a flat Dict drops settings that are called like some command, such as data.
        nested: dict[str, Any] = values
        for command in reversed(commands):
            nested = {command: nested}
        Dict(nested, source=self.source)(app, commands, arguments)
        refuse_fractions(arguments)


def _refuse_nested(name: str, value: object) -> None:
    """Raises :class:`HnasError` for anything but a text, a number, true, false, nothing, or a list of such values."""
    if isinstance(value, Mapping):
        raise HnasError(f"{name} is a mapping; a single value or a list is needed")
    for inner in value if isinstance(value, list | tuple) else ():
        if inner is None or isinstance(inner, Mapping | list | tuple):
            raise HnasError(f"{name} has {shown(inner)} in its list; single values are needed")


def refuse_fractions(arguments: ArgumentCollection) -> None:
    """cyclopts rounds 5.5 to 6 where a whole number is meant; a person who wrote 5.5 meant something else.

    Raises:
        HnasError: a fraction for a whole number.
    """
    for argument in arguments:
        if not _is_whole(argument.hint):
            continue
        for token in argument.tokens:
            try:
                number = float(token.value)
            except ValueError:
                continue  # cyclopts says what is wrong
            if not number.is_integer():
                raise HnasError(f"{argument.name} is {token.value}; a whole number is needed")


def one_line(error: Exception) -> str:
    """An exception's message without its line breaks."""
    return " ".join(str(error).split()).rstrip(".")


def _names(arguments: ArgumentCollection) -> Iterable[str]:
    return (argument.name for argument in arguments if argument.name.startswith("--") and argument.parse)


def _is_whole(hint: Any) -> bool:
    if get_origin(hint) in (UnionType, Union):
        return all(_is_whole(member) for member in get_args(hint) if member is not type(None))
    return hint is int
