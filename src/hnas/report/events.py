"""A run's numbers as TensorBoard events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hnas.errors import HnasError


@contextmanager
def event_writer(folder: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Gives what writes every number of a line of the log, under its name, at the line's step.

    Args:
        folder: where the event files go.

    Raises:
        HnasError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise HnasError("--tensorboard needs TensorBoard: pip install 'hnas-sr[tensorboard]'") from error
    with ExitStack() as stack:
        writer: Any = None

        def write(line: Mapping[str, Any]) -> None:
            nonlocal writer
            if writer is None:  # Not before: a run refuses a folder that holds something else.
                writer = stack.enter_context(SummaryWriter(str(folder)))
            for name, value in numbers(line):
                writer.add_scalar(name, value, line["step"])

        yield write


def numbers(line: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a line by name, nested ones as ``entropy/normal``; its step, texts and lists are left out."""
    for name, value in line.items():
        if isinstance(value, Mapping):
            if name not in ("best", "genotype"):
                yield from numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool) and name != "step":
            yield f"{prefix}{name}", float(value)
