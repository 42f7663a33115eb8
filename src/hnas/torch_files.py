"""Files that ``torch.save`` wrote: tensors and plain values. Nothing in them is run, and nothing is inflated."""

from __future__ import annotations

import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from hnas.errors import HnasError

#: Bytes of values beside tensors, over half of a file: what a small state has of names.
_VALUES_BESIDE = 1 << 16
#: The mark of a folder in a zip file (APPNOTE 4.4.15, MS-DOS): torch leaves the memory of such a part unread.
_FOLDER = 0x10
#: In the format before torch 1.6: how many streams of values come before the numbers, and operations in them.
_PICKLES, _MAX_OPCODES = 5, 200_000
#: What plain values and tensors with numbers of their own are made of. Torch allows more: what makes any amount of
#: memory of a number (``bytearray``, a tensor that is copied to a device), and tensors of which weights have none.
_NAMES = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor|tensor_v2|parameter)|(__builtin__|builtins) set|"
    r"_codecs encode|torch (\w+Storage|Size|device|b?float\d+|u?int\d+|bool)"
)


def read_torch(path: Path) -> Any:
    """What a file of ``torch.save`` holds, on the CPU.

    A file of torch's is never compressed, and every tensor has its numbers in it: one that would take more memory than
    disk is refused. Its own checksums are compared.

    Raises:
        HnasError: the file is damaged, compressed, or holds more than tensors and plain values.
    """
    try:
        (_refuse_archive if zipfile.is_zipfile(path) else _refuse_stream)(path)
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


def _refuse_archive(path: Path) -> None:
    """Raises HnasError for an archive that is damaged, compressed, or mostly values that are no tensors."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise HnasError("it is compressed, which torch's files are not")
        if any(member.external_attr & _FOLDER for member in members):
            raise HnasError("a part of it is a folder, which torch would not read")
        if sum(member.file_size for member in members) > size:
            raise HnasError("its parts are larger than the file")
        for member in members:
            if member.filename.endswith("/data.pkl"):
                if member.file_size > size // 2 + _VALUES_BESIDE:
                    raise HnasError("most of it is no tensor")
                _refuse_names(BytesIO(file.read(member)))
        if (damaged := file.testzip()) is not None:
            raise HnasError(f"the checksum of {damaged} is another")


def _refuse_stream(path: Path) -> None:
    """Raises HnasError for a file of the format before torch 1.6 with more values than weights files have."""
    with path.open("rb") as file:
        left = _MAX_OPCODES
        for _ in range(_PICKLES):
            left -= _refuse_names(file, left)


def _refuse_names(values: BinaryIO, most: int | None = None) -> int:
    """Raises HnasError for values of more than tensors and plain values; gives the number of operations.

    Args:
        values: a stream of pickle's.
        most: operations; any number where it is None.
    """
    count = 0
    for count, (opcode, argument, _) in enumerate(pickletools.genops(values), start=1):
        if most is not None and count > most:
            raise HnasError("it has more values than weights files have")
        if opcode.name in ("GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4") and not (
            opcode.name == "GLOBAL" and _NAMES.fullmatch(str(argument))
        ):
            raise HnasError(f"it has {str(argument or opcode.name)[:100]!r}")
    return count


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
