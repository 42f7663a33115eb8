"""Graphs timed by one runtime on one picture, each loaded anew for its turn. No torch, unless torch is the runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hnas.bounds import refuse_below, refuse_unlisted
from hnas.deploy.running.runtimes import (
    BackendName,
    Floats,
    Precision,
    Run,
    open_session,
    refuse_precision,
    runtime_version,
)
from hnas.deploy.timing.turns import medians_in_turns
from hnas.errors import HnasError
from hnas.machine import default_threads, most_threads, processor
from hnas.memory import keep_memory

#: What a runtime runs: an ``.onnx`` file or its bytes; for torch, what gives the network ready to run.
Graph = Path | bytes | Callable[[], Run]


@dataclass(frozen=True)
class Machine:
    """What times are of, enough to tell whether two belong together.

    Attributes:
        backend: what runs the networks.
        threads: of one picture, on the CPU.
        lr_size: (height, width) of the low-resolution picture in pixels.
        precision: what the runtime computes in.
        device: the CPU; torch runs on others too, such as ``cuda:0``.

    Raises:
        HnasError: a value outside its bounds, or a precision that the runtime does not have here.
    """

    backend: BackendName = "onnx"
    threads: int = default_threads()
    lr_size: tuple[int, int] = (360, 640)
    precision: Precision = "f32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        refuse_unlisted(self)
        refuse_precision(self.backend, self.precision)
        refuse_below(1, self, "threads")
        if self.device != "cpu" and self.backend != "torch":
            raise HnasError(f"the device is {self.device!r}; {self.backend} runs on the CPU, so use cpu or torch")

    @property
    def size(self) -> str:
        """HEIGHTxWIDTH of the low-resolution picture."""
        return "x".join(map(str, self.lr_size))

    @property
    def runtime(self) -> str:
        """The runtime and its version.

        Raises:
            HnasError: it is not installed.
        """
        return runtime_version(self.backend)

    @property
    def processor(self) -> str:
        """The processor and its vector units; of another device its name."""
        if self.device.startswith("cuda"):
            import torch

            return torch.cuda.get_device_name(self.device)
        return processor() if self.device == "cpu" else f"{self.device} of {processor()}"

    @property
    def words(self) -> str:
        """All but the processor in a few words."""
        runtime = self.runtime if self.precision == "f32" else f"{self.runtime} in {self.precision}"
        where = f"{self.threads} thread{'s' if self.threads > 1 else ''}" if self.device == "cpu" else self.device
        return f"{self.size} with {runtime}, {where}"

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            **asdict(self),
            "lr_size": list(self.lr_size),
            "runtime": self.runtime,
            "processor": self.processor,
        }


def this_machine(
    backend: BackendName,
    threads: int | None,
    lr_size: tuple[int, int],
    *,
    device: str = "cpu",
    option: str = "--threads",
) -> Machine:
    """What times networks here; refuses what it lacks before anything is timed.

    Args:
        backend: what runs the networks.
        threads: None for the usual ones (:func:`hnas.machine.default_threads`).
        lr_size: (height, width) of the low-resolution picture in pixels.
        device: see :class:`Machine`.
        option: what a person calls the threads.

    Raises:
        HnasError: more threads than there are, or a runtime that is not installed.
    """
    if threads is not None and not 1 <= threads <= most_threads():
        raise HnasError(f"{option} is {threads}; allowed on this machine are 1 to {most_threads()}")
    machine = Machine(backend, threads or default_threads(), lr_size, device=device)
    machine.runtime  # noqa: B018 - says what is not installed
    return machine


class Stopwatch:
    """Milliseconds of one picture by name.

    Args:
        machine: what runs it, and on which size.
        graphs: by name.
    """

    def __init__(self, machine: Machine, graphs: Mapping[str, Graph]) -> None:
        self._machine, self._graphs = machine, graphs
        self._picture = np.random.default_rng(0).random((1, 3, *machine.lr_size), np.float32)
        keep_memory()  # as what runs a network for long comes to do by itself

    def turn(self, name: str) -> float:
        """Loads one, runs it once unseen and once timed, and lets it go: ms of the timed run.

        None stays loaded during the turns of others, whose time the waiting threads of its runtime would take.
        """

        def make() -> Callable[[], Floats]:
            return partial(self._load(name), self._picture)

        with self._threads():
            return 1e3 * medians_in_turns({name: make}, rounds=1)[name]

    def _threads(self) -> AbstractContextManager[None]:
        """Sessions have threads of their own, torch has those of the process."""
        if self._machine.backend != "torch":
            return nullcontext()
        from hnas.deploy.running.torch_backend import torch_threads

        return torch_threads(self._machine.threads)

    def _load(self, name: str) -> Run:
        graph = self._graphs[name]
        if callable(graph):
            return graph()
        machine = self._machine
        return open_session(machine.backend, graph, threads=machine.threads, precision=machine.precision)[0]
