"""The command ``hnas``."""

from __future__ import annotations

import sys

import cyclopts

from hnas import __version__

app = cyclopts.App(name="hnas", version=__version__)


def main() -> int:
    """Runs the command line and returns the exit status."""
    app(sys.argv[1:])
    return 0
