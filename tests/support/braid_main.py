"""The ``braid`` command in this process: what it prints, and its exit code."""

from __future__ import annotations

import signal
import sys
from typing import NamedTuple

import pytest

from cluster.cli import main


class Ended(NamedTuple):
    """Exit code, stdout, and stderr with single spaces between its words."""

    code: int
    stdout: str
    stderr: str


class BraidMain:
    """Runs commands one after another; SIGTERM's handler is put back at the end."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capture = capture

    def __call__(self, *arguments: str) -> Ended:
        """Run a command as a shell would."""
        handler = signal.getsignal(signal.SIGTERM)
        self._patch.setattr(sys, "argv", ["braid", *arguments])
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        output = self._capture.readouterr()
        return Ended(int(ended.value.code or 0), output.out, " ".join(output.err.split()))
