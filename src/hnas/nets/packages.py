"""Which packages of other people a network has parts of, so that its files can say what reading them takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hnas.errors import HnasError
from hnas.nets.peers import PEERS
from hnas.registry import Registry
from hnas.space import KINDS

#: Names of packages (PEP 508) and versions (PEP 440): a file's words stand in a message that says what to install.
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z.!+_-]{0,50}")


def packages_of(description: Mapping[str, Any]) -> dict[str, str]:
    """The packages, each with its version, that bring the architecture or the operations which a description names."""
    registries: list[Registry[Any]] = [PEERS]
    registries += [operations for kind in KINDS.values() for operations in kind.operations.values()]
    found = (registry.package(word) for word in dict.fromkeys(_words(description)) for registry in registries)
    return dict(package for package in found if package)


def _words(value: object) -> Iterator[str]:
    """All texts in plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (word for inner in value.values() for word in _words(inner))
    elif isinstance(value, list | tuple):
        yield from (word for inner in value for word in _words(inner))


def refuse_absent_packages(packages: object, *, where: str) -> None:
    """Says what to install where a network has parts of a package that is not there.

    Args:
        packages: what :func:`packages_of` found when the file was written.
        where: the file.

    Raises:
        HnasError: one is not installed, or this is no mapping of packages to versions.
    """
    for name, written_with in packages.items() if isinstance(packages, Mapping) else [("", packages)]:
        if not (isinstance(name, str) and _PACKAGE.fullmatch(name)) or not (
            isinstance(written_with, str) and _VERSION.fullmatch(written_with)
        ):
            raise HnasError(f"{where}: what it says of packages is damaged; names with versions are needed")
        try:
            version(name)
        except PackageNotFoundError as error:
            raise HnasError(
                f"{where}: this network has parts of the package {name} ({written_with}), which is not installed; "
                f"if you trust it: pip install {name}"
            ) from error
