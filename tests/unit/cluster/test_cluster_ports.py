"""Ports: free ones are found, and one that is taken is named before anything starts."""

import socket

import pytest

from cluster.dev_genesis import PortPlan
from cluster.errors import PortsTaken
from cluster.ports import free_ports, require_free


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_free_ports_are_different_and_can_be_listened_on():
    ports = free_ports(16)
    assert len(set(ports)) == 16
    require_free(ports)


def test_a_port_that_something_listens_on_is_named_with_what_to_do(taken_port):
    with pytest.raises(PortsTaken, match=f"port {taken_port} is in use") as caught:
        require_free([*free_ports(1), taken_port])
    assert "--rpc-port" in str(caught.value)


def test_a_port_is_free_again_right_after_its_listener_closed():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            listener.accept()[0].close()
    require_free([port])


@pytest.mark.parametrize("port", [0x10000, 70_000, -1])
def test_a_port_that_no_machine_has_is_an_error_of_ours(port):
    with pytest.raises(PortsTaken, match="no TCP port"):
        require_free([port])


def test_a_plan_counts_up_from_its_base():
    base = free_ports(1)[0] & ~0xF
    rpc, p2p = PortPlan(None, None).choose(4)
    assert len({*rpc, *p2p}) == 8
    assert PortPlan(base, base + 4).choose(0) == ([], [])


def test_a_plan_whose_ports_overlap_is_refused():
    base = _free_range(5)
    with pytest.raises(PortsTaken, match="both"):
        PortPlan(base, base + 3).choose(4)


def test_a_plan_with_a_taken_port_is_refused(taken_port):
    with pytest.raises(PortsTaken, match=str(taken_port)):
        PortPlan(taken_port, None).choose(1)


def _free_range(count: int) -> int:
    """First of some neighbouring ports that are all free."""
    for candidate in free_ports(64):
        try:
            require_free(range(candidate, candidate + count))
        except PortsTaken:
            continue
        return candidate
    raise AssertionError(f"no {count} neighbouring ports are free")
