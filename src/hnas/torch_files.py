"""Files that ``torch.save`` wrote: tensors and plain values. Nothing in them is run, and nothing is inflated."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hnas.errors import HnasError


def read_torch(path: Path) -> Any:
    """What a file of ``torch.save`` holds, on the CPU.

    A file of torch's is never compressed, and every tensor has its numbers in it: one that would take more memory than
    disk is refused. Its own checksums are compared.

    Raises:
        HnasError: the file is damaged, compressed, or holds more than tensors and plain values.
    """
    try:
        if zipfile.is_zipfile(path):
            _refuse_damaged(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old files name storage classes that torch has since renamed
            value = torch.load(path, map_location="cpu", weights_only=True)
        most = path.stat().st_size
        if any(tensor.numel() * tensor.element_size() > most for tensor in tensors_in(value)):
            raise HnasError("a tensor is larger than the file")
    except (Exception, MemoryError) as error:  # a damaged file raises anything, from EOFError to UnpicklingError
        raise HnasError(
            f"{path}: damaged, or holds more than tensors and plain values, which could run code "
            f"({(str(error).strip().splitlines() or [type(error).__name__])[0][:200]})"
        ) from error
    return value


def _refuse_damaged(path: Path) -> None:
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise HnasError("it is compressed, which torch's files are not")
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise HnasError("its parts are larger than the file")
        if (damaged := file.testzip()) is not None:
            raise HnasError(f"the checksum of {damaged} is another")


def tensors_in(value: object) -> Iterator[Tensor]:
    """All tensors within lists, tuples and mappings."""
    waiting, seen = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if isinstance(one, Tensor):
            yield one
        elif isinstance(one, dict | list | tuple) and id(one) not in seen:
            seen.add(id(one))  # a list may hold itself
            waiting += one.values() if isinstance(one, dict) else one
