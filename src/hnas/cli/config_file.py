"""The file of ``--config``: settings that no flag gives."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from cyclopts import App, Token
from cyclopts.argument import Argument, ArgumentCollection

from hnas.errors import HnasError
from hnas.settings import TABLES, read_config, read_devices, refuse_unknown
from hnas.typed import typed
from hnas.values import read_yaml_mapping

#: Commands whose settings are those of another one.
SECTIONS = {"study": "search"}
#: Flags that bring settings of their own, which others override: a file of the package.
BRINGING = {"--table": TABLES / "chains.yaml"}
#: Commands that read by themselves what the file says of networks: it is for any, while a flag is for the one named.
READ_NETWORKS = ("train",)


def settings_from_config(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fills what no flag gives from the file of ``--config``; cyclopts calls it once flags are known.

    Raises:
        HnasError: no such file or preset, an unknown setting, a value of another type; a fraction, in a flag too, for a
            whole number.
    """
    given = {argument.name: argument.tokens[-1].value for argument in arguments if argument.tokens}
    if "--config" in given:
        name, command = given["--config"], SECTIONS.get(commands[0], commands[0])
        values = read_config(name, command, space=given.get("--space"))
        if any(argument.name == "--precision" for argument in arguments):
            values = {**read_devices(name), **values}
        if command in READ_NETWORKS:
            from hnas.space.options import options_in

            values = {setting: value for setting, value in values.items() if setting not in options_in(values)}
        fill(arguments, values, source=name)
    for flag in given.keys() & BRINGING.keys():
        fill(arguments, read_yaml_mapping(BRINGING[flag], advice="install the package anew"), source=flag)
    refuse_fractions(arguments)


def fill(arguments: ArgumentCollection, values: Mapping[str, Any], *, source: str) -> None:
    """Gives arguments that no flag gives the values of a file, in the types that they are declared with.

    Args:
        arguments: of a command.
        values: by name.
        source: where they come from, for messages.

    Raises:
        HnasError: a name that no argument has, or a value of another type.
    """
    named = {_setting(argument): argument for argument in arguments if argument.parse and argument.name[:2] == "--"}
    del named["config"]
    given = {name.replace("-", "_"): value for name, value in values.items()}
    refuse_unknown(given, named, source=source)
    for name, value in given.items():
        argument = named[name]
        converted = typed(value, argument.hint, f"{source}: {name}")
        if not argument.tokens:
            argument.append(_token(argument, converted, source))


def _setting(argument: Argument) -> str:
    return argument.name.removeprefix("--").replace("-", "_")


def _token(argument: Argument, value: Any, source: str) -> Token:
    """A value for cyclopts, which takes it as it is; but a choice goes as its text."""
    if isinstance(value, str) and _has_choices(argument.hint):
        return Token(keyword=argument.name, value=value, source=source)
    return Token(keyword=argument.name, implicit_value=value, source=source)


def _has_choices(hint: Any) -> bool:
    members = get_args(hint) if get_origin(hint) in (UnionType, Union) else (hint,)
    return any(get_origin(member) is Literal for member in members)


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


def _is_whole(hint: Any) -> bool:
    if get_origin(hint) in (UnionType, Union):
        return all(_is_whole(member) for member in get_args(hint) if member is not type(None))
    return hint is int
