"""What a leader puts into a block: which chain, and which parts besides transactions.

This is taste, not law: validators check the rules of ``rules.py`` alone. Parts are
chosen by the very functions that validators judge them with, so what a leader
proposes is valid, and a part that does not fit is left for a later block.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.checkpoints import accept_checkpoint
from bridge.errors import BlockRejected
from bridge.l1_queue import accept_l1_messages
from bridge.rules import accept_evidence, accept_operator_vote, has_room, has_work
from bridge.state import BridgeState
from ledger.block import (
    MAX_CHECKPOINTS_PER_BLOCK,
    MAX_EVIDENCE_PER_BLOCK,
    MAX_L1_MESSAGES_PER_BLOCK,
    MAX_OPERATOR_VOTES_PER_BLOCK,
)
from ledger.codec import encode
from ledger.crossing import CertifiedCheckpoint, Message, OperatorVote
from ledger.evidence import Evidence
from ledger.genesis import Timing
from ledger.types import ZERO_DIGEST, ChainRole, Height
from ledger.validators import ValidatorSet

MAX_PARTS_BYTES: Final = 1024 * 1024
"""Half a block: checkpoints never crowd out the users' transactions."""

MAX_L1_BYTES: Final = 128 * 1024
"""Beside the other parts, whose bound a full outbox may need all of: a forged outbox of the fast
chain can so not keep L1's messages away. Room for the longest message, and for a full number of
ordinary ones."""


@dataclass(frozen=True, slots=True)
class BodyParts:
    """What a block carries besides transactions.

    ``state`` is the parent's with these parts applied, and tells what a block of
    either chain would have to do; ``encoded_bytes`` is what the parts take.
    """

    checkpoints: tuple[CertifiedCheckpoint, ...]
    evidence: tuple[Evidence, ...]
    operator_votes: tuple[OperatorVote, ...]
    l1_messages: tuple[Message, ...]
    state: BridgeState
    encoded_bytes: int


def select_parts(
    state: BridgeState,
    validators: ValidatorSet,
    checkpoints: Iterable[CertifiedCheckpoint] = (),
    evidence: Iterable[Evidence] = (),
    operator_votes: Iterable[OperatorVote] = (),
    l1_messages: Iterable[Message] = (),
    limit_bytes: int = MAX_PARTS_BYTES,
) -> BodyParts:
    """The valid parts among those at hand, in the given order, as many as fit.

    Parameters
    ----------
    state
        After the block that the proposal extends.
    checkpoints
        Certified (their certificates are taken as verified), ascending per chain.
    l1_messages
        Entries of L1's queue in order, from ``state.next_l1_nonce`` on.
    limit_bytes
        Bound on the encoding of all parts together but L1's messages, which have their own.
    """
    budget = _Budget(limit_bytes)

    # EVIDENCE
    chosen_evidence: list[Evidence] = []
    for item in evidence:
        if len(chosen_evidence) == MAX_EVIDENCE_PER_BLOCK:
            break
        try:
            following = accept_evidence(state, item, validators)
        except BlockRejected:
            continue
        if budget.take(item):
            state = following
            chosen_evidence.append(item)

    # OPERATOR VOTES
    chosen_votes: list[OperatorVote] = []
    for vote in operator_votes:
        if len(chosen_votes) == MAX_OPERATOR_VOTES_PER_BLOCK:
            break
        # The block has no digest yet; only the digests after a replay depend on it, and a
        # checkpoint of a replayed block cannot exist before the replay was ordered.
        height = Height(state.height + 1)
        try:
            following, _ = accept_operator_vote(state, vote, validators, height, ZERO_DIGEST)
        except BlockRejected:
            continue
        if budget.take(vote):
            state = following
            chosen_votes.append(vote)

    # CHECKPOINTS
    chosen: list[CertifiedCheckpoint] = []
    for checkpoint in checkpoints:
        if len(chosen) == MAX_CHECKPOINTS_PER_BLOCK:
            break
        try:
            following = accept_checkpoint(state, checkpoint)
        except BlockRejected:
            continue
        if budget.take(checkpoint):
            state = following
            chosen.append(checkpoint)

    # L1
    l1_budget = _Budget(MAX_L1_BYTES)
    chosen_l1: list[Message] = []
    for message in l1_messages:
        if len(chosen_l1) == MAX_L1_MESSAGES_PER_BLOCK:
            break
        try:
            following = accept_l1_messages(state, (message,))
        except BlockRejected:
            break  # None behind it can be the next one either.
        if not l1_budget.take(message):
            break
        state = following
        chosen_l1.append(message)

    return BodyParts(
        tuple(chosen),
        tuple(chosen_evidence),
        tuple(chosen_votes),
        tuple(chosen_l1),
        state,
        budget.used_bytes + l1_budget.used_bytes,
    )


def choose_chain(
    state: BridgeState, timing: Timing, now_ms: int, has_zk_transactions: bool
) -> ChainRole | None:
    """The chain that the next block is to be of.

    A fast block in each view; a ZK block instead when ZK transactions or the
    ledger's work wait and ``zk_interval_ms`` has passed since the last one, and at
    the latest after ``zk_idle_interval_ms``.

    Parameters
    ----------
    state
        ``BodyParts.state``: what is proposed with the block counts.

    Returns
    -------
    ChainRole or None
        None if neither chain may go on before a checkpoint of it is certified.
    """
    since_zk_ms = now_ms - state.zk.timestamp_ms
    has_zk_work = has_zk_transactions or has_work(state, ChainRole.ZK)
    is_zk_wanted = has_zk_work and since_zk_ms >= timing.zk_interval_ms
    is_zk_beat_due = since_zk_ms >= timing.zk_idle_interval_ms
    preferred = ChainRole.ZK if is_zk_wanted or is_zk_beat_due else ChainRole.FAST
    if has_room(state, preferred):
        return preferred
    return preferred.other if has_room(state, preferred.other) else None


class _Budget:
    """Bytes that may still be used."""

    def __init__(self, limit_bytes: int) -> None:
        self.used_bytes = 0
        self._limit_bytes = limit_bytes

    def take(self, part: CertifiedCheckpoint | Evidence | OperatorVote | Message) -> bool:
        size = len(encode(part))
        is_too_much = self.used_bytes + size > self._limit_bytes
        if is_too_much:
            return False
        self.used_bytes += size
        return True
