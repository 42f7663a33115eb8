"""Folders of pictures, and the pairs of high and low resolution in them.

Understood are the layouts that the field uses, and any folder of pictures:

    Set5/HR/baby.png                    Set5/LR_bicubic/X2/babyx2.png
    DIV2K/DIV2K_valid_HR/0801.png       DIV2K/DIV2K_valid_LR_bicubic/X2/0801x2.png
    photographs/any/depth/of/folders.jpg

Where there are no low-resolution pictures for a scale they are made (MATLAB's bicubic), and a folder of small ones that
is passed over so is named. A person's own small pictures may lie anywhere (:func:`with_small`).
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from hnas.data.pairing import pair_up
from hnas.data.pictures import EXTENSIONS, Pixels, read_header, read_picture
from hnas.data.reading_threads import reading_threads
from hnas.data.resize import imresize
from hnas.errors import HnasError
from hnas.files import cache_folder, make_folder, write_atomically

#: Decoded pictures up to this many bytes are held in memory; of larger sets, memory-mapped copies on disk are used.
MEMORY_LIMIT = 4 * 2**30
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pair:
    """One picture at two sizes, both uint8 H x W x 3; `hr` is cropped to exactly scale times the size of `lr`.

    `gray` says that the file held one channel only: papers take that for its Y as it is.
    """

    name: str
    hr: Pixels
    lr: Pixels
    gray: bool = False


@dataclass(frozen=True)
class PictureSet:
    """A set of pictures on disk.

    Attributes:
        name: of the set.
        hr: the folder of the originals.
        lr: the folder above X2, X3 and X4 where there is one.
        small: the small version of every original, where a person said which (:func:`with_small`).
    """

    name: str
    hr: Path
    lr: Path | None = None
    small: Mapping[Path, Path] = field(default_factory=dict)

    def lr_path(self, picture: Path, scale: int) -> Path | None:
        """Where the small version of an original belongs; None where the set has none at this scale."""
        if self.small:
            return self.small[picture]
        folder = self.lr / f"X{scale}" if self.lr else None
        return folder / f"{picture.stem}x{scale}{picture.suffix}" if folder and folder.is_dir() else None


def files_below(folder: Path, endings: Container[str] | None = None) -> list[Path]:
    """Files with these endings (in lower case, such as ``.png``; None: any) below a folder, by path; none hidden."""
    return sorted(
        path
        for path in folder.rglob("*")
        if (endings is None or path.suffix.lower() in endings)
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def find_pictures(folder: str | Path) -> list[Path]:
    """All pictures below a folder, sorted by path; hidden files and folders are passed over. A file is itself.

    Raises:
        HnasError: it does not exist, or there is no picture in it.
    """
    folder = Path(folder)
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise HnasError(f"{folder} does not exist; name a folder with pictures")
    found = files_below(folder, EXTENSIONS)
    if not found:
        raise HnasError(f"{folder} has no pictures in it; allowed are files ending in {', '.join(sorted(EXTENSIONS))}")
    return found


def find_sets(folder: str | Path) -> list[PictureSet]:
    """The sets in a folder: itself where it is one (or its HR folder, or a picture), else those right inside it.

    A folder without any known layout is one set of all the pictures below it.

    Raises:
        HnasError: it does not exist.
    """
    if not Path(folder).exists():
        raise HnasError(f"{folder} does not exist; name a folder with pictures")
    folder = Path(folder).resolve()
    if folder.is_dir() and not _as_set(folder):
        inside = [found for path in sorted(folder.iterdir()) if path.is_dir() for found in _as_set(path)]
        if inside:
            return inside
    return _as_set(folder) or [PictureSet(folder.stem if folder.is_file() else folder.name, folder)]


def _as_set(folder: Path) -> list[PictureSet]:
    """The set that a folder is by its layout, in a list; empty where it is none."""
    if (folder / "HR").is_dir():
        return [PictureSet(folder.name, folder / "HR", _if_folder(folder / "LR_bicubic"))]
    if folder.name == "HR":
        return [PictureSet(folder.parent.name, folder, _if_folder(folder.parent / "LR_bicubic"))]
    if folder.name.endswith("_HR") and folder.is_dir():
        name = folder.name.removesuffix("_HR")
        lr = _if_folder(folder.parent / f"{name}_LR_bicubic")
        return [PictureSet(name.replace("_", "-"), folder, lr)]
    return []


def with_small(pictures: PictureSet, folder: str | Path, scale: int) -> PictureSet:
    """A set with a person's own small pictures; says what was paired, and how.

    Args:
        pictures: the originals.
        folder: of the small ones, or of a folder called X2, X3 ... for this scale.
        scale: their scale.

    Raises:
        HnasError: there are none, or they do not fit the originals (:func:`hnas.data.pairing.pair_up`).
    """
    folder = Path(folder).resolve()
    folder = _if_folder(folder / f"X{scale}") or folder
    roots = [path.parent if path.is_file() else path for path in (pictures.hr, folder)]
    small, words = pair_up(find_pictures(pictures.hr), find_pictures(folder), root=roots[0], small_root=roots[1])
    _LOG.info("hnas: note: %s", words)
    return replace(pictures, small=small)


def _name_unused(pictures: PictureSet, scale: int) -> None:
    """Says so where small pictures are made although a folder that looks like theirs lies beside the originals."""
    if pictures.small or (pictures.lr and (pictures.lr / f"X{scale}").is_dir()):
        return
    wanted = "LR" if pictures.hr.name == "HR" else f"{pictures.hr.name.removesuffix('HR')}LR"
    if pictures.hr.name.endswith("HR") and (folder := _if_folder(pictures.hr.with_name(wanted))):
        _LOG.info("hnas: note: %s is not used, small pictures are made of %s; --lr-data takes it", folder, pictures.hr)


def _if_folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def crop_to_multiple(picture: Pixels, scale: int, *, name: str) -> Pixels:
    """Cuts off the rows below and the columns to the right that the scale does not divide.

    Raises:
        HnasError: nothing would be left; `name` says of which picture.
    """
    height, width = (length // scale * scale for length in picture.shape[:2])
    if height == 0 or width == 0:
        raise HnasError(f"{name} has {picture.shape[1]}x{picture.shape[0]} pixels, too few for scale {scale}")
    return picture[:height, :width]


def shrink(hr: Pixels, scale: int) -> Pixels:
    """The low-resolution picture of one whose size the scale divides; at scale 1 the picture itself."""
    return hr if scale == 1 else imresize(hr, Fraction(1, scale))


def check_fit(lr: Pixels, hr: Pixels, scale: int, lr_path: Path) -> None:
    """Checks that a low-resolution picture has the size of its original (already cropped) divided by the scale.

    Raises:
        HnasError: it has another.
    """
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    if lr.shape[:2] != (height, width):
        raise HnasError(
            f"{lr_path} has {lr.shape[1]}x{lr.shape[0]} pixels; {width}x{height} are needed, the size of its original "
            f"divided by {scale} without the rest"
        )


def pair_of(name: str, picture: Pixels, scale: int) -> Pair:
    """A pair from a picture in memory; see `crop_to_multiple`."""
    hr = crop_to_multiple(picture, scale, name=name)
    return Pair(name, hr, shrink(hr, scale))


def load_pairs(folder: str | Path, scale: int, limit: int | None = None, *, lr: str | Path | None = None) -> list[Pair]:
    """Reads a set once, decoded and ready for use.

    Args:
        folder: a set in a known layout, or any folder of pictures (searched to any depth), or one picture.
        scale: 2, 3 or 4; 1 for pairs of one size.
        limit: only the first so many pictures, sorted by path.
        lr: a folder of small pictures to take (:func:`with_small`); by default those of the layout.

    Returns:
        The pairs, sorted by path. Beyond `MEMORY_LIMIT` bytes the arrays are read-only and memory-mapped.

    Raises:
        HnasError: a folder without pictures or with several sets, a picture that cannot be read or is smaller than
            the scale, a low-resolution picture that is missing or of the wrong size.
    """
    sets = find_sets(folder)
    if len(sets) > 1:
        raise HnasError(f"{folder} holds several sets; name one of {', '.join(str(found.hr) for found in sets)}")
    pictures = sets[0] if lr is None else with_small(sets[0], lr, scale)
    return load_set(pictures, scale, limit)


def load_set(pictures: PictureSet, scale: int, limit: int | None = None) -> list[Pair]:
    """Reads one set that `find_sets` found; see `load_pairs`."""
    paths = find_pictures(pictures.hr)[:limit]
    _name_unused(pictures, scale)
    headers = [read_header(path) for path in paths]
    decoded = sum(3 * header.height * header.width for header in headers) * (1 + Fraction(1, scale**2))
    keep = _mapped if decoded > MEMORY_LIMIT else _in_memory

    def load(path: Path, name: str, gray: bool) -> Pair:
        hr = crop_to_multiple(keep(path, "hr", lambda: read_picture(path)), scale, name=str(path))
        lr_path = pictures.lr_path(path, scale)
        if lr_path is None:
            return Pair(name, hr, keep(path, f"lr-x{scale}", lambda: shrink(hr, scale)), gray)
        lr = keep(lr_path, "lr", lambda: read_picture(lr_path))
        check_fit(lr, hr, scale, lr_path)
        return Pair(name, hr, lr, gray)

    with reading_threads() as pool:
        return list(pool.map(load, paths, _names(paths, pictures.hr), (header.gray for header in headers)))


def _names(paths: list[Path], root: Path) -> list[str]:
    """Paths within the set, without their endings unless two would be the same."""
    inside = [path.relative_to(root) if path != root else Path(path.name) for path in paths]
    counts = Counter(path.with_suffix("") for path in inside)
    return [(path if counts[path.with_suffix("")] > 1 else path.with_suffix("")).as_posix() for path in inside]


def _in_memory(path: Path, kind: str, make: Callable[[], Pixels]) -> Pixels:
    return make()


def _mapped(path: Path, kind: str, make: Callable[[], Pixels]) -> Pixels:
    """A memory-mapped copy in the user's cache folder, made once for a file's path, size and time of change."""
    if not path.exists():
        return make()  # which says so
    key = f"{path}|{kind}|{path.stat().st_size}|{path.stat().st_mtime_ns}"
    copy = cache_folder() / "decoded" / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
    if not copy.exists():
        encoded = io.BytesIO()
        np.save(encoded, make(), allow_pickle=False)
        make_folder(copy.parent)
        write_atomically(copy, encoded.getbuffer())
    mapped: Pixels = np.load(copy, mmap_mode="r", allow_pickle=False)
    return mapped


def summary(pairs: Sequence[Pair], *, lr: Path | None = None) -> dict[str, Any]:
    """What pictures these are, without the paths of this machine: enough to tell whether others are the same.

    Args:
        pairs: of one folder.
        lr: the folder of a person's own small pictures, which are told too.
    """
    found = {"pictures": len(pairs), "sha256": _digest(pair.hr for pair in pairs)}
    return found if lr is None else {**found, "lr_folder": lr.name, "lr_sha256": _digest(pair.lr for pair in pairs)}


def _digest(pictures: Iterable[Pixels]) -> str:
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()
