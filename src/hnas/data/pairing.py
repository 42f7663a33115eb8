"""Which small picture belongs to which original in a person's own folders: by their names, else by their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from hnas.errors import HnasError

#: Parts of a name that say which of the two a picture is, not which picture.
_ROLE = re.compile(r"hr|lr[1-4]?|gt|lq|hq|x[1-4]|[1-4]x|bicubic|clean|noisy|original|small")
#: A scale right behind a name, as in 0801x2.
_SCALE = re.compile(r"(?<=\d)x[1-4]$")


def pair_up(
    originals: Sequence[Path], small: Sequence[Path], *, root: Path, small_root: Path
) -> tuple[dict[Path, Path], str]:
    """The small picture of every original, and in words how they were found.

    Paths within the folders are compared without their endings, then names without what says large or small
    (``0801x2``, ``lr_0801``, ``0801_LR``). Where no name fits any other and there are as many of both, the first
    belongs to the first and so on, numbers in names counted.

    Args:
        originals: large pictures, at least one.
        small: small ones.
        root: the folder of the originals.
        small_root: the folder of the small ones.

    Raises:
        HnasError: neither names nor numbers fit.
    """
    found = [_by(key, originals, small, root, small_root) for key in (_within, _bare)]
    fitting = max(found, key=len)
    if len(fitting) == len(originals):
        spare = len(small) - len(originals)
        left = f"; {spare} more in {small_root} have no original" if spare else ""
        return fitting, _words(fitting, "by name", root, small_root) + left
    if not fitting and len(originals) == len(small):
        ordered = dict(zip(sorted(originals, key=_counted), sorted(small, key=_counted), strict=True))
        return ordered, _words(ordered, "by their order, as no name fits another", root, small_root)
    if fitting:
        lacking = next(path for path in originals if path not in fitting)
        raise HnasError(
            f"{small_root}: {len(fitting)} of {len(originals)} pictures in {root} have a small one by name; "
            f"{lacking.relative_to(root)} has none; add it, or take its original out"
        )
    raise HnasError(
        f"{small_root}: no name fits one in {root}, and {len(small)} pictures do not go with {len(originals)} by their "
        "order; give both of a pair one name"
    )


def _by(
    key: Callable[[Path], str], originals: Sequence[Path], small: Sequence[Path], root: Path, small_root: Path
) -> dict[Path, Path]:
    """Pairs of one key that no other picture of either folder has."""
    large_ones, small_ones = _unique(key, originals, root), _unique(key, small, small_root)
    return {path: small_ones[name] for name, path in large_ones.items() if name in small_ones}


def _unique(key: Callable[[Path], str], paths: Sequence[Path], root: Path) -> dict[str, Path]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(key(path.relative_to(root)), []).append(path)
    return {name: those[0] for name, those in found.items() if len(those) == 1}


def _within(path: Path) -> str:
    return path.with_suffix("").as_posix()


def _bare(path: Path) -> str:
    parts = [part for part in re.split(r"[-_. ()]+", path.stem.lower()) if part and not _ROLE.fullmatch(part)]
    return "-".join(_SCALE.sub("", part) for part in parts)


def _counted(path: Path) -> list[tuple[int, str]]:
    """For sorting: 2 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", path.as_posix())]


def _words(pairs: dict[Path, Path], how: str, root: Path, small_root: Path) -> str:
    large, small = next(iter(pairs.items()))
    example = f"{large.relative_to(root)} with {small.relative_to(small_root)}"
    return f"{len(pairs)} pictures of {root} are paired with those of {small_root} {how}, such as {example}"
