"""Votes into their tallies, and contradictions among them into evidence (rule 14)."""

from consensus.effects import EvidenceFound
from consensus.state import ViewState
from consensus.tally import Tally, VoteT
from consensus.turn import Turn
from ledger.evidence import ConflictingFinalize, ConflictingNotarize, Evidence, NullifyFinalize
from ledger.types import ValidatorIndex
from ledger.votes import Finalize, Notarize, Vote, subject_of


def record_vote(turn: Turn, view_state: ViewState, vote: Vote, *, is_verified: bool) -> None:
    """Count a vote.

    Parameters
    ----------
    is_verified
        Whether its signature was checked. If not, the vote came from its signer itself.
    """
    if isinstance(vote, Notarize):
        _record(turn, view_state, view_state.notarizes, vote, is_verified)
    elif isinstance(vote, Finalize):
        _record(turn, view_state, view_state.finalizes, vote, is_verified)
        _look_for_nullify_and_finalize(turn, view_state, vote.signer)
    else:
        _record(turn, view_state, view_state.nullifies, vote, is_verified)
        _look_for_nullify_and_finalize(turn, view_state, vote.signer)


def is_verified_already(view_state: ViewState, vote: Vote) -> bool:
    """Whether this very vote, signature included, was checked before."""
    if isinstance(vote, Notarize):
        return _holds_verified(view_state.notarizes, vote)
    if isinstance(vote, Finalize):
        return _holds_verified(view_state.finalizes, vote)
    return _holds_verified(view_state.nullifies, vote)


def _holds_verified(tally: Tally[VoteT], vote: VoteT) -> bool:
    return vote.signer in tally.verified and tally.votes[vote.signer] == vote


def _record(
    turn: Turn, view_state: ViewState, tally: Tally[VoteT], vote: VoteT, is_verified: bool
) -> None:
    held = tally.votes.get(vote.signer)
    is_first = held is None
    is_confirmation = is_verified and vote.signer not in tally.verified
    if held is not None and subject_of(held) != subject_of(vote):
        _judge_conflict(turn, view_state, tally, held, vote, is_verified)
    elif is_first or is_confirmation:
        tally.put(vote, is_verified=is_verified)
    else:
        return
    turn.touch(view_state.view)


def _judge_conflict(
    turn: Turn,
    view_state: ViewState,
    tally: Tally[VoteT],
    held: VoteT,
    vote: VoteT,
    is_verified: bool,
) -> None:
    """Two votes of one kind for two proposals: evidence if both are genuine."""
    kind = ConflictingNotarize if isinstance(vote, Notarize) else ConflictingFinalize
    if (kind, vote.signer) in view_state.convicted:
        return
    if not is_verified and not turn.has_valid_signature(view_state, vote):
        return
    if not turn.is_genuine(view_state, tally, held):
        tally.put(vote, is_verified=True)
        return
    if isinstance(held, Notarize) and isinstance(vote, Notarize):
        view_state.is_leader_equivocating |= vote.signer == view_state.leader
        _convict(turn, view_state, ConflictingNotarize(held, vote), vote.signer)
    if isinstance(held, Finalize) and isinstance(vote, Finalize):
        _convict(turn, view_state, ConflictingFinalize(held, vote), vote.signer)


def _look_for_nullify_and_finalize(
    turn: Turn, view_state: ViewState, signer: ValidatorIndex
) -> None:
    nullify = view_state.nullifies.votes.get(signer)
    finalize = view_state.finalizes.votes.get(signer)
    is_convicted = (NullifyFinalize, signer) in view_state.convicted
    if nullify is None or finalize is None or is_convicted:
        return
    are_genuine = turn.is_genuine(view_state, view_state.nullifies, nullify) and turn.is_genuine(
        view_state, view_state.finalizes, finalize
    )
    if are_genuine:
        _convict(turn, view_state, NullifyFinalize(nullify, finalize), signer)


def _convict(turn: Turn, view_state: ViewState, evidence: Evidence, signer: ValidatorIndex) -> None:
    view_state.convicted.add((type(evidence), signer))
    turn.emit(EvidenceFound(evidence))
