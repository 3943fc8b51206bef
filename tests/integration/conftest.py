import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from local_network import LocalNetwork


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[LocalNetwork]:
    """Four validators that are not started yet; a test that hides a failure of one fails."""
    local = LocalNetwork(tmp_path)
    yield local
    await local.stop()
    assert local.failures == []
