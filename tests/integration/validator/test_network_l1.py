"""L1's queue reaches the ZK chain: checked by every validator against its own view of L1."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from crossing import view
from local_l1 import DEPOSITOR, LocalL1
from local_network import LocalNetwork, transfer

from actors.validator.block_tree import TreeBlock
from actors.validator.inspection import NodeInspector
from consensus.effects import RequestProposal
from contracts.addresses import PORTAL_ADDRESS
from ledger.block import LedgerBlock, body_digest, seal
from ledger.crossing import Message
from ledger.types import ChainRole, Digest

LIAR = 3
HONEST = (0, 1, 2)
RECEIVER = bytes.fromhex("12" * 20)
RECEIVER_HEX = "0x" + RECEIVER.hex()


@pytest.fixture
def l1() -> LocalL1:
    return LocalL1()


@pytest.fixture
async def network(tmp_path: Path, l1: LocalL1) -> AsyncIterator[LocalNetwork]:
    """Four validators with a view of one L1 each."""
    local = LocalNetwork(tmp_path, l1=l1)
    yield local
    await local.stop()
    assert local.failures == []


def ordered(network: LocalNetwork, index: int) -> list[Message]:
    """Entries of L1 on a node's final ledger, in its order."""
    return [
        message
        for block in network.nodes[index].archive.ordered_from(1)
        for message in block.sealed.body.l1_messages
    ]


def delivered(network: LocalNetwork, index: int) -> list[Message]:
    """Entries of L1 that a node's final ledger delivers, in its order."""
    return [
        delivery.message
        for block in network.nodes[index].archive.ordered_from(1)
        for delivery in block.work.l1_deliveries
    ]


async def all_delivered(network: LocalNetwork, l1: LocalL1, *indices: int) -> None:
    nodes = indices or tuple(network.nodes)
    await network.wait_until(
        lambda: all(
            network.nodes[index].final_state.next_l1_nonce == len(l1.queue)
            and not network.nodes[index].final_state.pending_l1
            for index in nodes
        )
    )
    for index in nodes:
        assert ordered(network, index) == l1.queue
        assert delivered(network, index) == l1.queue


async def test_entries_are_on_the_ledger_and_delivered_once_and_in_order(
    network: LocalNetwork, l1: LocalL1
) -> None:
    l1.deposit(RECEIVER, 5)
    await network.start()
    await network.wait_for_height(5)
    for value in range(3):
        l1.deposit(RECEIVER, value)
        l1.force(b"no transaction at all")
    await all_delivered(network, l1)
    status = NodeInspector(network.nodes[0]).status()["l1"]
    assert (status["next_l1_nonce"], status["entries_waiting"]) == (7, 0)


async def test_a_ledger_block_shows_its_entries(network: LocalNetwork, l1: LocalL1) -> None:
    await network.start()
    entry = l1.deposit(RECEIVER, 5)
    await all_delivered(network, l1)
    node = network.nodes[0]
    shown = [
        found
        for height in range(1, node.archive.height + 1)
        if (block := NodeInspector(node).ledger_block(height)) is not None
        for found in block["l1_messages"]
    ]
    assert [found["sender"] for found in shown] == ["0x" + DEPOSITOR.hex()]
    assert [found["nonce"] for found in shown] == [entry.nonce]


async def test_a_validator_that_is_behind_takes_part_and_ends_up_with_the_same(
    network: LocalNetwork, l1: LocalL1
) -> None:
    network.views[0].confirmed = 0
    await network.start()
    for value in range(5):
        l1.deposit(RECEIVER, value)
    await all_delivered(network, l1)
    await network.wait_for_growth(8)
    assert ordered(network, 0) == l1.queue


async def test_where_too_many_are_behind_deposits_wait_and_the_ledger_goes_on(
    network: LocalNetwork, l1: LocalL1
) -> None:
    for index in (1, 2, 3):
        network.views[index].is_away = True
    await network.start()
    l1.deposit(RECEIVER, 5)
    came_to_nothing = "own proposal with entries of L1 came to nothing"
    await network.wait_until(lambda: network.nodes[0].l1.rejected[came_to_nothing] > 0)
    await network.wait_for_growth(10)
    assert ordered(network, 1) == []
    network.views[2].confirmed = 0
    for index in (1, 2, 3):
        network.views[index].is_away = False
    await all_delivered(network, l1)


async def test_a_network_that_lost_its_l1_goes_on_and_finds_it_again(
    network: LocalNetwork, l1: LocalL1
) -> None:
    await network.start()
    l1.deposit(RECEIVER, 5)
    await all_delivered(network, l1)
    for seen in network.views.values():
        seen.is_away = True
    l1.deposit(RECEIVER, 6)
    await network.wait_for_growth(10)
    assert len(ordered(network, 0)) == 1
    for seen in network.views.values():
        seen.is_away = False
    await all_delivered(network, l1)


async def test_the_queue_survives_the_death_of_all_nodes(
    network: LocalNetwork, l1: LocalL1
) -> None:
    await network.start()
    l1.deposit(RECEIVER, 5)
    await all_delivered(network, l1)
    await network.kill()
    l1.force(b"raw")
    l1.deposit(RECEIVER, 6)
    await network.start()
    await all_delivered(network, l1)


# WHAT ARRIVES


async def balance_everywhere(network: LocalNetwork, wei: int) -> None:
    await network.wait_until(
        lambda: all(
            network.balance(index, ChainRole.ZK, RECEIVER_HEX) == wei for index in network.nodes
        )
    )


async def test_a_deposit_reaches_its_account_on_all_validators(
    network: LocalNetwork, l1: LocalL1
) -> None:
    await network.start()
    l1.deposit(RECEIVER, 10**18)
    l1.deposit(RECEIVER, 5)
    await balance_everywhere(network, 10**18 + 5)
    number = max(node.final_state.zk.number for node in network.nodes.values())
    await network.wait_for_execution(ChainRole.ZK, number)
    roots = {tuple(network.state_roots(index, ChainRole.ZK, number)) for index in network.nodes}
    assert len(roots) == 1
    for index in network.nodes:
        taken = view(network, index, ChainRole.ZK, PORTAL_ADDRESS, "next_l1_nonce()")
        assert taken == 2


async def test_a_deposit_arrives_while_the_fast_chain_is_cut_off(
    network: LocalNetwork, l1: LocalL1
) -> None:
    await network.start()
    for index in HONEST:
        node = network.nodes[index]
        node.operators.vote_quarantine(node.final_state, "test")
    await network.wait_until(
        lambda: all(node.final_state.quarantine.is_active for node in network.nodes.values())
    )
    l1.deposit(RECEIVER, 7)
    l1.force(raw_transfer(0, 0, value_wei=3))
    await balance_everywhere(network, 10)
    assert network.nodes[0].final_state.quarantine.is_active


async def test_a_forced_transaction_runs_although_every_leader_censors(
    network: LocalNetwork, l1: LocalL1
) -> None:
    await network.start()
    for node in network.nodes.values():
        node.pools.pools[ChainRole.ZK].take = lambda *_: []  # type: ignore[method-assign]
    network.submit(0, ChainRole.ZK, ["0x" + raw_transfer(0, 0, value_wei=3).hex()])
    await network.wait_for_growth(10)
    assert network.balance(0, ChainRole.ZK, RECEIVER_HEX) == 0

    raws = [raw_transfer(0, nonce, value_wei=3) for nonce in range(3)]
    for raw in raws:
        l1.force(raw)
    await balance_everywhere(network, 9)
    await all_delivered(network, l1)
    forcing = [
        block.work.forced_transactions
        for block in network.nodes[1].archive.ordered_from(1)
        if block.work.forced_transactions
    ]
    assert forcing == [(raw,) for raw in raws]
    # The mempools hear of it: what they held is used up.
    await network.wait_until(
        lambda: all(
            node.pools.pools[ChainRole.ZK].status().transaction_count == 0
            for node in network.nodes.values()
        )
    )


async def test_a_node_that_comes_back_executes_what_was_forced_in_meanwhile(
    network: LocalNetwork, l1: LocalL1
) -> None:
    await network.start()
    await network.stop(2)
    l1.force(raw_transfer(0, 0, value_wei=3))
    l1.force(b"no transaction at all")
    l1.force(raw_transfer(0, 1, value_wei=4))
    await balance_everywhere(network, 7)
    await network.start(2)
    await balance_everywhere(network, 7)
    number = network.nodes[0].final_state.zk.number
    await network.wait_for_execution(ChainRole.ZK, number)
    roots = {tuple(network.state_roots(index, ChainRole.ZK, number)) for index in network.nodes}
    assert len(roots) == 1


def raw_transfer(account: int, nonce: int, value_wei: int) -> bytes:
    raw = transfer(ChainRole.ZK, account, nonce, to=RECEIVER_HEX, value_wei=value_wei)
    return bytes.fromhex(raw[2:])


# A LEADER THAT LIES

Lie = Callable[[tuple[Message, ...]], tuple[Message, ...]]


def invent(entries: tuple[Message, ...]) -> tuple[Message, ...]:
    """One more than L1 has."""
    return (*entries, replace(entries[-1], nonce=entries[-1].nonce + 1, value_wei=10**18))


def enrich(entries: tuple[Message, ...]) -> tuple[Message, ...]:
    return (replace(entries[0], value_wei=entries[0].value_wei + 1), *entries[1:])


def skip(entries: tuple[Message, ...]) -> tuple[Message, ...]:
    """All but the first, with the nonces that the ledger asks for."""
    renamed = [replace(later, nonce=later.nonce - 1) for later in entries[1:]]
    return tuple(renamed)


def reorder(entries: tuple[Message, ...]) -> tuple[Message, ...]:
    first, second = entries[:2]
    swapped = (replace(second, nonce=first.nonce), replace(first, nonce=second.nonce))
    return (*swapped, *entries[2:])


def lie(network: LocalNetwork, change: Lie) -> list[Digest]:
    """Have the liar propose other entries than L1's; gives the proposals as they are made."""
    node = network.nodes[LIAR]
    honest_build = node.proposer.build
    made: list[Digest] = []

    async def build(request: RequestProposal) -> TreeBlock:
        honest = await honest_build(request)
        body = honest.sealed.body
        if len(body.l1_messages) < 2:
            return honest
        changed = replace(body, l1_messages=change(body.l1_messages))
        header = replace(honest.sealed.header, body=body_digest(changed))
        lying = node.tree.check(seal(LedgerBlock(header, changed)), node.index)
        made.append(lying.digest)
        return lying

    node.proposer.build = build  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize("change", [invent, enrich, skip, reorder])
async def test_entries_that_are_not_l1s_are_never_final_and_l1s_arrive_after_them(
    network: LocalNetwork, l1: LocalL1, change: Lie
) -> None:
    await network.start()
    await network.wait_for_height(4)
    made = lie(network, change)
    # The honest leaders hear of the deposits only when the liar has tried.
    block_honest_leaders(network)
    for value in range(1, 4):
        l1.deposit(RECEIVER, value)
    await network.wait_until(lambda: bool(made))
    refusal = "payload ahead of L1" if change is invent else "invalid payload: OtherThanL1"
    await network.wait_until(
        lambda: all(
            any(found.startswith(refusal) for found in network.rejected(index, "payloads"))
            for index in HONEST
        )
    )
    release_honest_leaders(network)
    await all_delivered(network, l1, *HONEST)
    final = set(network.digests(0, network.height(*HONEST)))
    assert final.isdisjoint(made)


def block_honest_leaders(network: LocalNetwork) -> None:
    for index in HONEST:
        network.nodes[index].l1.available = lambda first_nonce: ()  # type: ignore[method-assign]


def release_honest_leaders(network: LocalNetwork) -> None:
    for index in HONEST:
        del network.nodes[index].l1.available  # type: ignore[attr-defined]
