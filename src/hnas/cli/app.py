"""``hnas app``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from threading import Event
from typing import Annotated

from cyclopts import Parameter

from hnas.cli.options import Device
from hnas.errors import HnasError

#: What ends the app besides Ctrl-C: whoever runs it as a service, and a terminal that is closed.
_ENDS = ("SIGTERM", "SIGHUP")
_MOST_PORTS = 65_535


def app(
    models: Annotated[tuple[str, ...], Parameter(name="model", negative="")] = (),
    /,
    *,
    run: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    host: str = "127.0.0.1",
    port: int = 7860,
    max_megabytes: int = 40,
    max_megapixels: float = 8.0,
    max_seconds: float = 120.0,
    max_total_megabytes: int = 4000,
    max_waiting: int = 16,
    allow_host: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    open_browser: Annotated[bool, Parameter(negative="")] = False,
    device: Device = "cpu",
) -> None:
    """Enlarge pictures and explore searches in the browser; needs the extra hnas-sr[app].

    Runs until it is interrupted (Ctrl-C). Uploads and results are kept in a temporary folder that goes with it.

    Args:
        models: Weights files, run folders or names of bundled models to offer; all bundled models by default.
        run: Folder of a search to explore; may be given several times.
        host: Address to listen at; 127.0.0.1 is reached from this machine alone, 0.0.0.0 from every other one too.
        port: Port to listen at.
        max_megabytes: Largest file that is taken.
        max_megapixels: Largest picture that is taken.
        max_seconds: Longest time for one picture.
        max_total_megabytes: Most of all uploads and results together; the oldest go after some minutes.
        max_waiting: Most enlargements that wait for their turn; one is worked on at a time.
        allow_host: Another name that this machine is reached by, such as that of a proxy; may be given several times.
            Requests for other names, and those of other sites' pages, are refused.
        open_browser: Open the page at once.
    """
    from hnas.bundled import bundled_models
    from hnas.report.app import UploadLimits, serving

    if not 1 <= port <= _MOST_PORTS:
        raise HnasError(f"--port is {port}; allowed are 1 to {_MOST_PORTS}")
    for name in _ENDS:
        _goes_with_its_folder(name)
    limits = UploadLimits(max_megabytes, max_megapixels, max_seconds, max_total_megabytes, max_waiting)
    offered = {name: name for name in models} or bundled_models()
    with serving(
        offered,
        runs=run,
        host=host,
        port=port,
        limits=limits,
        device=device,
        open_browser=open_browser,
        allowed_hosts=allow_host,
    ) as address:
        if host not in ("127.0.0.1", "localhost", "::1"):
            print(f"hnas: note: every machine that reaches {host} can use this app", file=sys.stderr)
        print(f"{address} (Ctrl-C ends it)")
        sys.stdout.flush()
        Event().wait()


def _goes_with_its_folder(name: str) -> None:
    """Has a signal end this process as Ctrl-C does, unless it is ignored (``nohup``) or not there (Windows)."""
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_DFL:
        signal.signal(number, lambda *_: sys.exit(128 + number))
