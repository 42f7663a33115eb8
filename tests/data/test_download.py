"""Getting sets from a server on this machine that cuts transfers, sends the wrong thing, or is not there."""

from __future__ import annotations

import errno
import hashlib
import io
import shutil
import socket
import stat
import tarfile
import threading
import zipfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from hnas.cli.main import main
from hnas.data import download as download_module
from hnas.data import known_sets
from hnas.data.download import download, get_set, unpack
from hnas.data.folders import load_pairs
from hnas.data.known_sets import Archive, KnownSet
from hnas.errors import HnasError


class Server:
    """Serves files by name, and remembers the ranges that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut_after: list[int] = []
        """Bytes after which the connection is cut, one entry for each request to come."""
        self.knows_ranges = True
        self.asked: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = server.files.get(self.path[1:])
                wanted = self.headers.get("Range")
                server.asked.append(wanted)
                if body is None:
                    return self._head(404, 0)
                start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.knows_ranges else 0
                if start >= len(body):
                    return self._head(416, 0, f"bytes */{len(body)}")
                self._head(206 if start else 200, len(body) - start, f"bytes {start}-{len(body) - 1}/{len(body)}")
                cut = server.cut_after.pop(0) if server.cut_after else len(body)
                self.wfile.write(body[start : start + cut])
                self.close_connection = start + cut < len(body)
                return None

            def _head(self, status: int, length: int, content_range: str = "") -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(length))
                if status != 200 and content_range:
                    self.send_header("Content-Range", content_range)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.handle_error = lambda *arguments: None  # a client that has enough is no error
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def archive(self, name: str, content: bytes, into: str = ".") -> Archive:
        """Puts a file on the server, and says what is known of it."""
        self.files[name] = content
        return Archive(f"{self.url}/{name}", hashlib.md5(content).hexdigest(), into)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download_module, "PAUSE", 0)
    monkeypatch.setattr(download_module, "_CHUNK", 1000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


CONTENT = np.random.default_rng(0).bytes(10_000)


def _picture(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def _zip(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def _tar(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def test_a_transfer_that_is_cut_goes_on_by_itself(server: Server, tmp_path: Path) -> None:
    archive = server.archive("a.bin", CONTENT)
    server.cut_after = [3000, 0, 2000]
    seen: list[tuple[str, int, int | None]] = []
    file = download(archive, tmp_path, lambda *state: seen.append(state))
    assert file.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=3000-", "bytes=3000-", "bytes=5000-"]
    assert seen[-1] == ("a.bin", 10_000, 10_000)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_later_call_goes_on_where_one_was_killed(server: Server, tmp_path: Path) -> None:
    archive = server.archive("a.bin", CONTENT)
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:4000])
    assert download(archive, tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=4000-"]


def test_a_call_that_was_killed_at_the_very_end_is_completed(server: Server, tmp_path: Path) -> None:
    archive = server.archive("a.bin", CONTENT)
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    assert download(archive, tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_begun_anew(server: Server, tmp_path: Path) -> None:
    archive = server.archive("a.bin", CONTENT)
    (tmp_path / "a.bin.part").write_bytes(CONTENT + b"more")
    assert download(archive, tmp_path).read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(server: Server, tmp_path: Path) -> None:
    archive = server.archive("a.bin", CONTENT)
    server.knows_ranges = False
    server.cut_after = [3000]
    assert download(archive, tmp_path).read_bytes() == CONTENT


def test_what_is_there_and_whole_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    archive = server.archive("a.bin", CONTENT)
    download(archive, tmp_path)
    download(archive, tmp_path)
    assert len(server.asked) == 1


def test_a_transfer_that_gets_nowhere_is_given_up_and_can_go_on_later(server: Server, tmp_path: Path) -> None:
    archive = server.archive("a.bin", CONTENT)
    server.cut_after = [3000] + [0] * 20
    with pytest.raises(HnasError, match=r"a\.bin cannot be reached, or breaks off .* after 0\.0 MB; .*again"):
        download(archive, tmp_path)
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:3000]
    server.cut_after = []
    assert download(archive, tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_is_thrown_away(server: Server, tmp_path: Path) -> None:
    archive = server.archive("a.bin", CONTENT)
    server.files["a.bin"] = CONTENT[::-1]
    with pytest.raises(HnasError, match="another checksum"):
        download(archive, tmp_path)
    assert not list(tmp_path.iterdir())
    server.files["a.bin"] = CONTENT
    assert download(archive, tmp_path).read_bytes() == CONTENT


def test_no_such_file_on_the_server(server: Server, tmp_path: Path) -> None:
    with pytest.raises(HnasError, match=r"gone\.zip cannot be downloaded: 404"):
        download(Archive(f"{server.url}/gone.zip", "0" * 32), tmp_path)


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "PAUSE", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a.zip"
        with pytest.raises(HnasError, match="cannot be reached"):
            download(Archive(url, "0" * 32), tmp_path)
    assert not list(tmp_path.iterdir())


Usage = namedtuple("Usage", "total used free")


def test_too_little_space_is_told_before_the_transfer(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = server.archive("a.bin", CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10_000, 4000, 6000))
    with pytest.raises(HnasError, match=r"0\.0 MB free, and 0\.0 MB more are needed"):
        download(archive, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_meanwhile_leaves_what_can_go_on(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownSet("Two", 2, "", "Two", server.archive("a.zip", _two_pictures(_zip)))
    written = 0

    def full(name: str, done: int, total: int | None) -> None:
        nonlocal written
        written = done
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(HnasError, match="disk that is full"):
        get_set(known, tmp_path, progress=full)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("a.zip.part", written)]
    assert written > 0
    get_set(known, tmp_path)
    assert server.asked == [None, f"bytes={written}-"]


def _two_pictures(pack: Callable[[dict[str, bytes]], bytes]) -> bytes:
    return pack({"Two/HR/1.png": _picture(1), "Two/HR/2.png": _picture(2), "Two/readme.txt": b"two"})


@pytest.mark.parametrize("pack", [_zip, _tar])
def test_a_set_is_unpacked_into_its_layout(
    server: Server, tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    known = KnownSet("Two", 2, "", "sets/Two", server.archive("a.archive", _two_pictures(pack), "sets"))
    folder = get_set(known, tmp_path / "data")
    assert folder == tmp_path / "data" / "sets" / "Two"
    assert [pair.name for pair in load_pairs(folder, 2)] == ["1", "2"]
    assert [path.name for path in (tmp_path / "data" / "sets").iterdir()] == ["Two"]
    get_set(known, tmp_path / "data")
    assert len(server.asked) == 1


def test_published_small_pictures_come_on_request(server: Server, tmp_path: Path) -> None:
    hr = server.archive("hr.zip", _zip({"Two_HR/1.png": _picture(1), "Two_HR/2.png": _picture(2)}))
    lr = server.archive("lr.zip", _zip({"Two_LR_bicubic/X2/1x2.png": b"", "Two_LR_bicubic/X2/2x2.png": b""}))
    known = KnownSet("Two", 2, "", "Two_HR", hr, ((2, lr), (3, server.archive("lr3.zip", b"never asked for"))))
    get_set(known, tmp_path, lr_scales=(2,), keep_archives=True)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["Two_HR/1.png", "Two_HR/2.png", "Two_LR_bicubic/X2/1x2.png", "Two_LR_bicubic/X2/2x2.png",
                     "hr.zip", "lr.zip"]  # fmt: skip


def test_an_archive_without_the_promised_pictures(server: Server, tmp_path: Path) -> None:
    known = KnownSet("Two", 3, "", "Two", server.archive("a.zip", _two_pictures(_zip)))
    with pytest.raises(HnasError, match="does not hold the 3 pictures of Two"):
        get_set(known, tmp_path)


def _link_in_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return file.getvalue()


def _link_in_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


OUTSIDE = ["../out.png", "/out.png", "a/../../out.png", "..\\out.png", "C:out.png"]


@pytest.mark.parametrize(
    "content",
    [
        *(pack({"in.png": b"", name: b""}) for name in OUTSIDE for pack in (_tar, _zip)),
        _link_in_tar(),
        _link_in_zip(),
    ],
)
def test_nothing_is_unpacked_outside_the_folder(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "a.archive"
    archive.write_bytes(content)
    (tmp_path / "in").mkdir()
    with pytest.raises(HnasError, match="not unpacked"):
        unpack(archive, tmp_path / "in")
    assert not list((tmp_path / "in").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.archive", "in"]


def test_a_disk_that_fills_up_while_unpacking_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(_two_pictures(_zip))
    (tmp_path / "in").mkdir()
    copied = []

    def full(source: object, file: io.BufferedWriter, size: int) -> None:
        file.write(b"half")
        copied.append(file)
        if len(copied) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(archive, tmp_path / "in")
    assert not list((tmp_path / "in").iterdir())


@given(cut=st.integers(0, 4000), value=st.binary(min_size=1, max_size=4), pack=st.sampled_from([_zip, _tar]))
@example(cut=773, value=b"\x00", pack=_zip)  # a name of no length
def test_no_damage_to_an_archive_gets_past_the_one_exception(
    tmp_path_factory: pytest.TempPathFactory, cut: int, value: bytes, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    content = bytearray(pack({"a/1.txt": b"one" * 100, "a/2.txt": b"two" * 100}))
    cut %= len(content)
    content[cut : cut + len(value)] = value
    (folder / "archive").write_bytes(content)
    (folder / "in").mkdir()
    try:
        unpack(folder / "archive", folder / "in")
    except HnasError:
        assert not list((folder / "in").iterdir())
    assert sorted(path.name for path in folder.iterdir()) == ["archive", "in"]


def test_a_set_that_must_be_asked_for_says_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "get", "manga109", "--to", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "manga109.org" in said
    assert str(tmp_path / "benchmark" / "Manga109" / "HR") in said


def test_the_commands(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = KnownSet(
        "Two", 2, "two pictures", "benchmark/Two", server.archive("a.zip", _two_pictures(_zip), "benchmark")
    )
    monkeypatch.setattr(known_sets, "KNOWN_SETS", {"Two": known})
    monkeypatch.setenv("HNAS_DATA", str(tmp_path))
    assert main(["data", "list", "--json"]) == 0
    assert '"here": false' in capsys.readouterr().out
    assert main(["data", "check", "two"]) == 2
    assert "hnas data get Two" in capsys.readouterr().err
    assert main(["data", "get", "two"]) == 0
    assert capsys.readouterr().out == f"Two: {tmp_path / 'benchmark' / 'Two'}\n"
    assert main(["data", "list", "--json"]) == 0
    assert '"here": true' in capsys.readouterr().out
    assert main(["data", "check", "two"]) == 0
    assert capsys.readouterr().out == "Two: 2 pictures, whole\n"
    assert main(["data", "get", "three"]) == 2
    assert main(["data", "get", "two", "--lr", "5"]) == 2
