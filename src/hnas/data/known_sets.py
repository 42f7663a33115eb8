"""The public sets that papers use: where they come from, how they are checked, where they lie once they are here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hnas.errors import HnasError

#: The folder that sets are put into and looked for in; without it, `data` in the current folder.
VARIABLE = "HNAS_DATA"

_DIV2K = "http://data.vision.ee.ethz.ch/cvl/DIV2K"


@dataclass(frozen=True)
class Archive:
    """A zip or tar file: its address, its MD5, and the folder (below the data folder) that it is unpacked into."""

    url: str
    md5: str
    into: str = "."

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class KnownSet:
    """A public set.

    Attributes:
        name: as papers write it.
        pictures: how many originals it has.
        about: what it shows, and the terms it is given under.
        folder: of the set once it is here, below the data folder.
        archive: the originals; None for a set that must be asked for.
        lr_archives: the published low-resolution pictures by scale, where they are apart from the originals.
        instructions: what to do where there is no archive.
    """

    name: str
    pictures: int
    about: str
    folder: str
    archive: Archive | None = None
    lr_archives: tuple[tuple[int, Archive], ...] = ()
    instructions: str = ""


_BENCHMARK = Archive("https://cv.snu.ac.kr/research/EDSR/benchmark.tar", "4ace41d33c2384b97e6b320cd0afd6ba")


def _div2k(part: str, pictures: int, hr: str, lr: dict[int, str]) -> KnownSet:
    return KnownSet(
        name=f"DIV2K-{part}",
        pictures=pictures,
        about="2K photographs; academic research only",
        folder=f"DIV2K/DIV2K_{part}_HR",
        archive=Archive(f"{_DIV2K}/DIV2K_{part}_HR.zip", hr, "DIV2K"),
        lr_archives=tuple(
            (scale, Archive(f"{_DIV2K}/DIV2K_{part}_LR_bicubic_X{scale}.zip", md5, "DIV2K"))
            for scale, md5 in lr.items()
        ),
    )


_ALL = (
    KnownSet("Set5", 5, "five classic pictures; research", "benchmark/Set5", _BENCHMARK),
    KnownSet("Set14", 14, "fourteen classic pictures; research", "benchmark/Set14", _BENCHMARK),
    KnownSet(
        "B100", 100, "test pictures of BSD300; non-commercial research and education", "benchmark/B100", _BENCHMARK
    ),
    KnownSet("Urban100", 100, "buildings with repeated structure; research", "benchmark/Urban100", _BENCHMARK),
    KnownSet(
        "Manga109",
        109,
        "comics, one page each; academic use, on request",
        "benchmark/Manga109",
        instructions=(
            "Manga109 is given on request: fill in the form at http://www.manga109.org/en/download.html, and put the "
            "109 pictures that papers use (one page of each volume) into {folder}/HR"
        ),
    ),
    _div2k(
        "train",
        800,
        "bdc2d9338d4e574fe81bf7d158758658",
        {
            2: "9a637d2ef4db0d0a81182be37fb00692",
            3: "ad80b9fe40c049a07a8a6c51bfab3b6d",
            4: "76c43ec4155851901ebbe8339846d93d",
        },
    ),
    _div2k(
        "valid",
        100,
        "9fcdda83005c5e5997799b69f955ff88",
        {
            2: "1512c9a3f7bde2a1a21a73044e46b9cb",
            3: "18b1d310f9f88c13618c287927b29898",
            4: "21962de700c8d368c6ff83314480eff0",
        },
    ),
)
KNOWN_SETS = {known.name: known for known in _ALL}


def known_set(name: str) -> KnownSet:
    """A set by its name, in any case.

    Raises:
        HnasError: no such set.
    """
    for known in KNOWN_SETS.values():
        if known.name.lower() == name.lower():
            return known
    raise HnasError(f"no set is called {name}; known are {', '.join(KNOWN_SETS)}")


def data_folder() -> Path:
    """Where sets are put and looked for: the folder that the environment variable HNAS_DATA names, else `data`."""
    return Path(os.environ.get(VARIABLE) or "data")


def locate_set(name_or_path: str | Path) -> Path:
    """The folder of a set given by its path, or by its name once it is in the data folder.

    Raises:
        HnasError: neither; the message says how to get a known set.
    """
    if Path(name_or_path).exists():
        return Path(name_or_path)
    try:
        known = known_set(str(name_or_path))
    except HnasError:
        raise HnasError(
            f"{name_or_path} is no file or folder, and no set of that name is known; known are {', '.join(KNOWN_SETS)}"
        ) from None
    folder = data_folder() / known.folder
    if not folder.is_dir():
        raise HnasError(
            f"{known.name} is not in {folder}; get it (hnas data get {known.name}) or name the folder that it is in"
        )
    return folder
