"""Quarantine: the fast chain is cut off and comes back by votes on the ledger.

    free --(2f+1 quarantine votes of the sequence)--> quarantined
    quarantined --(2f+1 resume votes for one checkpoint)--> free, sequence + 1

While it is quarantined
- no checkpoint of the fast chain is taken, and no message from it is delivered:
  its execution is what is in doubt;
- no message is delivered *into* it either: value that enters a chain whose state
  may be wrong would raise the loss bound after the alarm. The messages wait, in
  order, and lose nothing;
- its blocks are still ordered (up to the limit that every chain has without
  checkpoints): the order survives, so honest execution can be replayed from it.

A resume names the last good checkpoint. Messages of it and before stay queued.
Queued messages of later checkpoints are dropped: the replay sends the honest ones
among them again. Those that the ZK chain has received already keep their nonces,
and the replay's outbox starts above them.

Votes for a quarantine also tighten the caps of rounds (:mod:`bridge.tightening`).

A validator may vote to resume from several checkpoints, a few at most: each vote
says "from here it is good", all stay counted, and the first checkpoint with a
quorum wins. Replacing a vote would let a leader put the older one back later.
"""

from dataclasses import replace
from itertools import takewhile
from typing import Final

from bridge.errors import (
    AlreadyQuarantined,
    DuplicateVote,
    InvalidOperatorVote,
    NotQuarantined,
    TooManyResumeVotes,
    UnknownResumePoint,
    WrongSequence,
)
from bridge.state import (
    MAX_QUARANTINE_NOTICES,
    MAX_RESUME_VOTES_PER_VALIDATOR,
    BridgeState,
    CountedResumeVote,
    QuarantineNotice,
    QuarantineState,
    RetainedCheckpoint,
)
from bridge.tightening import is_alarm, start_over, tighten
from bridge.work import FastReplay
from ledger.crossing import FastChainVote, QuarantineVote, ResumeVote
from ledger.errors import SignatureError
from ledger.types import Digest, Height, ValidatorIndex
from ledger.validators import ValidatorSet

REASON_OF_CARRIED_VOTES: Final = "votes of the epoch before"


def accept_fast_chain_vote(
    state: BridgeState,
    vote: FastChainVote,
    validators: ValidatorSet,
    carrier_height: Height,
    carrier_digest: Digest,
) -> tuple[BridgeState, FastReplay | None]:
    """The state with one more vote, and the replay if that vote ended a quarantine.

    Parameters
    ----------
    carrier_height, carrier_digest
        Of the block that carries the vote.

    Raises
    ------
    OperatorVoteRejected
        One of its subclasses, if the vote does not count.
    """
    if vote.sequence != state.quarantine.sequence:
        raise WrongSequence(f"got {vote.sequence}, expected {state.quarantine.sequence}")
    if isinstance(vote, QuarantineVote):
        _check_quarantine_vote(state.quarantine, vote)
        _verify(vote, validators)
        return _count_quarantine_vote(state, vote, validators, carrier_height), None
    point = _check_resume_vote(state, vote)
    _verify(vote, validators)
    return _count_resume_vote(state, vote, point, validators.quorum, carrier_digest)


def _verify(vote: FastChainVote, validators: ValidatorSet) -> None:
    try:
        validators.verify_operator_vote(vote)
    except SignatureError as error:
        raise InvalidOperatorVote(str(error)) from error


def _check_quarantine_vote(quarantine: QuarantineState, vote: QuarantineVote) -> None:
    if quarantine.is_active:
        raise AlreadyQuarantined(f"since height {quarantine.since_height}")
    if vote.signer in quarantine.votes:
        raise DuplicateVote(f"validator {vote.signer} has voted for quarantine {vote.sequence}")


def _count_quarantine_vote(
    state: BridgeState, vote: QuarantineVote, validators: ValidatorSet, height: Height
) -> BridgeState:
    votes = tuple(sorted((*state.quarantine.votes, vote.signer)))
    state = replace(state, quarantine=replace(state.quarantine, votes=votes))
    if is_alarm(len(votes), validators):
        state = tighten(state)
    return _begin(state, vote.reason, height) if len(votes) >= validators.quorum else state


def _begin(state: BridgeState, reason: str, height: Height) -> BridgeState:
    quarantine = state.quarantine
    notice = QuarantineNotice(True, state.fast.certified.number)
    begun = replace(
        quarantine,
        is_active=True,
        reason=reason,
        since_height=height,
        notices=_add_notice(quarantine, notice),
    )
    return replace(state, quarantine=begun)


def carry_votes(
    state: BridgeState, votes: tuple[ValidatorIndex, ...], quorum: int, height: Height
) -> BridgeState:
    """The state at the end of an epoch.

    Parameters
    ----------
    votes
        Quarantine votes of those who stay, by their new numbers. They may be a quorum of
        a smaller set: then the quarantine begins.
    quorum
        Of the new set.
    height
        Of the epoch's last block.
    """
    quarantine = replace(state.quarantine, votes=tuple(sorted(votes)), resume_votes=())
    state = replace(state, quarantine=quarantine)
    if quarantine.is_active or len(votes) < quorum:
        return state
    return _begin(tighten(state), REASON_OF_CARRIED_VOTES, height)


def _check_resume_vote(state: BridgeState, vote: ResumeVote) -> RetainedCheckpoint:
    if not state.quarantine.is_active:
        raise NotQuarantined(f"quarantine {vote.sequence} has not begun")
    counted = [past for past in state.quarantine.resume_votes if past.signer == vote.signer]
    if _counted(vote) in counted:
        raise DuplicateVote(f"validator {vote.signer} has voted for {vote.checkpoint_number}")
    if len(counted) >= MAX_RESUME_VOTES_PER_VALIDATOR:
        raise TooManyResumeVotes(f"validator {vote.signer} has voted {len(counted)} times")
    for point in state.fast.checkpoints:
        is_named = (point.number, point.state_root) == (
            vote.checkpoint_number,
            vote.checkpoint_state_root,
        )
        # The blocks after it have to be in the window, or they could not be certified again.
        if is_named and point.number + 1 >= state.fast.digests.first_number:
            return point
    raise UnknownResumePoint(
        f"no certified fast checkpoint {vote.checkpoint_number} with state root "
        f"{vote.checkpoint_state_root.hex()} among the last {len(state.fast.checkpoints)}"
    )


def _count_resume_vote(
    state: BridgeState, vote: ResumeVote, point: RetainedCheckpoint, quorum: int, anchor: Digest
) -> tuple[BridgeState, FastReplay | None]:
    counted = _counted(vote)
    votes = (*state.quarantine.resume_votes, counted)
    supporters = [
        past
        for past in votes
        if past.checkpoint_number == point.number and past.checkpoint_state_root == point.state_root
    ]
    if len(supporters) < quorum:
        return replace(state, quarantine=replace(state.quarantine, resume_votes=votes)), None
    return _resume(state, point, anchor)


def _resume(
    state: BridgeState, point: RetainedCheckpoint, anchor: Digest
) -> tuple[BridgeState, FastReplay]:
    fast, zk, quarantine = state.fast, state.zk, state.quarantine
    still_good = tuple(
        takewhile(lambda message: message.nonce < point.next_message_nonce, zk.pending)
    )
    delivered_nonce = zk.pending[0].nonce if zk.pending else fast.next_message_nonce
    next_nonce = max(point.next_message_nonce, delivered_nonce)
    replay = FastReplay(point.number, point.state_root, next_nonce, fast.next_system_nonce)
    kept = tuple(past for past in fast.checkpoints if past.number <= point.number)
    fast = replace(
        fast,
        digests=fast.digests.anchor_after(point.number, anchor),
        checkpoints=kept,
        next_message_nonce=next_nonce,
        next_system_nonce=fast.next_system_nonce + 1,
    )
    notice = QuarantineNotice(False, point.number)
    quarantine = replace(
        quarantine,
        sequence=quarantine.sequence + 1,
        is_active=False,
        votes=(),
        resume_votes=(),
        notices=_add_notice(quarantine, notice),
    )
    zk = replace(zk, pending=still_good)
    return start_over(replace(state, fast=fast, zk=zk, quarantine=quarantine)), replay


def _counted(vote: ResumeVote) -> CountedResumeVote:
    return CountedResumeVote(vote.signer, vote.checkpoint_number, vote.checkpoint_state_root)


def _add_notice(
    quarantine: QuarantineState, notice: QuarantineNotice
) -> tuple[QuarantineNotice, ...]:
    """Notices with one more; a pair that the ZK chain never saw is forgotten.

    Without a ZK block in between nothing was parked or delivered that the pair
    would have voided or stopped, so two opposite changes and a third are the third.
    """
    notices = (*quarantine.notices, notice)
    return notices[2:] if len(notices) > MAX_QUARANTINE_NOTICES else notices
