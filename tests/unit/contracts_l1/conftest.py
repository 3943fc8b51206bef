"""Fixtures of the tests of the contracts on L1."""

import pytest

from tests.support.rollup_world import RollupWorld


@pytest.fixture
def world() -> RollupWorld:
    """The deployed contracts, and a ZK chain right after its genesis."""
    return RollupWorld()
