"""Progress of long proofs, for people."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cluster.output import console

KIBIBYTE = 1024


class PhaseBar:
    """One bar that says which phase of which proof runs."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._label = ""

    def begin(self, label: str) -> None:
        """Start over, under a label."""
        self._label = label
        self._progress.reset(self._task, description=label, total=1.0)

    def phase(self, name: str, fraction: float) -> None:
        """Say that a phase begins, and how much is done before it."""
        self._progress.update(self._task, description=f"{self._label}: {name}", completed=fraction)


@contextmanager
def phase_bar() -> Iterator[PhaseBar]:
    """Show a bar while the block runs; it leaves no line behind."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield PhaseBar(progress, progress.add_task("", total=1.0))


def peak_memory_bytes() -> int:
    """Most memory that this process has held at once."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * KIBIBYTE
