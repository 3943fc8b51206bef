"""The state of the ledger after a block: what the rules need to judge the next one.

A pure function of genesis and blocks, so all validators have the same. It is a
wire type: a node stores its encoding as a snapshot and starts again from there.
"""

from dataclasses import replace
from typing import Annotated, Final

from bridge.digests import EMPTY_WINDOW, DigestWindow
from ledger.bounds import AtMost, Uint
from ledger.codec import wire
from ledger.crossing import Message
from ledger.genesis import Genesis, genesis_digest
from ledger.membership import Member, ValidatorSetChange, genesis_members
from ledger.types import (
    MAX_VALIDATORS,
    BlockNumber,
    BlockNumberField,
    ChainId,
    ChainIdField,
    ChainRole,
    Digest,
    DigestField,
    EpochField,
    EvmHash,
    EvmHashField,
    GasField,
    Height,
    HeightField,
    TimestampMs,
    TimestampMsField,
    ValidatorIndexField,
    View,
    ViewField,
)

MAX_PENDING_MESSAGES: Final = 16_384
"""Longest queue of messages into one chain. A checkpoint that would make it longer has to wait
for deliveries; without the bound a lying fast chain could fill every validator's memory."""

MAX_QUEUED_MESSAGES: Final = MAX_PENDING_MESSAGES // 2
"""Longest queue outside a quarantine. In one, nothing is delivered and the ZK chain's Portal takes
no message any more, but those of blocks before it still need room: without the other half for
them, the ZK chain's checkpoints would wait for a resume, and in the end the chain too."""

MAX_PENDING_L1_MESSAGES: Final = 1024
"""Longest queue of L1's messages. Each costs gas on L1, so a full one is paid for; what does not
fit stays in L1's own queue."""

MAX_RETAINED_CHECKPOINTS: Final = 256
"""So many of a chain's last certified checkpoints can be named to resume from."""

MAX_PENDING_ZK_ROOTS: Final = 16
"""Older ZK roots that the fast chain has not seen are dropped: an ownership proof needs a recent
one."""

MAX_RESUME_VOTES_PER_VALIDATOR: Final = 4
MAX_QUARANTINE_NOTICES: Final = 2

GENESIS_STATE_ROOT: Final = EvmHash(bytes(32))
"""Stands for the root of the state before block 1, which the ledger does not know."""


@wire(71)
class RetainedCheckpoint:
    """What the ledger keeps of a checkpoint that it has certified."""

    number: BlockNumberField
    state_root: EvmHashField
    next_message_nonce: GasField


@wire(72)
class ChainState:
    """One chain as the ledger sees it.

    ``checkpoints`` ends in the last certified one. ``next_message_nonce`` is that of
    this chain's outbox which the next checkpoint must start with. ``pending`` are
    messages of the *other* chain, certified and not yet delivered into this one.
    """

    chain_id: ChainIdField
    number: BlockNumberField
    timestamp_ms: TimestampMsField
    digests: DigestWindow
    checkpoints: Annotated[tuple[RetainedCheckpoint, ...], AtMost(MAX_RETAINED_CHECKPOINTS)]
    next_message_nonce: GasField
    pending: Annotated[tuple[Message, ...], AtMost(MAX_PENDING_MESSAGES)]
    next_system_nonce: GasField

    @property
    def certified(self) -> RetainedCheckpoint:
        """The last certified checkpoint (block 0 before the first)."""
        return self.checkpoints[-1]


@wire(73)
class CountedResumeVote:
    """A resume vote on the ledger."""

    signer: ValidatorIndexField
    checkpoint_number: BlockNumberField
    checkpoint_state_root: EvmHashField


@wire(74)
class QuarantineNotice:
    """A change of the quarantine that the ZK chain has still to be told."""

    is_active: bool
    last_good_checkpoint: BlockNumberField


@wire(75)
class QuarantineState:
    """Whether the fast chain is cut off, and the votes about the quarantine ``sequence``.

    ``sequence`` counts the quarantines that are over. ``reason`` and ``since_height``
    are those of the running one, else of the last.
    """

    sequence: GasField
    is_active: bool
    reason: Annotated[str, AtMost(64)]
    since_height: HeightField
    votes: Annotated[tuple[ValidatorIndexField, ...], AtMost(MAX_VALIDATORS)]
    resume_votes: Annotated[
        tuple[CountedResumeVote, ...], AtMost(MAX_VALIDATORS * MAX_RESUME_VOTES_PER_VALIDATOR)
    ]
    notices: Annotated[tuple[QuarantineNotice, ...], AtMost(MAX_QUARANTINE_NOTICES)]


@wire(77)
class CapState:
    """How tight the caps of game rounds are: divided by two to the power of ``halvings``.

    ``told_halvings`` is what the ZK chain knows. Fast blocks after ``clean_from`` count
    towards a relaxation (:mod:`bridge.tightening`).
    """

    halvings: Annotated[int, Uint(8)]
    told_halvings: Annotated[int, Uint(8)]
    clean_from: BlockNumberField


@wire(78)
class OpenChange:
    """A change of the validator set that is put to the vote, and who has voted for it."""

    change: ValidatorSetChange
    proposer: ValidatorIndexField
    votes: Annotated[tuple[ValidatorIndexField, ...], AtMost(MAX_VALIDATORS)]


@wire(79)
class Membership:
    """The epoch and the set of the next block, and what may come after them.

    A validator has one open change at most. ``decided`` holds the one that a quorum
    has voted for; the others lapse with it.
    """

    epoch: EpochField
    members: Annotated[tuple[Member, ...], AtMost(MAX_VALIDATORS)]
    open_changes: Annotated[tuple[OpenChange, ...], AtMost(MAX_VALIDATORS)]
    decided: Annotated[tuple[ValidatorSetChange, ...], AtMost(1)]


@wire(76)
class BridgeState:
    """The ledger's state after the block ``digest``.

    ``l1_chain_id`` is 0 in a network without L1. ``next_l1_nonce`` is that of the entry
    of L1's queue which comes next on the ledger; ``pending_l1`` are those that are on it
    and not yet delivered into the ZK chain.
    """

    height: HeightField
    digest: DigestField
    view: ViewField
    timestamp_ms: TimestampMsField
    zk: ChainState
    fast: ChainState
    pending_zk_roots: Annotated[tuple[RetainedCheckpoint, ...], AtMost(MAX_PENDING_ZK_ROOTS)]
    quarantine: QuarantineState
    caps: CapState
    convicted: Annotated[tuple[ValidatorIndexField, ...], AtMost(MAX_VALIDATORS)]
    l1_chain_id: ChainIdField
    next_l1_nonce: GasField
    pending_l1: Annotated[tuple[Message, ...], AtMost(MAX_PENDING_L1_MESSAGES)]
    membership: Membership

    def chain(self, role: ChainRole) -> ChainState:
        """One of the chains."""
        return self.zk if role is ChainRole.ZK else self.fast

    def with_chain(self, role: ChainRole, chain: ChainState) -> "BridgeState":
        """The state with one chain changed."""
        return replace(self, zk=chain) if role is ChainRole.ZK else replace(self, fast=chain)

    def role_of(self, chain_id: ChainId) -> ChainRole | None:
        """Which chain has this id."""
        for role in ChainRole:
            if self.chain(role).chain_id == chain_id:
                return role
        return None

    def expected_ledger_digest(self, role: ChainRole, number: BlockNumber) -> Digest | None:
        """What a checkpoint of this block must have as ``ledger_digest``: what a node attests.

        None where the ledger has no such block, or had it too long ago.
        """
        return self.chain(role).digests.find(number)


def initial_state(genesis: Genesis) -> BridgeState:
    """The state before the first block."""

    def chain(role: ChainRole) -> ChainState:
        return ChainState(
            chain_id=genesis.chain(role).chain_id,
            number=BlockNumber(0),
            timestamp_ms=genesis.timestamp_ms,
            digests=EMPTY_WINDOW,
            checkpoints=(RetainedCheckpoint(BlockNumber(0), GENESIS_STATE_ROOT, 0),),
            next_message_nonce=0,
            pending=(),
            next_system_nonce=0,
        )

    return BridgeState(
        height=Height(0),
        digest=genesis_digest(genesis),
        view=View(0),
        timestamp_ms=TimestampMs(genesis.timestamp_ms),
        zk=chain(ChainRole.ZK),
        fast=chain(ChainRole.FAST),
        pending_zk_roots=(),
        quarantine=QuarantineState(0, False, "", Height(0), (), (), ()),
        caps=CapState(0, 0, BlockNumber(0)),
        convicted=(),
        l1_chain_id=genesis.l1.chain_id,
        next_l1_nonce=0,
        pending_l1=(),
        membership=Membership(genesis.epoch, genesis_members(genesis), (), ()),
    )
