"""Votes into certificates (rules 4, 6 and 9), verified when a quorum's worth is here."""

from consensus.progress import accept_finalization, accept_notarization, accept_nullification
from consensus.state import ViewState
from consensus.tally import Tally, VoteT
from consensus.turn import Turn
from ledger.signers import pack_signers
from ledger.types import Ed25519Signature
from ledger.votes import Finalization, Notarization, Nullification, Proposal, Round


def assemble_certificates(turn: Turn, view_state: ViewState) -> None:
    """Make every certificate of a view that its votes suffice for and that is not held yet."""
    needed = turn.config.validators.quorum
    if view_state.notarization is None and len(view_state.notarizes.votes) >= needed:
        _assemble_notarization(turn, view_state)
    if view_state.nullification is None and len(view_state.nullifies.votes) >= needed:
        _assemble_nullification(turn, view_state)
    is_final = view_state.view <= turn.state.finalized
    if not is_final and len(view_state.finalizes.votes) >= needed:
        _assemble_finalization(turn, view_state)


def _assemble_notarization(turn: Turn, view_state: ViewState) -> None:
    proposal = _popular_proposal(turn, view_state.notarizes)
    votes = _genuine_quorum(turn, view_state, view_state.notarizes, proposal)
    if proposal is not None and votes is not None:
        certificate = Notarization(proposal, *_signatures(votes))
        accept_notarization(turn, view_state, certificate, is_assembled=True)


def _assemble_nullification(turn: Turn, view_state: ViewState) -> None:
    subject = Round(turn.config.validators.epoch, view_state.view)
    votes = _genuine_quorum(turn, view_state, view_state.nullifies, subject)
    if votes is not None:
        certificate = Nullification(subject, *_signatures(votes))
        accept_nullification(turn, view_state, certificate, is_assembled=True)


def _assemble_finalization(turn: Turn, view_state: ViewState) -> None:
    proposal = _popular_proposal(turn, view_state.finalizes)
    votes = _genuine_quorum(turn, view_state, view_state.finalizes, proposal)
    if proposal is not None and votes is not None:
        certificate = Finalization(proposal, *_signatures(votes))
        accept_finalization(turn, view_state, certificate, is_assembled=True)


def _popular_proposal(turn: Turn, tally: Tally[VoteT]) -> Proposal | None:
    """The one proposal, if any, that a quorum voted for; two quorums share a voter."""
    for subject, count in tally.counts.items():
        if count >= turn.config.validators.quorum and isinstance(subject, Proposal):
            return subject
    return None


def _genuine_quorum(
    turn: Turn, view_state: ViewState, tally: Tally[VoteT], subject: Proposal | Round | None
) -> list[VoteT] | None:
    """A quorum of votes with checked signatures, by ascending signer; no more are checked."""
    needed = turn.config.validators.quorum
    if subject is None or tally.counts.get(subject, 0) < needed:
        return None
    genuine: list[VoteT] = []
    for vote in tally.supporters(subject):
        if turn.is_genuine(view_state, tally, vote):
            genuine.append(vote)
        if len(genuine) == needed:
            return sorted(genuine, key=lambda counted: counted.signer)
    return None


def _signatures(votes: list[VoteT]) -> tuple[bytes, tuple[Ed25519Signature, ...]]:
    return pack_signers(vote.signer for vote in votes), tuple(vote.signature for vote in votes)
