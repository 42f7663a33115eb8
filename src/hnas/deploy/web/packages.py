"""The packages of the npm registry that the page is made of, in exactly these versions."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hnas.errors import HnasError
from hnas.files import cache_folder, make_folder, write_atomically


@dataclass(frozen=True)
class NpmPackage:
    """What is taken from a package.

    Attributes:
        name: of the package.
        version: of the package.
        sha512: of its archive, in base64, as a lock file of npm has it after ``sha512-``.
        files: by their path inside the archive.
        licence: of the package, by its SPDX name.
    """

    name: str
    version: str
    sha512: str
    files: tuple[str, ...]
    licence: str

    @property
    def archive(self) -> str:
        """The name of the file that ``npm pack`` writes."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def specifier(self) -> str:
        """What ``npm pack`` is asked for."""
        return f"{self.name}@{self.version}"


#: Runs the networks: with WebGPU (the first three) and on the processor (the others).
ONNXRUNTIME = NpmPackage(
    "onnxruntime-web",
    "1.30.0",
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
    (
        *("dist/ort.webgpu.min.mjs", "dist/ort-wasm-simd-threaded.asyncify.mjs"),
        "dist/ort-wasm-simd-threaded.asyncify.wasm",
        *("dist/ort.wasm.min.mjs", "dist/ort-wasm-simd-threaded.mjs", "dist/ort-wasm-simd-threaded.wasm"),
    ),
    "MIT",
)
#: Reads and writes films around the browser's own codecs.
MEDIABUNNY = NpmPackage(
    "mediabunny",
    "1.61.0",
    "WciPOYwKZwgYkoBKcEK6JzzIf+w5whypPzFdOihOylZ/5Qv19FmNfRnTcaprH+jD136YpEASU30Eb6VNCJiz3A==",
    ("dist/bundles/mediabunny.min.mjs", "LICENSE"),
    "MPL-2.0",
)
PACKAGES = (ONNXRUNTIME, MEDIABUNNY)


def package_files(package: NpmPackage, folder: Path | None = None) -> Mapping[str, bytes]:
    """The files of a package by name: from a folder, or else from the user's cache, or else by npm.

    Args:
        package: one of :data:`PACKAGES`.
        folder: with archives as ``npm pack`` writes them, for machines without npm or without a network.

    Raises:
        HnasError: it cannot be had, or an archive is not the one that is known.
    """
    if folder is None:
        kept = cache_folder() / "npm" / package.archive
        if not kept.is_file():
            content = _packed(package)
            make_folder(kept.parent)
            write_atomically(kept, content)
    else:
        kept = folder / package.archive
        if not kept.is_file():
            raise HnasError(f"{kept} is not there; `npm pack {package.specifier}` writes it")
    content = kept.read_bytes()
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != package.sha512:
        raise HnasError(f"{kept} has another checksum than {package.specifier}; delete it and get it again")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {Path(name).name: _content(archive, f"package/{name}") for name in package.files}


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None  # the checksum says that it is there
    return file.read()


def _packed(package: NpmPackage) -> bytes:
    """The archive, by npm."""
    elsewhere = (
        f"run `npm pack {' '.join(one.specifier for one in PACKAGES)}` where npm and a network are, and name the "
        "folder with --packages"
    )
    npm = shutil.which("npm")
    if npm is None:
        raise HnasError(
            f"the page takes {package.specifier} from the npm registry, and npm is not installed; {elsewhere}"
        )
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", "--silent", "--pack-destination", folder, package.specifier],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        file = Path(folder) / package.archive
        if done.returncode or not file.is_file():
            lines = done.stderr.strip().splitlines() or ["no word of why"]
            raise HnasError(f"npm did not get {package.specifier} ({lines[0]}); {elsewhere}")
        return file.read_bytes()
