"""Named parts, such as operations or strategies: the project's own, and those that other packages bring.

A package of someone else brings one by an entry point, whose name is the part's and whose group is the registry's:

    [project.entry-points."hnas.operations"]
    my_conv = "my_package.operations:MY_CONV"

Which names there are is known without importing any of them; a part is imported when it is asked for.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, MutableMapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from hnas.errors import HnasError

T = TypeVar("T")
#: Names stand in files, on the command line and in classes of pictures.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_logger = logging.getLogger(__name__)


class Registry(MutableMapping[str, T], Generic[T]):
    """Parts by name: the project's own first, then those of other packages, then those registered by a call.

    Looking up a part of another package raises :class:`HnasError` where that cannot be imported.

    Args:
        what: what a part is, such as "operation"; for messages.
        group: of the entry points, such as "hnas.operations".
        own: the project's own.
        kind: the class that every part is an instance of, or an abstract one such as ``Callable``.
    """

    def __init__(
        self,
        what: str,
        group: str,
        own: Mapping[str, T],
        *,
        kind: object,
    ) -> None:
        self.what, self.group, self.kind = what, group, kind
        self._parts = dict(own)
        #: Names of the project's own parts.
        self.own = tuple(own)
        self._complained: set[str] = set()

    @cached_property
    def _brought(self) -> dict[str, EntryPoint]:
        """The entry points of other packages, by name."""
        found: dict[str, EntryPoint] = {}
        for point in entry_points(group=self.group):
            if why := _not_a_name(point.name):
                _logger.warning("%s is left out: %s", self._where(point), why)
            elif point.name in self.own:
                _logger.warning("%s is left out: hnas has one of this name", self._where(point))
            elif point.name in found:
                _logger.warning("%s is left out: there is %s", self._where(point), self._where(found[point.name]))
            else:
                found[point.name] = point
        return found

    def _where(self, point: EntryPoint) -> str:
        package = f" of the package {point.dist.name}" if point.dist else ""
        return f"the {self.what} {point.name!r}{package} ({point.value})"

    def register(self, name: str, part: T) -> None:
        """Adds a part for this process; one that was added so before, under the same name, gives way.

        Raises:
            HnasError: no name of small letters, digits, ``_`` and ``-``, or one that is taken by the project or an
                installed package; or something that is no such part.
        """
        if why := _not_a_name(name):
            raise HnasError(f"the {self.what} {name!r} is not registered: {why}")
        if name in self.own:
            raise HnasError(f"the {self.what} {name!r} is not registered: hnas has one of this name; choose another")
        if name in self._brought:
            raise HnasError(
                f"the {self.what} {name!r} is not registered: there is {self._where(self._brought[name])}; "
                "choose another name"
            )
        self._parts[name] = self._checked(part, name, f"the {self.what} {name!r}")

    def _checked(self, part: T, name: str, where: str) -> T:
        if not isinstance(part, self.kind):  # type: ignore[arg-type]  # mypy has no type for abstract classes
            wanted = getattr(self.kind, "__name__", str(self.kind))
            raise HnasError(f"{where} is of type {type(part).__name__}; {wanted} is needed")
        if (said := getattr(part, "name", name)) != name:
            raise HnasError(f"{where} calls itself {said!r}; both names must be the same")
        return part

    def __getitem__(self, name: str) -> T:
        if name not in self._parts:
            point = self._brought[name]
            try:
                part = point.load()
            except Exception as error:  # the import of another package may raise anything
                said = " ".join(str(error).split())
                raise HnasError(
                    f"{self._where(point)} cannot be imported: {type(error).__name__}: {said}; mend or uninstall it"
                ) from error
            self._parts[name] = self._checked(part, name, self._where(point))
        return self._parts[name]

    def __setitem__(self, name: str, part: T) -> None:
        self._parts[name] = part

    def __delitem__(self, name: str) -> None:
        del self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts or name in self._brought

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self.own, *self._brought, *self._parts)))

    def __len__(self) -> int:
        return len(dict.fromkeys((*self.own, *self._brought, *self._parts)))

    def usable(self) -> Iterator[tuple[str, T]]:
        """All parts by name; those that cannot be imported are left out, with one line each in the log."""
        for name in self:
            try:
                yield name, self[name]
            except HnasError as error:
                if name not in self._complained:
                    self._complained.add(name)
                    _logger.warning("%s", error)

    def package(self, name: str) -> tuple[str, str] | None:
        """Name and version of the package whose entry point brings a part; None of any other part."""
        point = self._brought.get(name) if name not in self.own else None
        return (point.dist.name, point.dist.version) if point and point.dist else None


def _not_a_name(name: str) -> str:
    """Why a part cannot be called so; empty where it can."""
    if _NAME.fullmatch(name):
        return ""
    return "names are made of small letters, digits, - and _, begin with a letter and have 64 of them at most"
