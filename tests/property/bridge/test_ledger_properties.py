"""Whatever valid blocks come in whatever order: messages cross once, in order, for all nodes alike.

The model: each block of a chain sent some messages when it executed. Leaders
include checkpoints whenever they like (but pass over no block with messages), both
chains interleave at random, quarantines come and go.
"""

from dataclasses import dataclass, field, replace

import pytest
from bridge_world import (
    FAST,
    VALIDATORS,
    ZK,
    LedgerWorld,
    build_block,
    checkpoint_of,
    delivered,
    leader_of,
    message,
    quarantine_vote,
    resume_vote,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import (
    BlockRejected,
    CheckpointRejected,
    HeaderRejected,
    MessageOutOfOrder,
    WrongBody,
    WrongNextNonce,
    WrongOutboxRoot,
)
from bridge.proposing import select_parts
from bridge.rules import apply_block
from bridge.state import BridgeState
from bridge.work import FastReplay, amend_for_replay
from ledger.block import BlockHeader, SealedBlock, header_digest, open_block
from ledger.codec import decode, encode
from ledger.crossing import CertifiedCheckpoint, CheckpointCertificate, Message
from ledger.errors import CodecError
from ledger.types import BlsSignature, ChainRole

UNCHECKED = BlsSignature(b"\xc0" + bytes(95))


@dataclass
class CrossingModel:
    """A ledger, and what each block of each chain has sent by an honest execution.

    The certificates carry no signatures: ``apply_block`` leaves those to its caller.
    """

    ledger: LedgerWorld = field(default_factory=LedgerWorld)
    sent_by: dict[tuple[ChainRole, int], int] = field(default_factory=dict)
    sequence: int = 0

    @property
    def state(self) -> BridgeState:
        return self.ledger.state

    def push(self, role: ChainRole, sends: int, checkpoint_count: int) -> None:
        """Append a block which sends messages and carries some of the checkpoints at hand."""
        checkpoints = [entry for source in ChainRole for entry in self.available(source)]
        parts = select_parts(self.state, VALIDATORS, checkpoints=checkpoints[:checkpoint_count])
        self.ledger.push(role, checkpoints=parts.checkpoints)
        self.sent_by[role, self.state.chain(role).number] = sends

    def available(self, role: ChainRole) -> list[CertifiedCheckpoint]:
        """Checkpoints that honest nodes have certified and the ledger has not, in order."""
        chain = self.state.chain(role)
        nonce, found = chain.next_message_nonce, []
        for number in range(chain.certified.number + 1, chain.number + 1):
            count = self.sent_by[role, number]
            is_due = count > 0 or number % 4 == 0
            if not is_due:
                continue
            sent = tuple(message(role, nonce + offset) for offset in range(count))
            nonce += count
            found.append(self.certified(role, number, sent, nonce))
        return found

    def certified(
        self, role: ChainRole, number: int, sent: tuple[Message, ...], next_nonce: int
    ) -> CertifiedCheckpoint:
        checkpoint = replace(
            checkpoint_of(self.state, role, number, sent), next_message_nonce=next_nonce
        )
        return CertifiedCheckpoint(CheckpointCertificate(checkpoint, b"\x07", UNCHECKED), sent)

    def quarantine(self, role: ChainRole) -> None:
        self.ledger.quarantine(self.sequence, role)
        self.sent_by[role, self.state.chain(role).number] = 0

    def resume(self, role: ChainRole, depth: int) -> FastReplay:
        """Resume from one of the last checkpoints."""
        points = self.state.fast.checkpoints
        point = points[max(0, len(points) - 1 - depth)]
        votes = tuple(
            resume_vote(signer, point.number, point.state_root, self.sequence)
            for signer in range(3)
        )
        work = self.ledger.push(role, operator_votes=votes)
        self.sent_by[role, self.state.chain(role).number] = 0
        self.sequence += 1
        assert work.replay is not None
        return work.replay

    def drain(self) -> None:
        """Let everything cross: certify all, and give both chains blocks until nothing waits."""
        for _ in range(200):
            is_done = not any(
                self.available(role) or self.state.chain(role).pending for role in ChainRole
            )
            if is_done:
                return
            for role in ChainRole:
                self.push(role, sends=0, checkpoint_count=16)
        raise AssertionError("the queues do not drain")


steps = st.lists(
    st.tuples(st.sampled_from(ChainRole), st.integers(0, 5), st.integers(0, 6)), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_each_message_is_delivered_exactly_once_and_in_order(
    blocks: list[tuple[ChainRole, int, int]],
) -> None:
    model = CrossingModel()
    for role, sends, checkpoint_count in blocks:
        model.push(role, sends, checkpoint_count)
    model.drain()
    for source in ChainRole:
        total = sum(count for (role, _), count in model.sent_by.items() if role is source)
        arrived = delivered(model.ledger.works, source.other)
        assert arrived == [message(source, nonce) for nonce in range(total)]


@settings(max_examples=40, deadline=None)
@given(steps)
def test_nodes_that_apply_the_same_blocks_agree(
    blocks: list[tuple[ChainRole, int, int]],
) -> None:
    model = CrossingModel()
    for role, sends, checkpoint_count in blocks:
        model.push(role, sends, checkpoint_count)
    # Another node gets the blocks as bytes, and starts anew from a snapshot half-way.
    other = LedgerWorld()
    for place, sealed in enumerate(model.ledger.blocks):
        if place == len(model.ledger.blocks) // 2:
            other.state = decode(encode(other.state), BridgeState, limit_bytes=1 << 22)
        other.push_sealed(open_block(sealed.encoded))
    assert other.state == model.state
    assert other.works == model.ledger.works


@settings(max_examples=40, deadline=None)
@given(steps)
def test_system_nonces_of_a_chain_are_consecutive(
    blocks: list[tuple[ChainRole, int, int]],
) -> None:
    model = CrossingModel()
    for role, sends, checkpoint_count in blocks:
        model.push(role, sends, checkpoint_count)
    for role in ChainRole:
        works = [work for work in model.ledger.works if work.role is role]
        nonces = [nonce for work in works for nonce, _ in work.numbered_items()]
        assert nonces == list(range(len(nonces)))


interruptions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(ChainRole), st.integers(0, 4), st.integers(0, 6)),
        st.sampled_from(["cut off", "resume"]),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(interruptions, st.sampled_from(ChainRole))
def test_a_false_alarm_loses_and_duplicates_nothing(
    actions: list[tuple[ChainRole, int, int] | str], carrier: ChainRole
) -> None:
    """Every resume names the last certified checkpoint: nothing was wrong."""
    model = CrossingModel()
    for action in actions:
        is_active = model.state.quarantine.is_active
        if action == "cut off" and not is_active:
            model.quarantine(carrier)
        elif action == "resume" and is_active:
            model.resume(carrier, depth=0)
        elif isinstance(action, tuple):
            model.push(*action)
    if model.state.quarantine.is_active:
        model.resume(carrier, depth=0)
    model.drain()
    for source in ChainRole:
        total = sum(count for (role, _), count in model.sent_by.items() if role is source)
        arrived = delivered(model.ledger.works, source.other)
        assert arrived == [message(source, nonce) for nonce in range(total)]


@settings(max_examples=60, deadline=None)
@given(interruptions, st.sampled_from(ChainRole), st.integers(0, 4))
def test_a_real_alarm_never_uses_a_nonce_twice_or_leaves_a_gap(
    actions: list[tuple[ChainRole, int, int] | str], carrier: ChainRole, depth: int
) -> None:
    """Resumes go back behind what was delivered; the Portal takes each nonce once, in order."""
    model = CrossingModel()
    replays: list[tuple[int, FastReplay]] = []
    for action in [*actions, "resume"]:
        is_active = model.state.quarantine.is_active
        if action == "cut off" and not is_active:
            model.quarantine(carrier)
        elif action == "resume" and is_active:
            replays.append((len(model.ledger.works) + 1, model.resume(carrier, depth)))
        elif isinstance(action, tuple):
            model.push(*action)
    model.drain()
    for source in ChainRole:
        nonces = [entry.nonce for entry in delivered(model.ledger.works, source.other)]
        assert nonces == list(range(len(nonces)))
    # As finally executed, the fast chain's system transactions all have hashes of their own.
    works = model.ledger.works
    for count, replay in replays:
        works = [amend_for_replay(work, replay) for work in works[:count]] + works[count:]
    used = [nonce for work in works if work.role is FAST for nonce, _ in work.numbered_items()]
    assert len(used) == len(set(used))


@settings(max_examples=40, deadline=None)
@given(interruptions)
def test_nothing_crosses_while_the_fast_chain_is_cut_off(
    actions: list[tuple[ChainRole, int, int] | str],
) -> None:
    model = CrossingModel()
    for action in actions:
        was_active = model.state.quarantine.is_active
        if action == "cut off" and not was_active:
            model.quarantine(ZK)
            assert model.ledger.works[-1].deliveries == ()
        elif action == "resume" and was_active:
            model.resume(ZK, depth=1)
        elif isinstance(action, tuple):
            certified = model.state.fast.certified
            model.push(*action)
            if was_active:
                work = model.ledger.works[-1]
                assert (work.deliveries, work.zk_roots) == ((), ())
                assert model.state.fast.certified == certified


def grown() -> CrossingModel:
    model = CrossingModel()
    for _ in range(3):
        model.push(FAST, sends=2, checkpoint_count=0)
        model.push(ZK, sends=1, checkpoint_count=0)
    return model


GROWN = grown()
FIELDS = [name for name in BlockHeader.__dataclass_fields__ if name != "chain"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FIELDS), st.data())
def test_a_block_with_any_header_field_changed_is_rejected(name: str, data: st.DataObject) -> None:
    sealed = build_block(GROWN.state, FAST, checkpoints=tuple(GROWN.available(FAST)))
    value = getattr(sealed.header, name)
    if isinstance(value, bytes):
        other: object = data.draw(st.binary(min_size=32, max_size=32).filter(lambda b: b != value))
    elif name == "timestamp_ms":
        other = data.draw(st.integers(0, GROWN.state.timestamp_ms - 1))
    elif name == "view":
        other = data.draw(st.integers(0, GROWN.state.view))
    else:
        other = data.draw(st.integers(0, 255).filter(lambda number: number != value))
    changed = build_block(
        GROWN.state, FAST, checkpoints=tuple(GROWN.available(FAST)), **{name: other}
    )
    leader = leader_of(sealed.header.view)
    with pytest.raises(HeaderRejected):
        apply_block(GROWN.state, changed, VALIDATORS, leader)
    apply_block(GROWN.state, sealed, VALIDATORS, leader)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2), st.sampled_from(["drop", "repeat", "swap", "change", "invent"]), st.data()
)
def test_a_checkpoint_with_other_messages_is_rejected(
    place: int, mutation: str, data: st.DataObject
) -> None:
    checkpoints = GROWN.available(FAST)
    sent = list(checkpoints[place].messages)
    index = data.draw(st.integers(0, len(sent) - 1))
    if mutation == "drop":
        del sent[index]
    elif mutation == "repeat":
        sent.insert(index, sent[index])
    elif mutation == "swap":
        sent.reverse()
    elif mutation == "change":
        sent[index] = replace(sent[index], gas_limit=sent[index].gas_limit + 1)
    else:
        sent.append(message(FAST, sent[-1].nonce + 1))
    checkpoints[place] = replace(checkpoints[place], messages=tuple(sent))
    block = build_block(GROWN.state, ZK, checkpoints=tuple(checkpoints))
    with pytest.raises((MessageOutOfOrder, WrongNextNonce, WrongOutboxRoot)):
        GROWN.ledger.try_push(block)


@settings(max_examples=100, deadline=None)
@given(st.permutations([0, 1, 2]), st.integers(1, 3))
def test_checkpoints_count_only_in_their_order(order: list[int], count: int) -> None:
    checkpoints = GROWN.available(FAST)
    chosen = [checkpoints[place] for place in order[:count]]
    block = build_block(GROWN.state, ZK, checkpoints=tuple(chosen))
    if order[:count] == list(range(count)):
        GROWN.ledger.try_push(block)
    else:
        with pytest.raises(CheckpointRejected):
            GROWN.ledger.try_push(block)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_flipping_any_bit_of_a_block_never_gives_another_acceptable_one(
    data: st.DataObject,
) -> None:
    """What decodes at all has another digest, or a body that its header does not commit to."""
    sealed = build_block(
        GROWN.state,
        ZK,
        checkpoints=tuple(GROWN.available(FAST)),
        operator_votes=(quarantine_vote(0),),
    )
    raw = bytearray(sealed.encoded)
    position = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[position // 8] ^= 1 << position % 8
    opened = try_open(bytes(raw))
    if opened is None or opened.digest != sealed.digest:
        return
    with pytest.raises(WrongBody):
        GROWN.ledger.try_push(opened)


def try_open(raw: bytes) -> SealedBlock | None:
    try:
        return open_block(raw)
    except CodecError:
        return None


def test_a_rejected_block_leaves_the_state_as_it_was() -> None:
    model = grown()
    before = model.state
    bad = model.available(FAST)[1:]
    with pytest.raises(BlockRejected):
        model.ledger.push(ZK, checkpoints=tuple(bad))
    assert model.state is before
    assert header_digest(model.ledger.blocks[-1].header) == before.digest
