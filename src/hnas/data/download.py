"""Getting the public sets: transfers that go on where they were cut, checksums, archives that stay in their folder."""

from __future__ import annotations

import errno
import hashlib
import shutil
import stat
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import requests

from hnas.data.folders import find_pictures, find_sets
from hnas.data.known_sets import Archive, KnownSet
from hnas.errors import HnasError

#: Attempts in a row that bring nothing new before a transfer is given up, and the seconds between them.
ATTEMPTS = 4
PAUSE = 2.0
#: Seconds to wait for a connection, and for more data.
_TIMEOUT = (10, 60)
_CHUNK = 1 << 16

#: Called with a file's name, the bytes that are here, and the bytes in all (None where the server does not say).
DownloadProgress = Callable[[str, int, int | None], None]


def is_here(known: KnownSet, root: Path) -> bool:
    """Whether all originals of a set are in the data folder."""
    folder = root / known.folder
    try:
        return len(find_pictures(find_sets(folder)[0].hr)) == known.pictures
    except HnasError:
        return False


def get_set(
    known: KnownSet,
    root: Path,
    *,
    lr_scales: tuple[int, ...] = (),
    keep_archives: bool = False,
    progress: DownloadProgress | None = None,
) -> Path:
    """Downloads a set, checks it and unpacks it below the data folder; what is there already is left as it is.

    A transfer that is interrupted leaves a `.part` file, from which the next call goes on.

    Args:
        known: which set.
        root: the data folder; made where it is missing.
        lr_scales: also get the published low-resolution pictures of these scales, where they are apart.
        keep_archives: leave the archives beside what was unpacked.
        progress: told now and then how far the transfer is.

    Returns:
        The folder of the set.

    Raises:
        HnasError: a set that must be asked for, no network, a transfer that does not go on, a wrong checksum, a full
            disk, an archive with entries that would leave its folder.
    """
    folder = root / known.folder
    if known.archive is None:
        if is_here(known, root):
            return folder
        raise HnasError(known.instructions.format(folder=folder))
    archives = [] if is_here(known, root) else [known.archive]
    archives += [archive for scale, archive in known.lr_archives if scale in lr_scales]
    for archive in archives:
        into = root / archive.into
        with _full_disk_named(into):
            into.mkdir(parents=True, exist_ok=True)
            file = download(archive, into, progress)
            unpack(file, into)
            if not keep_archives:
                file.unlink()
    if not is_here(known, root):
        raise HnasError(f"{folder} does not hold the {known.pictures} pictures of {known.name} after unpacking")
    return folder


def download(archive: Archive, folder: Path, progress: DownloadProgress | None = None) -> Path:
    """Downloads an archive into a folder, unless it is there and whole.

    Raises:
        HnasError: no network, a transfer that does not go on, a wrong checksum.
    """
    file, part = folder / archive.name, folder / f"{archive.name}.part"
    if file.is_file() and _md5(file) == archive.md5:
        return file
    _transfer(archive.url, part, progress or _silent)
    if _md5(part) != archive.md5:
        part.unlink()
        raise HnasError(
            f"{archive.url} has another checksum than the {archive.md5} that is known; the file was thrown away, as it "
            "was damaged on its way or has been replaced; try again"
        )
    part.replace(file)
    return file


def _md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def _silent(name: str, done: int, total: int | None) -> None:
    pass


def _transfer(url: str, part: Path, progress: DownloadProgress) -> None:
    """Downloads into `part`, going on where it ends, until it is whole."""
    fruitless = 0
    while True:
        before = _size(part)
        try:
            _continue(url, part, progress)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless == ATTEMPTS:
                raise HnasError(
                    f"{url} cannot be reached, or breaks off ({type(error).__name__}) after {_megabytes(_size(part))}; "
                    "check the network and run the same command again, which goes on from there"
                ) from error
            time.sleep(PAUSE)
        except requests.RequestException as error:
            raise HnasError(f"{url} cannot be downloaded: {error}") from error
        else:
            return


def _continue(url: str, part: Path, progress: DownloadProgress) -> None:
    """One request for what is missing."""
    have = _size(part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    headers["Accept-Encoding"] = "identity"  # places in a compressed stream are not places in the file
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            if response.headers.get("Content-Range") != f"bytes */{have}":
                part.unlink()  # longer than the file: not a part of it
                raise requests.ConnectionError("the file on the server has changed")
            return
        response.raise_for_status()
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if response.status_code != requests.codes.partial_content or not goes_on:
            have = 0  # the server begins anew
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        _check_space(part.parent, (total or 0) - have)
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                progress(part.stem, have, total)
    if total is not None and have < total:
        raise requests.ConnectionError("the server broke off")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, into: Path) -> None:
    """Unpacks a zip or tar file: everything or nothing, and nothing outside the folder.

    Raises:
        HnasError: a damaged archive, too little space, entries that are links or would leave the folder.
    """
    with _entries(archive) as entries, tempfile.TemporaryDirectory(dir=into, prefix=".unpacking-") as beside:
        _check_space(into, sum(entry.size for entry in entries))
        for entry in entries:
            target = Path(beside, entry.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with entry.open() as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, _CHUNK)
        for entry in entries:
            target = into / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(beside, entry.name).replace(target)


#: What the two libraries, and the file system for entries that contradict each other, raise for damaged archives.
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, RuntimeError, OSError)
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def _entries(archive: Path) -> Iterator[list[_Entry]]:
    """The files in an archive, each known to be a plain file that stays below the folder it is unpacked into."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                yield [_zip_entry(archive, file, info) for info in file.infolist() if not info.filename.endswith("/")]
        else:
            with tarfile.open(archive) as tar:
                yield [_tar_entry(archive, tar, member) for member in tar.getmembers() if not member.isdir()]
    except HnasError:
        raise
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        raise HnasError(f"{archive} cannot be unpacked ({error}); delete it and get it again") from error


def _zip_entry(archive: Path, file: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    mode = info.external_attr >> 16
    _check_entry(archive, info.filename, plain=stat.S_IFMT(mode) in (0, stat.S_IFREG))
    return _Entry(info.filename, info.file_size, lambda: file.open(info))


def _tar_entry(archive: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> _Entry:
    _check_entry(archive, member.name, plain=member.isfile())

    def opened() -> IO[bytes]:
        source = tar.extractfile(member)
        assert source is not None  # it is a plain file
        return source

    return _Entry(member.name, member.size, opened)


def _check_entry(archive: Path, name: str, *, plain: bool) -> None:
    path = PurePosixPath(name)
    stays = not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name
    if not (plain and stays and path.parts):
        raise HnasError(f"{archive} has the entry {name!r}, a link or a path out of its folder; it is not unpacked")


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise HnasError(
            f"{folder} is on a disk with {_megabytes(free)} free, and {_megabytes(needed)} more are needed; free some "
            "space or name another folder with --to"
        )


@contextmanager
def _full_disk_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise HnasError(
            f"{folder} is on a disk that is full; free some space or name another folder with --to; the same command "
            "goes on where this one stopped"
        ) from error


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
