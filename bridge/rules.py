"""The rules of the ledger: whether a block follows, and the state after it.

Every validator runs :func:`apply_block` over the same blocks and so has the same
state and orders the same work. The order within a block is: header, evidence,
operator votes, the end of the epoch, checkpoints, L1's messages, work. So a block that
completes a quarantine cuts off the fast chain's checkpoints in itself already, and a
message is delivered at the earliest by the very block that carries its checkpoint.

Three checks are left to the caller: the checkpoints' signatures, since they are
expensive (:func:`bridge.checkpoints.certificates_of`), and the clock and L1, since
they are not the same for all (:func:`check_drift`). None is needed for a block that
is final.
"""

from dataclasses import replace
from typing import Final

from bridge.checkpoints import accept_checkpoint
from bridge.digests import WINDOW_BLOCKS
from bridge.errors import (
    AlreadyConvicted,
    BlockTooLarge,
    ChainTooFarAhead,
    InvalidEvidence,
    TimestampAhead,
    TimestampBeforeParent,
    ViewNotAfterParent,
    WrongBody,
    WrongChainNumber,
    WrongEpoch,
    WrongHeight,
    WrongNextMembers,
    WrongParent,
    WrongProposer,
)
from bridge.l1_queue import accept_l1_messages
from bridge.membership import accept_membership_vote, expected_next_members, settle_membership
from bridge.quarantine import accept_fast_chain_vote
from bridge.state import BridgeState
from bridge.work import (
    MAX_DELIVERIES_PER_BLOCK,
    MAX_ZK_ROOTS_PER_BLOCK,
    MAX_ZK_TRANSACTION_BYTES_PER_BLOCK,
    MAX_ZK_TRANSACTIONS_PER_BLOCK,
    ChainWork,
    Delivery,
    FastReplay,
    RecordZkRoot,
    SetCapHalvings,
    SetQuarantine,
    amend_for_replay,
    count_deliverable,
    deliverable_from_l1,
)
from ledger.block import MAX_BLOCK_BYTES, BlockHeader, SealedBlock, body_digest
from ledger.crossing import Message, OperatorVote, QuarantineVote, ResumeVote
from ledger.errors import EvidenceError, SignatureError
from ledger.evidence import Evidence, culprit_of
from ledger.types import BlockNumber, ChainRole, Digest, Height, ValidatorIndex
from ledger.validators import ValidatorSet

MAX_BLOCKS_WITHOUT_CHECKPOINT: Final = WINDOW_BLOCKS // 2
"""How far a chain's order may run ahead of its last certified checkpoint (8,064 blocks).

It bounds what the state holds, keeps order from outrunning execution without end,
and leaves as many older blocks in the window to resume from. Also a quarantined
chain is ordered no further than this.
"""


def apply_block(
    state: BridgeState, sealed: SealedBlock, validators: ValidatorSet, leader: ValidatorIndex
) -> tuple[BridgeState, ChainWork]:
    """The state after a block, and what the block's execution starts with.

    Parameters
    ----------
    validators
        The set of the epoch that ``state`` is in.
    leader
        Leader of the view in the block's header. The caller has compared that view
        with the one that the block is proposed in.

    Raises
    ------
    BlockRejected
        One of its subclasses, naming the rule that the block breaks.
    """
    header, body = sealed.header, sealed.body
    check_header(state, sealed, validators, leader)

    # EVIDENCE
    for evidence in body.evidence:
        state = accept_evidence(state, evidence, validators)

    # OPERATOR VOTES
    replay: FastReplay | None = None
    for vote in body.operator_votes:
        state, ended = accept_operator_vote(state, vote, validators, header.height, sealed.digest)
        replay = ended if ended is not None else replay

    # EPOCH
    expected = expected_next_members(state, header.height)
    if header.next_members != expected:
        raise WrongNextMembers(header.next_members, expected)

    # CHECKPOINTS
    for checkpoint in body.checkpoints:
        state = accept_checkpoint(state, checkpoint)
    if not has_room(state, header.chain):
        raise ChainTooFarAhead(
            f"block {header.chain_block_number} with the last checkpoint at "
            f"{state.chain(header.chain).certified.number}"
        )

    # L1
    state = accept_l1_messages(state, body.l1_messages)

    # WORK
    state = _append(state, sealed)
    state, work = _take_work(state, header.chain)
    work = replace(work, coinbase=validators.members[leader].entry.coinbase)
    if replay is not None:
        work = amend_for_replay(replace(work, replay=replay), replay)
    return settle_membership(state, header.height), work


def accept_operator_vote(
    state: BridgeState,
    vote: OperatorVote,
    validators: ValidatorSet,
    carrier_height: Height,
    carrier_digest: Digest,
) -> tuple[BridgeState, FastReplay | None]:
    """The state with one more operator's vote, and the replay if it ended a quarantine.

    Raises
    ------
    OperatorVoteRejected
        One of its subclasses, if the vote does not count.
    """
    if isinstance(vote, (QuarantineVote, ResumeVote)):
        return accept_fast_chain_vote(state, vote, validators, carrier_height, carrier_digest)
    return accept_membership_vote(state, vote, validators, carrier_height), None


def check_header(
    state: BridgeState, sealed: SealedBlock, validators: ValidatorSet, leader: ValidatorIndex
) -> None:
    """Check that a block's header extends the state, and that its body is the header's.

    Raises
    ------
    HeaderRejected
        One of its subclasses.
    """
    header = sealed.header
    if header.epoch != validators.epoch:
        raise WrongEpoch(header.epoch, validators.epoch)
    if header.epoch != state.membership.epoch:
        raise WrongEpoch(header.epoch, state.membership.epoch)
    if header.height != state.height + 1:
        raise WrongHeight(header.height, state.height + 1)
    if header.parent != state.digest:
        raise WrongParent(header.parent, state.digest)
    if header.view <= state.view:
        raise ViewNotAfterParent(f"view {header.view}, the parent's is {state.view}")
    if header.chain_block_number != state.chain(header.chain).number + 1:
        raise WrongChainNumber(header.chain_block_number, state.chain(header.chain).number + 1)
    if header.proposer != leader:
        raise WrongProposer(header.proposer, leader)
    if header.timestamp_ms < state.timestamp_ms:
        raise TimestampBeforeParent(f"{header.timestamp_ms} ms, parent {state.timestamp_ms} ms")
    if len(sealed.encoded) > MAX_BLOCK_BYTES:
        raise BlockTooLarge(f"{len(sealed.encoded)} bytes, at most {MAX_BLOCK_BYTES}")
    body = body_digest(sealed.body)
    if header.body != body:
        raise WrongBody(header.body, body)
    if header.chain is ChainRole.ZK:
        _check_provable(sealed.body.transactions)


def _check_provable(transactions: tuple[bytes, ...]) -> None:
    """Check that a block of the ZK chain lists no more than one proof can read."""
    if len(transactions) > MAX_ZK_TRANSACTIONS_PER_BLOCK:
        raise BlockTooLarge(
            f"{len(transactions)} transactions of the ZK chain, "
            f"at most {MAX_ZK_TRANSACTIONS_PER_BLOCK}"
        )
    size_bytes = sum(map(len, transactions))
    if size_bytes > MAX_ZK_TRANSACTION_BYTES_PER_BLOCK:
        raise BlockTooLarge(
            f"{size_bytes} bytes of transactions of the ZK chain, "
            f"at most {MAX_ZK_TRANSACTION_BYTES_PER_BLOCK}"
        )


def check_drift(header: BlockHeader, now_ms: int, max_drift_ms: int) -> None:
    """Check a proposal's time against this node's clock, before voting for it.

    Raises
    ------
    TimestampAhead
        If it lies further ahead than the genesis allows.
    """
    ahead_ms = header.timestamp_ms - now_ms
    if ahead_ms > max_drift_ms:
        raise TimestampAhead(f"{ahead_ms} ms ahead of the clock, at most {max_drift_ms} ms")


def has_room(state: BridgeState, role: ChainRole) -> bool:
    """Whether one more block of the chain keeps within its distance from the last checkpoint."""
    chain = state.chain(role)
    return chain.number + 1 - chain.certified.number <= MAX_BLOCKS_WITHOUT_CHECKPOINT


def accept_evidence(
    state: BridgeState, evidence: Evidence, validators: ValidatorSet
) -> BridgeState:
    """The state with one more validator convicted.

    Raises
    ------
    EvidenceRejected
        If the evidence is wrong, or the validator convicted already.
    """
    try:
        culprit = culprit_of(evidence)
        if culprit in state.convicted:
            raise AlreadyConvicted(f"validator {culprit}")
        validators.verify_evidence(evidence)
    except (EvidenceError, SignatureError) as error:
        raise InvalidEvidence(str(error)) from error
    return replace(state, convicted=tuple(sorted((*state.convicted, culprit))))


def has_work(state: BridgeState, role: ChainRole) -> bool:
    """Whether something waits for the chain's next block: messages, roots, quarantine, caps."""
    is_told = state.caps.told_halvings == state.caps.halvings
    if role is ChainRole.ZK and (state.quarantine.notices or not is_told or state.pending_l1):
        return True
    if state.quarantine.is_active:
        return False
    return bool(state.chain(role).pending) or (
        role is ChainRole.FAST and bool(state.pending_zk_roots)
    )


def next_deliveries(
    state: BridgeState, role: ChainRole
) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """What the chain's next block delivers: of L1 first, then of the other chain.

    L1's go on during a quarantine, which is of the fast chain.
    """
    from_l1 = deliverable_from_l1(state.pending_l1) if role is ChainRole.ZK else ()
    from_other_chain = () if state.quarantine.is_active else state.chain(role).pending
    count = count_deliverable(role, from_l1 + from_other_chain[:MAX_DELIVERIES_PER_BLOCK])
    from_l1 = from_l1[:count]
    return from_l1, from_other_chain[: count - len(from_l1)]


def _append(state: BridgeState, sealed: SealedBlock) -> BridgeState:
    header = sealed.header
    chain = state.chain(header.chain)
    chain = replace(
        chain,
        number=header.chain_block_number,
        timestamp_ms=header.timestamp_ms,
        digests=chain.digests.append(sealed.digest),
    )
    return replace(
        state.with_chain(header.chain, chain),
        height=header.height,
        digest=sealed.digest,
        view=header.view,
        timestamp_ms=header.timestamp_ms,
    )


def _take_work(state: BridgeState, role: ChainRole) -> tuple[BridgeState, ChainWork]:
    chain = state.chain(role)
    work = ChainWork(role, BlockNumber(chain.number), chain.next_system_nonce)

    # QUARANTINE
    if role is ChainRole.ZK and state.quarantine.notices:
        changes = tuple(
            SetQuarantine(notice.is_active, notice.last_good_checkpoint)
            for notice in state.quarantine.notices
        )
        work = replace(work, quarantine=changes)
        state = replace(state, quarantine=replace(state.quarantine, notices=()))

    # CAPS: before any delivery, which they bound
    if role is ChainRole.ZK and state.caps.told_halvings != state.caps.halvings:
        work = replace(work, cap_halvings=SetCapHalvings(state.caps.halvings))
        told = replace(state.caps, told_halvings=state.caps.halvings)
        state = replace(state, caps=told)

    # ZK ROOTS
    if role is ChainRole.FAST and not state.quarantine.is_active:
        taken = state.pending_zk_roots[:MAX_ZK_ROOTS_PER_BLOCK]
        roots = tuple(RecordZkRoot(root.number, root.state_root) for root in taken)
        work = replace(work, zk_roots=roots)
        state = replace(state, pending_zk_roots=state.pending_zk_roots[len(taken) :])

    # DELIVERIES
    from_l1, from_other_chain = next_deliveries(state, role)
    work = replace(
        work,
        l1_deliveries=tuple(map(Delivery, from_l1)),
        deliveries=tuple(map(Delivery, from_other_chain)),
    )
    state = replace(state, pending_l1=state.pending_l1[len(from_l1) :])
    chain = replace(
        chain,
        pending=chain.pending[len(from_other_chain) :],
        next_system_nonce=work.next_system_nonce,
    )
    return state.with_chain(role, chain), work
