"""One network of four nodes for all tests of this folder."""

from collections.abc import Iterator

import pytest
from live_network import LiveNetwork

from cluster.launcher import silent
from cluster.session import temporary_network


@pytest.fixture(scope="package")
def network() -> Iterator[LiveNetwork]:
    """Four nodes on this machine's Ray, connected and in agreement."""
    with temporary_network(4, silent) as session:
        network = LiveNetwork(session)
        network.wait_until_agree()
        yield network


@pytest.fixture(autouse=True)
def agreement(network: LiveNetwork) -> Iterator[None]:
    """After whatever a test has done, all nodes still agree and go on."""
    yield
    network.wait_until_agree()
