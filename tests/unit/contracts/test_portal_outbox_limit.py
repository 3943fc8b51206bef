"""The limit of one block's outbox, and that a full one always fits into a ledger block."""

from dataclasses import dataclass
from itertools import chain as chained

import pytest
from contract_world import ALICE, BOB, FAST_CHAIN_ID, MALLORY, World
from evm_harness import (
    Contract,
    Outcome,
    account_address,
    repeating_code,
    reverting_code,
    sent_messages,
)

from bridge.outbox import outbox_root
from bridge.proposing import MAX_PARTS_BYTES
from bridge.work import MAX_DELIVERIES_PER_BLOCK
from contracts.addresses import PORTAL_ADDRESS
from contracts.bindings import MAX_UINT63, send_call
from ledger.block import (
    MAX_BLOCK_BYTES,
    MAX_EVIDENCE_PER_BLOCK,
    MAX_OPERATOR_VOTES_PER_BLOCK,
    BlockBody,
    BlockHeader,
    LedgerBlock,
    open_block,
    seal,
)
from ledger.codec import encode
from ledger.crossing import (
    MAX_MESSAGE_DATA_BYTES,
    MAX_MESSAGES_PER_CHECKPOINT,
    CertifiedCheckpoint,
    Checkpoint,
    CheckpointCertificate,
    Message,
    QuarantineVote,
)
from ledger.evidence import ConflictingNotarize
from ledger.types import (
    MAX_VALIDATORS,
    BlockNumber,
    BlsSignature,
    ChainId,
    ChainRole,
    Digest,
    Ed25519Signature,
    Epoch,
    EvmAddress,
    EvmHash,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)
from ledger.votes import Notarize, Proposal

FULL = "portal: the outbox of this block is full"
GAS = 100_000
REFUSER = account_address("refuser")
SPAMMER = account_address("spammer")
ADDRESS = EvmAddress(b"\xff" * 20)
DIGEST = Digest(b"\xff" * 32)
HASH = EvmHash(b"\xff" * 32)
RETURN_DATA_BYTES = 32

DATA_LENGTHS = [MAX_MESSAGE_DATA_BYTES, 4096, 896, 895, 897, 256, 0]
"""Of spam: the fewest messages, the most, and 896, where both limits are met at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one block's outbox takes, as the compiled Portal says."""

    messages: int
    outbox_bytes: int
    overhead_bytes: int

    def fullest(self, data_bytes: int) -> list[int]:
        """Return the data lengths that fill an outbox with messages of one length and a rest."""
        count = min(self.messages, self.outbox_bytes // (data_bytes + self.overhead_bytes))
        rest = self.outbox_bytes - count * (data_bytes + self.overhead_bytes) - self.overhead_bytes
        has_rest = count < self.messages and rest >= 0
        return [data_bytes] * count + ([min(rest, MAX_MESSAGE_DATA_BYTES)] if has_rest else [])


@pytest.fixture
def limits(world: World) -> Limits:
    view = world.fast_portal.view
    return Limits(
        messages=view("MAX_MESSAGES_PER_BLOCK"),
        outbox_bytes=view("MAX_OUTBOX_BYTES_PER_BLOCK"),
        overhead_bytes=view("MESSAGE_OVERHEAD_BYTES"),
    )


def spam(portal: Contract, count: int, data_bytes: int = 0) -> Outcome:
    """Send many messages in one transaction, through a contract."""
    portal.chain.put_code(SPAMMER, repeating_code())
    call = count.to_bytes(32) + send_call(BOB, GAS, b"\xff" * data_bytes)
    return portal.chain.execute(SPAMMER, call, sender=MALLORY)


def send_one(portal: Contract, data: bytes = b"", value_wei: int = 0) -> Outcome:
    return portal.transact("send", BOB, GAS, data, sender=ALICE, value_wei=value_wei)


# THE LIMIT


@pytest.mark.parametrize("data_bytes", DATA_LENGTHS)
def test_a_full_outbox_is_accepted_and_one_more_message_is_not(
    world: World, limits: Limits, data_bytes: int
) -> None:
    lengths = limits.fullest(data_bytes)
    same = lengths.count(data_bytes)
    assert len(sent_messages(spam(world.fast_portal, same, data_bytes), world.fast)) == same
    for rest in lengths[same:]:
        assert send_one(world.fast_portal, bytes(rest)).is_success
    for value_wei in (0, 1):
        assert send_one(world.fast_portal, value_wei=value_wei).reason == FULL
    assert world.fast_portal.view("next_outbound_nonce") == len(lengths)


def test_a_byte_above_the_limit_is_refused_and_a_byte_less_is_not(
    world: World, limits: Limits
) -> None:
    *most, rest = limits.fullest(MAX_MESSAGE_DATA_BYTES)
    assert spam(world.zk_portal, len(most), MAX_MESSAGE_DATA_BYTES).is_success
    assert send_one(world.zk_portal, bytes(rest + 1)).reason == FULL
    assert send_one(world.zk_portal, bytes(rest)).is_success


def test_the_next_block_takes_messages_again(world: World, limits: Limits) -> None:
    for _ in range(2):
        assert spam(world.fast_portal, limits.messages).is_success
        assert send_one(world.fast_portal).reason == FULL
        world.fast.block_number += 1
    assert send_one(world.fast_portal).is_success


def test_a_transaction_that_reverts_takes_no_room(world: World, limits: Limits) -> None:
    failed = spam(world.fast_portal, limits.messages + 1)
    assert (failed.is_success, failed.reason) == (False, FULL)
    assert spam(world.fast_portal, limits.messages).is_success


def test_the_limit_of_one_chain_is_not_that_of_the_other(world: World, limits: Limits) -> None:
    assert spam(world.fast_portal, limits.messages).is_success
    assert send_one(world.zk_portal).is_success


def test_what_a_delivered_call_sends_counts_like_any_other(world: World, limits: Limits) -> None:
    world.zk.put_code(SPAMMER, repeating_code())
    assert spam(world.zk_portal, limits.messages - 3).is_success
    data = (3).to_bytes(32) + send_call(BOB, GAS, b"")
    first = world.zk.deliver(Message(FAST_CHAIN_ID, 0, ALICE, SPAMMER, 0, 1_000_000, data))
    second = world.zk.deliver(Message(FAST_CHAIN_ID, 1, ALICE, SPAMMER, 0, 1_000_000, data))
    assert len(sent_messages(first, world.zk)) == 3
    assert second.event_count("MessageParked", "Portal") == 1
    assert sent_messages(second, world.zk) == []


# RETURN MESSAGES


def failing_delivery(world: World, nonce: int) -> Outcome:
    """Deliver a message to the ZK chain whose one wei has to go back."""
    world.zk.put_code(REFUSER, reverting_code())
    return world.zk.deliver(Message(FAST_CHAIN_ID, nonce, ALICE, REFUSER, 1, GAS, b""))


def test_a_full_outbox_takes_the_return_of_a_delivery(world: World, limits: Limits) -> None:
    assert spam(world.zk_portal, limits.messages).is_success
    (returned,) = sent_messages(failing_delivery(world, 0), world.zk)
    assert (returned.sender, returned.nonce) == (PORTAL_ADDRESS, limits.messages)
    assert len(returned.data) == RETURN_DATA_BYTES
    assert send_one(world.zk_portal).reason == FULL


def test_returns_take_no_room_from_the_users(world: World, limits: Limits) -> None:
    for nonce in range(3):
        assert len(sent_messages(failing_delivery(world, nonce), world.zk)) == 1
    assert spam(world.zk_portal, limits.messages).is_success


# WHAT THE LEDGER CARRIES


def widest_message(data_bytes: int) -> Message:
    """Return a message that takes as many bytes as one with this data can."""
    return Message(
        source_chain_id=ChainId(2**52 - 1),
        nonce=MAX_UINT63,
        sender=ADDRESS,
        target=ADDRESS,
        value_wei=2**256 - 1,
        gas_limit=MAX_UINT63,
        data=b"\xff" * data_bytes,
    )


def certified(messages: tuple[Message, ...]) -> CertifiedCheckpoint:
    """Return the widest checkpoint with these messages."""
    checkpoint = Checkpoint(
        chain_id=ChainId(2**52 - 1),
        number=BlockNumber(MAX_UINT63),
        ledger_digest=HASH,
        block_hash=HASH,
        state_root=HASH,
        receipts_root=HASH,
        outbox_root=outbox_root(messages),
        next_message_nonce=MAX_UINT63,
    )
    signers = b"\xff" * (MAX_VALIDATORS // 8)
    certificate = CheckpointCertificate(checkpoint, signers, BlsSignature(b"\xff" * 96))
    return CertifiedCheckpoint(certificate, messages)


def widest_body(checkpoint: CertifiedCheckpoint) -> BlockBody:
    """Return a body with one checkpoint and all the evidence and votes that come before it."""
    signature, signer = Ed25519Signature(b"\xff" * 64), ValidatorIndex(MAX_VALIDATORS - 1)
    proposal = Proposal(Epoch(2**64 - 1), View(MAX_UINT63), View(MAX_UINT63), DIGEST)
    vote = Notarize(proposal, signer, signature)
    quarantine = QuarantineVote(Epoch(2**64 - 1), MAX_UINT63, "x" * 64, signer, signature)
    return BlockBody(
        transactions=(),
        checkpoints=(checkpoint,),
        evidence=(ConflictingNotarize(vote, vote),) * MAX_EVIDENCE_PER_BLOCK,
        operator_votes=(quarantine,) * MAX_OPERATOR_VOTES_PER_BLOCK,
        l1_messages=(),
    )


@pytest.mark.parametrize("data_bytes", [0, 1, 255, 256, MAX_MESSAGE_DATA_BYTES])
def test_a_message_takes_no_more_beside_its_data_than_the_portal_counts(
    limits: Limits, data_bytes: int
) -> None:
    encoded = encode(widest_message(data_bytes))
    assert len(encoded) - data_bytes <= limits.overhead_bytes


@pytest.mark.parametrize("data_bytes", DATA_LENGTHS)
def test_a_full_outbox_and_a_return_of_each_delivery_fit_into_a_block(
    limits: Limits, data_bytes: int
) -> None:
    # MESSAGES
    returns = [RETURN_DATA_BYTES] * MAX_DELIVERIES_PER_BLOCK
    lengths = chained(limits.fullest(data_bytes), returns)
    messages = tuple(widest_message(length) for length in lengths)
    assert len(messages) <= MAX_MESSAGES_PER_CHECKPOINT

    # PARTS: the leader counts them one by one, the checkpoint last
    body = widest_body(certified(messages))
    parts = (*body.evidence, *body.operator_votes, *body.checkpoints)
    assert sum(len(encode(part)) for part in parts) <= MAX_PARTS_BYTES

    # BLOCK
    header = BlockHeader(
        epoch=Epoch(2**64 - 1),
        view=View(MAX_UINT63),
        height=Height(MAX_UINT63),
        parent=DIGEST,
        chain=ChainRole.FAST,
        chain_block_number=BlockNumber(MAX_UINT63),
        timestamp_ms=TimestampMs(2**53 - 1),
        proposer=ValidatorIndex(MAX_VALIDATORS - 1),
        body=DIGEST,
    )
    sealed = seal(LedgerBlock(header, body))
    assert len(sealed.encoded) <= MAX_BLOCK_BYTES
    assert open_block(sealed.encoded).body == body


def test_no_mix_of_lengths_takes_more_than_the_sum_of_the_bounds(limits: Limits) -> None:
    """Each message takes at most what it counts, so the limit bounds every mix."""
    empty = widest_body(certified(()))
    parts = (*empty.evidence, *empty.operator_votes, *empty.checkpoints)
    beside_messages = sum(len(encode(part)) for part in parts)
    a_return = len(encode(widest_message(RETURN_DATA_BYTES)))
    worst = beside_messages + limits.outbox_bytes + MAX_DELIVERIES_PER_BLOCK * a_return
    # The header of the array of messages grows with their number: by four bytes at most.
    assert worst + 4 <= MAX_PARTS_BYTES
