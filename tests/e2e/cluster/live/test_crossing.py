"""Messages between the chains: with value, both ways, conserved; failed ones parked or returned."""

from typing import Any

import pytest
from braid_command import wait_until
from live_network import LiveNetwork

from cluster.chain_client import ChainClient, call_of
from cluster.dev_genesis import dev_account
from contracts.addresses import OWNERSHIP_ORACLE_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from ledger.types import ChainRole

GAS = 100_000
UNCALLABLE = {ChainRole.FAST: OWNERSHIP_ORACLE_ADDRESS, ChainRole.ZK: ROUND_GUARD_ADDRESS}
"""Contracts that revert on data that names none of their functions."""

DIRECTIONS = pytest.mark.parametrize(
    "source", list(ChainRole), ids=lambda role: f"from {role.name}"
)


class Crossing:
    """Both Portals, at different nodes."""

    def __init__(self, network: LiveNetwork, source: ChainRole) -> None:
        self.network = network
        self.source = source
        self.here = network.client(0, source)
        self.there = network.client(2, source.other)

    def portal(self, client: ChainClient) -> Any:
        return client.contract("Portal", PORTAL_ADDRESS)

    def send(self, sender: Any, target: bytes, data: bytes = b"", value_wei: int = 0) -> int:
        """Send a message; gives its nonce once the other chain has consumed it."""
        sending = self.portal(self.here).functions.send(target, GAS, data)
        receipt = self.here.send(call_of(sender, sending, value_wei))
        (sent,) = self.portal(self.here).events.MessageSent().process_receipt(receipt)
        nonce: int = sent["args"]["nonce"]
        consumed = self.portal(self.there).functions.next_inbound_nonce()
        wait_until(lambda: consumed.call() > nonce, f"the delivery of message {nonce}")
        return nonce

    def locked_wei(self) -> int:
        """What the ZK chain's Portal counts as being on the fast chain."""
        zk = self.here if self.source is ChainRole.ZK else self.there
        locked: int = self.portal(zk).functions.locked_wei().call()
        return locked


@DIRECTIONS
def test_value_crosses_and_is_conserved(network: LiveNetwork, source: ChainRole) -> None:
    crossing = Crossing(network, source)
    receiver = bytes([0xC0 + source]) * 20
    amount_wei = 12_345
    locked_before = crossing.locked_wei()
    before = crossing.there.web3.eth.get_balance(receiver)
    crossing.send(dev_account(20), receiver, value_wei=amount_wei)
    assert crossing.there.web3.eth.get_balance(receiver) == before + amount_wei
    change_wei = amount_wei if source is ChainRole.ZK else -amount_wei
    assert crossing.locked_wei() == locked_before + change_wei
    bounds = {
        network.rpc(node).result("braid_getLossBound")["locked_wei"]
        for node in range(network.count)
    }
    assert bounds == {str(locked_before + change_wei)}


@DIRECTIONS
def test_a_call_that_reverts_is_parked_and_blocks_nothing(
    network: LiveNetwork, source: ChainRole
) -> None:
    crossing = Crossing(network, source)
    sender = dev_account(21)
    parked = crossing.send(sender, UNCALLABLE[source.other], b"\xff\xff\xff\xff")
    behind = crossing.send(sender, bytes([0xD0]) * 20, value_wei=1)
    assert behind > parked
    portal = crossing.portal(crossing.there)
    assert portal.functions.parked_hash(parked).call() != bytes(32)
    assert portal.functions.parked_hash(behind).call() == bytes(32)
    (log,) = portal.events.MessageParked().get_logs(
        from_block=0, argument_filters={"nonce": parked}
    )
    assert log["args"]["nonce"] == parked


@DIRECTIONS
def test_value_in_a_call_that_reverts_returns_to_its_sender(
    network: LiveNetwork, source: ChainRole
) -> None:
    crossing = Crossing(network, source)
    sender = dev_account(22)
    locked_before = crossing.locked_wei()
    nonce = crossing.send(sender, UNCALLABLE[source.other], b"\xff\xff\xff\xff", value_wei=777)
    events = crossing.portal(crossing.here).events
    (returned,) = wait_until(
        lambda: events.ValueReturned().get_logs(
            from_block=0, argument_filters={"original_nonce": nonce}
        ),
        "the value's return",
    )
    assert returned["args"]["value_wei"] == 777
    assert returned["args"]["receiver"] == sender.address
    assert returned["args"]["is_paid"]
    assert crossing.locked_wei() == locked_before


def test_nothing_ever_asked_for_more_than_was_locked(network: LiveNetwork) -> None:
    zk = network.client(1, ChainRole.ZK)
    portal = zk.contract("Portal", PORTAL_ADDRESS)
    assert portal.functions.conservation_violations().call() == 0
    held = zk.web3.eth.get_balance(portal.address)
    claimable = portal.functions.claimable_total_wei().call()
    assert held >= portal.functions.locked_wei().call() + claimable
