"""What commands print: progress and tables for people on stderr, one JSON object on stdout."""

import json
import sys
from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.table import Table

console: Final = Console(stderr=True)


def say(text: str) -> None:
    """Tell a person what happens."""
    console.print(text, highlight=False)


def say_progress(text: str) -> None:
    """Tell a person what takes a while now."""
    console.print(f"[dim]… {text}[/]", highlight=False)


def print_json(value: Any) -> None:
    """Print a result for programs."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table for people."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("–" if cell is None else str(cell) for cell in row))
    console.print(table)


def rounded(value: float | None, digits: int = 1) -> float | None:
    """A figure with few digits; None stays None."""
    return None if value is None else round(value, digits)
