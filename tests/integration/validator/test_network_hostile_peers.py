"""A peer that sends what it should not, on every channel: counted, bounded, without effect."""

from dataclasses import replace

import pytest
from local_network import LocalNetwork, transfer

from actors.messages import HistoryRequest, HistoryResponse, PayloadRequest, TransactionBatch
from actors.transport.interface import Channel
from actors.validator.checkpoints import MAX_WAITING_PER_PEER
from actors.validator.payloads import MAX_UNCHECKED_PER_PEER
from ledger.block import LedgerBlock, seal
from ledger.codec import encode
from ledger.crossing import Attestation, Checkpoint
from ledger.types import (
    BlsSignature,
    ChainRole,
    Digest,
    Ed25519Signature,
    EvmHash,
    Height,
    ValidatorIndex,
    View,
)
from ledger.votes import Notarize, Proposal, signed_message
from storage.errors import StorageFullError

HOSTILE = 3
HONEST = (0, 1, 2)
PARTS = {
    Channel.CONSENSUS: "consensus",
    Channel.ATTESTATION: "attestations",
    Channel.TRANSACTIONS: "transactions",
    Channel.PAYLOAD: "payloads",
    Channel.BACKFILL: "backfill",
}


def flood(network: LocalNetwork, channel: Channel, payload: bytes) -> None:
    for index in HONEST:
        network.inject(HOSTILE, index, channel, payload)


def notarize(network: LocalNetwork, view: int, payload: bytes, signer: int = HOSTILE) -> Notarize:
    proposal = Proposal(network.genesis.epoch, View(view), View(view - 1), Digest(payload))
    message = signed_message(Notarize, network.nodes[0].validators.digest, proposal)
    return Notarize(proposal, ValidatorIndex(signer), network.keys[HOSTILE].consensus.sign(message))


@pytest.mark.parametrize("channel", list(Channel))
async def test_malformed_messages_are_counted_and_change_nothing(
    network: LocalNetwork, channel: Channel
) -> None:
    await network.start(*HONEST)
    junk = [b"\x00", b"\xc1", b"\xff" * 1000, b"\x92" * 60_000, b"\xdd\xff\xff\xff\xff", b"a" * 9]
    for payload in junk:
        flood(network, channel, payload)
    await network.wait_until(
        lambda: all(
            sum(network.rejected(index, PARTS[channel]).values()) >= len(junk) for index in HONEST
        )
    )
    await network.wait_for_growth(5)


async def test_votes_in_another_name_or_with_a_wrong_signature_are_counted(
    network: LocalNetwork,
) -> None:
    await network.start(*HONEST)
    await network.wait_for_height(2)
    view = max(node.view for node in network.nodes.values()) + 2
    genuine = notarize(network, view, b"\x05" * 32)
    foreign = replace(genuine, signer=ValidatorIndex(1))
    flood(network, Channel.CONSENSUS, encode(foreign))
    # It is held until it could complete a quorum, or evidence: so two that conflict.
    wrong = replace(genuine, signature=Ed25519Signature(bytes(64)))
    other = notarize(network, view, b"\x06" * 32)
    flood(network, Channel.CONSENSUS, encode(wrong))
    flood(network, Channel.CONSENSUS, encode(other))
    await network.wait_until(
        lambda: all(
            "sent a vote in another validator's name" in network.rejected(index, "consensus")
            for index in HONEST
        )
    )
    await network.wait_for_growth(10)
    for node in network.nodes.values():
        assert node.final_state.convicted == ()


async def test_an_equivocating_leader_is_convicted_on_the_ledger_of_all(
    network: LocalNetwork,
) -> None:
    await network.start(*HONEST)
    await network.wait_for_height(2)
    view = max(node.view for node in network.nodes.values()) + 1
    while view % 4 != HOSTILE:
        view += 1
    for payload in (b"\x05" * 32, b"\x06" * 32):
        flood(network, Channel.CONSENSUS, encode(notarize(network, view, payload)))
    await network.wait_until(
        lambda: all(node.final_state.convicted == (HOSTILE,) for node in network.nodes.values())
    )
    for index in HONEST:
        found = network.nodes[index].archive.evidence(10)
        assert len(found) == 1
        assert network.nodes[index].operators.evidence() == []


async def test_replayed_messages_of_the_past_change_nothing(network: LocalNetwork) -> None:
    await network.start(*HONEST)
    await network.wait_for_height(20)
    node = network.nodes[0]
    blocks = [node.archive.block(height) for height in range(1, 21)]
    certificate = node.archive.certificate_from(network.genesis.epoch, 1)
    assert certificate is not None
    for block in blocks:
        assert block is not None
        flood(network, Channel.PAYLOAD, block.encoded)
        flood(network, Channel.CONSENSUS, encode(certificate))
    raws = tuple(raw for block in blocks if block for raw in block.body.transactions)
    flood(network, Channel.TRANSACTIONS, encode(TransactionBatch(ChainRole.FAST, raws)))
    await network.wait_for_growth(10)
    assert len({tuple(network.digests(index, 20)) for index in HONEST}) == 1
    for index in HONEST:
        assert len(network.nodes[index].payloads._unchecked) <= 4


async def test_a_payload_flood_stays_bounded(network: LocalNetwork) -> None:
    await network.start(*HONEST)
    await network.wait_for_height(4)
    block = network.nodes[0].archive.block(4)
    assert block is not None
    for step in range(200):
        header = replace(
            block.header,
            view=View(10**6 + step),
            height=Height(10**6),
            parent=Digest(step.to_bytes(32, "big")),
            proposer=ValidatorIndex(HOSTILE),
        )
        flood(network, Channel.PAYLOAD, seal(LedgerBlock(header, block.body)).encoded)
        if step % 20 == 0:
            await network.wait_for_growth(1)
    await network.wait_for_growth(3)
    for index in HONEST:
        unchecked = network.nodes[index].payloads._unchecked
        assert sum(sender == HOSTILE for sender, _ in unchecked.values()) <= MAX_UNCHECKED_PER_PEER


async def test_payloads_and_history_that_nobody_asked_for_are_refused(
    network: LocalNetwork,
) -> None:
    await network.start(*HONEST)
    await network.wait_for_height(4)
    block = network.nodes[0].archive.block(4)
    certificate = network.nodes[0].archive.certificate_from(network.genesis.epoch, 1)
    assert block is not None
    assert certificate is not None
    header = replace(block.header, view=View(10**6), proposer=ValidatorIndex(1))
    flood(network, Channel.PAYLOAD, seal(LedgerBlock(header, block.body)).encoded)
    answer = HistoryResponse((block.encoded,), (), certificate)
    flood(network, Channel.BACKFILL, encode(answer))
    await network.wait_until(
        lambda: all(
            network.rejected(index, "payloads").get("payload that nobody asked for") == 1
            and network.rejected(index, "backfill").get("history that nobody asked for") == 1
            for index in HONEST
        )
    )
    await network.wait_for_growth(3)


async def test_requests_for_what_is_not_there_are_told_what_is(network: LocalNetwork) -> None:
    await network.start(*HONEST)
    await network.memory.transports[HOSTILE].start()
    for height in (0, 10**9):
        request = HistoryRequest(Height(height), Height(height))
        flood(network, Channel.BACKFILL, encode(request))
    flood(network, Channel.BACKFILL, encode(PayloadRequest(Digest(b"\x09" * 32))))
    await network.wait_for_growth(5)
    status = network.nodes[0].transport.status().peers[HOSTILE]
    assert status.channels[Channel.BACKFILL].sent_messages == 2
    assert status.channels[Channel.BACKFILL].sent_bytes < 32
    await network.memory.transports[HOSTILE].close()


async def test_attestations_that_do_not_count_are_counted(network: LocalNetwork) -> None:
    await network.start(*HONEST)
    await network.wait_for_height(4)
    node = network.nodes[0]
    empty = EvmHash(bytes(32))
    stranger = Checkpoint(node.final_state.zk.chain_id, 1, empty, empty, empty, empty, empty, 0)
    signature = BlsSignature(b"\x01" * 96)
    wrong_block = Attestation(stranger, ValidatorIndex(HOSTILE), signature)
    far = replace(stranger, number=10**9)
    flood(network, Channel.ATTESTATION, encode(wrong_block))
    flood(network, Channel.ATTESTATION, encode(replace(wrong_block, checkpoint=far)))
    ahead = replace(stranger, number=node.final_state.zk.number + 50)
    in_other_name = replace(wrong_block, checkpoint=ahead, signer=ValidatorIndex(1))
    flood(network, Channel.ATTESTATION, encode(in_other_name))
    await network.wait_until(
        lambda: all(
            {"attestation of another ledger block", "OutsideWindow", "NotTheSigner"}
            <= set(network.rejected(index, "attestations"))
            for index in HONEST
        )
    )
    for step in range(3 * MAX_WAITING_PER_PEER):
        number = replace(ahead, number=10**6 + step)
        payload = encode(replace(wrong_block, checkpoint=number))
        node.checkpoints.receive(ValidatorIndex(HOSTILE), payload)
    assert len(node.checkpoints._received) <= MAX_WAITING_PER_PEER + len(HONEST) * 8
    certified = node.final_state.zk.certified.number
    await network.wait_until(lambda: node.final_state.zk.certified.number > certified)


async def test_transactions_that_cannot_be_are_counted_and_a_flood_is_bounded(
    network: LocalNetwork,
) -> None:
    await network.start(*HONEST)
    wrong_chain = bytes.fromhex(transfer(ChainRole.ZK, 0, 0)[2:])
    raws = (b"", b"\x02", b"\x02" + b"\xff" * 100, wrong_chain)
    for raw in raws:
        flood(network, Channel.TRANSACTIONS, encode(TransactionBatch(ChainRole.FAST, (raw,))))
    await network.wait_until(
        lambda: all(
            sum(network.rejected(index, "transactions").values()) >= len(raws) for index in HONEST
        )
    )
    # Behind one that is none, nothing of a batch is looked at.
    before = sum(network.rejected(0, "transactions").values())
    network.nodes[0].pools.receive(
        ValidatorIndex(HOSTILE), encode(TransactionBatch(ChainRole.FAST, (b"\x02",) * 1000))
    )
    await network.wait_until(
        lambda: sum(network.rejected(0, "transactions").values()) == before + 1
    )
    node = network.nodes[0]
    batch = encode(TransactionBatch(ChainRole.FAST, (b"\x02" * 100,) * 1000))
    for _ in range(500):
        node.pools.receive(ValidatorIndex(HOSTILE), batch)
    assert node.pools.waiting_batches <= 64
    # Another peer's transactions still come through.
    good = bytes.fromhex(transfer(ChainRole.FAST, 0, 0)[2:])
    node.pools.receive(ValidatorIndex(1), encode(TransactionBatch(ChainRole.FAST, (good,))))
    await network.wait_until(lambda: node.pools.senders.lookup((good,)) != (None,))


async def test_a_node_whose_disk_is_full_falls_silent_and_restarts_cleanly(
    network: LocalNetwork,
) -> None:
    await network.start()
    await network.wait_for_height(5)
    node = network.nodes[1]
    full = StorageFullError(network.directory, OSError("no space left"))

    def refuse(effects: object) -> None:
        raise full

    node._journal.persist = refuse  # type: ignore[method-assign]
    sent_before: list[int] = []
    await _until_failure(network)
    assert network.failures == [full]
    sent_before.append(_consensus_messages(network, 1))
    network.failures.clear()
    # It never says what it could not write down.
    await network.wait_for_growth(10, 0, 2, 3)
    assert _consensus_messages(network, 1) == sent_before[0]
    await network.stop(1)
    await network.start(1)
    await network.wait_for_growth(10)
    assert network.nodes[1].final_state.convicted == ()


async def _until_failure(network: LocalNetwork) -> None:
    import asyncio

    async with asyncio.timeout(30):
        while not network.failures:
            await asyncio.sleep(0.005)


def _consensus_messages(network: LocalNetwork, index: int) -> int:
    peers = network.nodes[index].transport.status().peers.values()
    return sum(peer.channels[Channel.CONSENSUS].sent_messages for peer in peers)
