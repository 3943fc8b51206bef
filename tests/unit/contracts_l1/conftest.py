"""Fixtures of the tests of the contracts on L1, and the folder's own modules made importable."""

import sys
from pathlib import Path

import pytest

from tests.support.rollup_world import RollupWorld

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def world() -> RollupWorld:
    """The deployed contracts, and a ZK chain right after its genesis."""
    return RollupWorld()
