"""Tables on standard output: fitted to a terminal, never broken into lines for a pipe."""

import sys

from rich.console import Console
from rich.table import Table

__all__ = ["count_of", "print_table"]

_PIPE_WIDTH = 10_000


def count_of(number: int, noun: str) -> str:
    """Return a number of things: `1 phone`, `2 phones`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def print_table(table: Table) -> None:
    """Print `table`; a row is one line where nobody sits at a terminal."""
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)
