"""The folder's own modules made importable."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from probe import shared_probe


@pytest.fixture(scope="session", autouse=True)
def _probe_is_closed() -> Iterator[None]:
    """The engine goes before the interpreter does."""
    yield
    shared_probe.cache_clear()
