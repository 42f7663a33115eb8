"""Writing the folder of the page: its own files, the graphs, and what runs them in a browser."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hnas.deploy.running.footprint import Footprint
from hnas.deploy.running.runtimes import onnx_session
from hnas.deploy.web.packages import PACKAGES, package_files
from hnas.errors import HnasError
from hnas.files import make_folder

_PAGE = Path(__file__).parent / "page"
#: The list of networks; a folder that holds it is a page of ours and may be written anew.
MODELS = "models.json"


def write_site(graphs: Mapping[str, Path], folder: Path, *, packages: Path | None = None) -> int:
    """Writes the page.

    Args:
        graphs: ONNX files by the name that the page shows; the first is chosen when it opens.
        folder: to write; replaced where it holds such a page.
        packages: see :func:`hnas.deploy.web.packages.package_files`.

    Returns:
        Bytes of all files.

    Raises:
        HnasError: the folder holds something else, a graph lacks what tiles need to know, a package cannot be had.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MODELS).is_file():
        raise HnasError(f"{folder} holds other files; name a new folder, or one with a page that hnas wrote")
    if folder.exists() and not folder.is_dir():
        raise HnasError(f"{folder} is a file; name a folder")
    models = [{"name": name, "file": f"{name}.onnx", **_footprint(path).as_dict()} for name, path in graphs.items()]
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        site = Path(made) / "site"
        shutil.copytree(_PAGE, site)
        for name, path in graphs.items():
            shutil.copyfile(path, site / f"{name}.onnx")
        (site / MODELS).write_text(json.dumps(models, indent=1) + "\n", encoding="utf-8")
        notes = []
        for package in PACKAGES:
            into = site / package.name
            into.mkdir()
            for name, content in package_files(package, packages).items():
                (into / name).write_bytes(content)
            notes.append(f"{package.name}/ is {package.specifier} of the npm registry, unchanged; {package.licence}.\n")
        (site / "LICENCES.txt").write_text("".join(notes), encoding="utf-8")
        site.chmod(0o755)  # it begins in a private folder
        if folder.exists():
            folder.rename(Path(made) / "before")
        site.rename(folder)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _footprint(path: Path) -> Footprint:
    footprint: Footprint = onnx_session(path)[1]["footprint"]
    return footprint
