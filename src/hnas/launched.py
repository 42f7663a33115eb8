"""One command as several processes, on one host or many: what its launcher (torchrun, srun) tells each of them."""

from __future__ import annotations

import io
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hnas.errors import HnasError

#: Seconds that a process which is not the first waits for the first to say what is wrong.
_WAIT = 30.0


@dataclass(frozen=True)
class Launched:
    """The processes that a launcher has started.

    Attributes:
        launcher: "torchrun" or "srun".
        hosts: how many hosts they are on.
        processes: on all hosts together.
        rank: of this one among them, from 0.
    """

    launcher: str
    hosts: int
    processes: int
    rank: int

    @property
    def on_each(self) -> int:
        """Processes on each host.

        Raises:
            HnasError: not the same number on each.
        """
        if self.processes % self.hosts:
            raise HnasError(
                f"{self.launcher} started {self.processes} processes on {self.hosts} hosts; allowed is the same number "
                f"on each: {line_to_type(self.launcher, self.hosts, -(-self.processes // self.hosts))}"
            )
        return self.processes // self.hosts


def launched() -> Launched | None:
    """The launcher that started this process with others; None where nothing did.

    A shell inside one task of SLURM, or a batch script that does not call srun, is one process.
    """
    says = os.environ
    if "TORCHELASTIC_RUN_ID" in says:
        hosts = int(says.get("GROUP_WORLD_SIZE", "1"))
        return Launched("torchrun", hosts, int(says["WORLD_SIZE"]), int(says["RANK"]))
    if "SLURM_STEP_ID" in says and int(says.get("SLURM_NTASKS", "1")) > 1:
        return Launched("srun", int(says["SLURM_NNODES"]), int(says["SLURM_NTASKS"]), int(says["SLURM_PROCID"]))
    return None


def line_to_type(launcher: str, hosts: int, on_each: int) -> str:
    """The command line that starts so many processes; with torchrun it is typed on every host."""
    if launcher == "srun":
        return f"srun --nodes {hosts} --ntasks-per-node {on_each} --kill-on-bad-exit hnas ..."
    meeting = "--standalone" if hosts == 1 else "--rdzv-backend c10d --rdzv-endpoint FIRST_HOST:29500"
    return f"torchrun --nnodes {hosts} --nproc-per-node {on_each} {meeting} -m hnas ..."


def is_first_process() -> bool:
    """Whether this process is the one that speaks and writes for all, those on other hosts included."""
    started = launched()
    return started.rank == 0 if started else os.environ.get("LOCAL_RANK", "0") == "0"


def refuse_several(command: str, advice: str) -> None:
    """For a command that is one process.

    Args:
        command: such as "hnas study".
        advice: how to have several at work.

    Raises:
        HnasError: a launcher started several.
    """
    started = launched()
    if started and started.processes > 1:
        raise HnasError(
            f"{started.launcher} started {started.processes} processes, and {command} is one, of which each would do "
            f"all; {advice}"
        )


@contextmanager
def first_speaks() -> Iterator[None]:
    """While this lasts only the first process prints, on stdout or stderr; tracebacks come out of all."""
    if is_first_process():
        yield
        return
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def left_to_the_first(message: str) -> str | None:
    """What a process says of a mistake: the first says it at once, another if the first had nothing to say.

    All processes meet the same mistake in most cases. Their launcher ends them once the first has left; one that is
    still there after half a minute met a mistake of its own, such as a folder that its host does not have.

    Returns:
        The message, with the host where another process says it; None where the first has left.
    """
    if is_first_process():
        return message
    return None if first_has_left(_WAIT) else f"on host {socket.gethostname()}: {message}"


def first_has_left(seconds: float) -> bool:
    """Waits for at most so long until what started this process, the first one or the launcher, is gone."""
    parent, until = os.getppid(), time.monotonic() + seconds
    while time.monotonic() < until:
        if os.getppid() != parent:
            return True
        time.sleep(0.05)
    return False
