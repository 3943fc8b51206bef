"""Fixtures of the contract tests, and the folder's own modules made importable."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from contract_world import L1_CHAIN_ID, World, new_world


@pytest.fixture
def world() -> World:
    """Return two chains right after genesis."""
    return new_world()


@pytest.fixture
def settled() -> World:
    """Return two chains right after genesis, the ZK chain with an L1."""
    return new_world(L1_CHAIN_ID)
