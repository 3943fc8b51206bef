"""Makes the folder's helpers importable, and four namespaces."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from namespaces import Namespaces


@pytest.fixture
def namespaces(tmp_path: Path) -> Iterator[Namespaces]:
    """Four validators, each in a network namespace of its own, connected and in agreement."""
    if shutil.which("ip") is None or shutil.which("tc") is None:
        pytest.skip("needs ip and tc (iproute2)")
    network = Namespaces(tmp_path)
    network.start()
    try:
        network.wait_for_growth(5)
        yield network
        assert network.problems == []
    finally:
        network.stop()
