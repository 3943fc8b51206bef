"""A leader that proposes what is not valid: nobody votes for it, and the ledger goes on."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from local_network import QUICK, LocalNetwork

from actors.transport.interface import Channel
from actors.validator.block_tree import TreeBlock
from consensus.effects import CheckPayload, RequestProposal
from ledger.block import (
    BlockBody,
    BlockHeader,
    LedgerBlock,
    SealedBlock,
    body_digest,
    open_block,
    seal,
)
from ledger.crossing import Message
from ledger.types import (
    BlsSignature,
    Digest,
    EvmAddress,
    Height,
    TimestampMs,
    ValidatorIndex,
)

LIAR = 3


def rebuild(sealed: SealedBlock, body: BlockBody | None = None, **header: object) -> SealedBlock:
    """A block like another one, with a body digest that fits unless one is given."""
    new_body = sealed.body if body is None else body
    fields = {"body": body_digest(new_body)} | header
    return seal(LedgerBlock(replace(sealed.header, **fields), new_body))  # type: ignore[arg-type]


def with_wrong_body(sealed: SealedBlock) -> SealedBlock:
    header: BlockHeader = replace(sealed.header, body=Digest(b"\x01" * 32))
    return seal(LedgerBlock(header, sealed.body))


def with_wrong_parent(sealed: SealedBlock) -> SealedBlock:
    return rebuild(sealed, parent=Digest(b"\x02" * 32))


def with_wrong_height(sealed: SealedBlock) -> SealedBlock:
    return rebuild(sealed, height=Height(sealed.header.height + 1))


def with_earlier_timestamp(sealed: SealedBlock) -> SealedBlock:
    return rebuild(sealed, timestamp_ms=TimestampMs(1))


def with_forged_checkpoint(sealed: SealedBlock) -> SealedBlock:
    forged = tuple(
        replace(
            checkpoint,
            certificate=replace(checkpoint.certificate, signature=BlsSignature(b"\x03" * 96)),
        )
        for checkpoint in sealed.body.checkpoints
    )
    return rebuild(sealed, replace(sealed.body, checkpoints=forged))


def with_invented_messages(sealed: SealedBlock) -> SealedBlock:
    message = Message(
        sealed.body.checkpoints[0].certificate.checkpoint.chain_id,
        0,
        EvmAddress(bytes(20)),
        EvmAddress(bytes(20)),
        10**18,
        21_000,
        b"",
    )
    first = replace(sealed.body.checkpoints[0], messages=(message,))
    return rebuild(sealed, replace(sealed.body, checkpoints=(first, *sealed.body.checkpoints[1:])))


def with_too_much(sealed: SealedBlock) -> SealedBlock:
    transactions = tuple(bytes([index]) * 100_000 for index in range(24))
    return rebuild(sealed, replace(sealed.body, transactions=transactions))


def corrupt(
    network: LocalNetwork, change: Callable[[SealedBlock], SealedBlock], only_with_checkpoints: bool
) -> list[Digest]:
    """Have the liar propose changed blocks; gives their digests as they are made."""
    node = network.nodes[LIAR]
    honest_build = node.proposer.build
    made: list[Digest] = []

    async def build(request: RequestProposal) -> TreeBlock:
        honest = await honest_build(request)
        if only_with_checkpoints and not honest.sealed.body.checkpoints:
            return honest
        changed = change(honest.sealed)
        made.append(changed.digest)
        return replace(honest, sealed=changed)

    node.proposer.build = build  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_wrong_body, "payload with another body than its header's"),
        (with_wrong_parent, "payload of another view or parent than the proposal's"),
        (with_wrong_height, "invalid payload: WrongHeight"),
        (with_earlier_timestamp, "invalid payload: TimestampBeforeParent"),
        (with_forged_checkpoint, "invalid payload: CheckpointSignature"),
        (with_invented_messages, "invalid payload: "),
        (with_too_much, "malformed payload: "),
    ],
)
async def test_nobody_votes_for_a_payload(
    network: LocalNetwork, change: Callable[[SealedBlock], SealedBlock], reason: str
) -> None:
    await network.start()
    await network.wait_for_height(4)
    is_about_checkpoints = change in (with_forged_checkpoint, with_invented_messages)
    made = corrupt(network, change, is_about_checkpoints)
    honest = (0, 1, 2)
    await network.wait_until(
        lambda: all(
            any(found.startswith(reason) for found in network.rejected(index, "payloads"))
            for index in honest
        )
    )
    await network.wait_for_growth(5, *honest)
    assert made
    final = set(network.digests(0, network.height(*honest)))
    assert final.isdisjoint(made)
    for index in honest:
        assert all(network.nodes[index].tree.get(digest) is None for digest in made)


@pytest.fixture
async def patient_network(tmp_path: Path) -> AsyncIterator[LocalNetwork]:
    """Views are long, clocks are trusted for a tenth of a second only."""
    local = LocalNetwork(tmp_path, timing=replace(QUICK, delta_ms=2_000, max_drift_ms=100))
    yield local
    await local.stop()
    assert local.failures == []


async def test_a_block_dated_ahead_waits_until_the_clocks_have_caught_up(
    patient_network: LocalNetwork,
) -> None:
    network = patient_network
    await network.start()
    await network.wait_for_height(3)
    node = network.nodes[LIAR]
    honest_build = node.proposer.build
    made: list[Digest] = []

    async def build(request: RequestProposal) -> TreeBlock:
        honest = await honest_build(request)
        if made:
            return honest
        ahead = TimestampMs(honest.sealed.header.timestamp_ms + 700)
        dated = node.tree.check(rebuild(honest.sealed, timestamp_ms=ahead), node.index)
        made.append(dated.digest)
        return dated

    node.proposer.build = build  # type: ignore[method-assign]
    await network.wait_until(lambda: bool(made))
    await network.wait_until(
        lambda: all(made[0] in network.digests(index, network.height()) for index in range(4))
    )
    for index in (0, 1, 2):
        rejected = network.rejected(index, "payloads")
        assert rejected["payload dated ahead: it waits"] > 0
        assert not any(found.startswith("invalid") for found in rejected)


async def test_a_tampered_copy_from_another_peer_does_not_harm_the_leader(
    network: LocalNetwork,
) -> None:
    """The digest covers the header alone: a wrong body is no word against the payload."""
    await network.start(0, 1, 2)
    await network.wait_for_height(3)
    desk, transport = network.nodes[0].payloads, network.memory.transports[0]
    honest_check, honest_deliver = desk.check, transport.deliver
    held: dict[Digest, tuple[int, SealedBlock]] = {}

    def deliver(sender: int, channel: Channel, payload: bytes) -> None:
        if channel is not Channel.PAYLOAD:
            honest_deliver(sender, channel, payload)
            return
        sealed = open_block(payload)
        held[sealed.digest] = (sender, sealed)
        if sealed.digest in desk._wanted:
            release(sealed.digest)

    def check(effect: CheckPayload) -> None:
        honest_check(effect)
        if effect.proposal.payload in held:
            release(effect.proposal.payload)

    def release(digest: Digest) -> None:
        """The tampered copy comes when the payload is asked for, and before the true one."""
        sender, sealed = held.pop(digest)
        tampered = replace(sealed.body, transactions=(b"\x01",))
        copy = seal(LedgerBlock(sealed.header, tampered))
        desk.receive(ValidatorIndex(LIAR), copy.encoded)
        desk.receive(ValidatorIndex(sender), sealed.encoded)

    transport.deliver = deliver  # type: ignore[method-assign]
    desk.check = check  # type: ignore[method-assign]
    await network.wait_until(
        lambda: (
            network.rejected(0, "payloads").get("payload with another body than its header's", 0)
            >= 3
        )
    )
    await network.wait_for_growth(5)
    rejected = network.rejected(0, "payloads")
    assert not any(found.startswith("invalid") for found in rejected)
