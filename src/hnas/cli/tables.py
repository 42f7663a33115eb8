"""Printing tables."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

#: Columns of a file or pipe, which has no width: no table is wrapped or cut.
_UNLIMITED = 1000


def print_tables(*tables: Table) -> None:
    """Prints tables to stdout, fitted to the terminal; into a file or pipe, as wide as they are."""
    console = Console()
    if not console.is_terminal:
        console.width = _UNLIMITED
    for table in tables:
        console.print(table)
