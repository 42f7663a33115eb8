"""Files that are either whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from hnas.errors import HnasError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives the path of an empty file beside `path` to write to, and puts it in the place of `path` at the end.

    When anything fails inside, `path` is as it was before and nothing is left beside it. Missing folders are made.

    Raises:
        HnasError: the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    beside = path.with_name(f".{path.stem}-{uuid4().hex}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(exist_ok=False)
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise HnasError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
