"""``hnas data``: the public sets."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from hnas.cli.options import Json
from hnas.cli.progress import picture_progress, transfer_progress
from hnas.errors import HnasError

data = App(
    name="data", help="The public sets that papers use: which there are, how to get them, whether they are whole."
)

To = Annotated[Path | None, Parameter(name="--to", help="The data folder; by default $HNAS_DATA, else ./data.")]


@data.command(name="list")
def list_sets(*, to: To = None, json: Json = False) -> None:
    """List the known sets and where they lie."""
    from rich.table import Table

    from hnas.cli.tables import print_tables
    from hnas.data.download import is_here
    from hnas.data.known_sets import KNOWN_SETS, data_folder

    root = to or data_folder()
    rows = [
        {
            "name": known.name,
            "pictures": known.pictures,
            "about": known.about,
            "from": known.archive.url if known.archive else None,
            "folder": str(root / known.folder),
            "here": is_here(known, root),
        }
        for known in KNOWN_SETS.values()
    ]
    if json:
        print(json_module.dumps(rows, indent=2))
        return
    table = Table("Name", "Pictures", "What it is", "Here", caption=f"The data folder is {root}.")
    for row in rows:
        table.add_row(str(row["name"]), str(row["pictures"]), str(row["about"]), "yes" if row["here"] else "")
    print_tables(table)


@data.command
def get(
    names: Annotated[tuple[str, ...], Parameter(name="name", negative="")],
    /,
    *,
    to: To = None,
    lr: Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative="")] = (),
    keep_archives: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Download sets, check them and unpack them.

    An interrupted transfer goes on with the same command. Set5, Set14, B100 and Urban100 come in one archive.

    Args:
        names: Of sets, as `hnas data list` shows them.
        lr: For DIV2K, also get the published low-resolution pictures of these scales (2, 3, 4); without them, the same
            pictures are made when they are needed.
        keep_archives: Keep the archives too.
    """
    from hnas.data.download import get_set
    from hnas.data.known_sets import data_folder, known_set

    if wrong := [scale for scale in lr if scale not in (2, 3, 4)]:
        raise HnasError(f"--lr is {wrong[0]}; allowed are 2, 3 and 4")
    wanted = [known_set(name) for name in names]
    with transfer_progress() as progress:
        for known in wanted:
            folder = get_set(known, to or data_folder(), lr_scales=lr, keep_archives=keep_archives, progress=progress)
            print(f"{known.name}: {folder}")


@data.command
def check(path: str, /, *, json: Json = False) -> int:
    """Check that every picture is there and whole, and that low-resolution pictures fit.

    Exit status 1 says that something is wrong with the pictures.

    Args:
        path: A folder with pictures or with sets, or the name of a set in the data folder.
    """
    from hnas.data.check import check_set
    from hnas.data.folders import find_pictures, find_sets
    from hnas.data.known_sets import locate_set

    checks = []
    with picture_progress() as begin:
        for found in find_sets(locate_set(path)):
            checks.append(check_set(found, begin(found.name, len(find_pictures(found.hr)))))
    if json:
        print(json_module.dumps([asdict(checked) for checked in checks], indent=2))
    else:
        for checked in checks:
            print(f"{checked.name}: {checked.pictures} pictures, {'whole' if not checked.problems else 'not whole'}")
            for scale, small in checked.lr.items():
                print(f"  x{scale}: {small.pictures} low-resolution pictures, {small.identical} as MATLAB's bicubic")
            for problem in checked.problems:
                print(f"  {problem}")
    return int(any(checked.problems for checked in checks))
