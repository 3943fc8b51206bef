"""Votes and certificates from peers: bounded, verified where it matters, then recorded."""

from consensus.effects import Fault, PeerFault
from consensus.progress import accept_finalization, accept_notarization, accept_nullification
from consensus.record import is_verified_already, record_vote
from consensus.state import ConsensusState
from consensus.turn import Turn
from ledger.errors import InvalidSigners, SignatureError
from ledger.signers import unpack_quorum
from ledger.types import Ed25519Signature, ValidatorIndex, View
from ledger.votes import (
    Certificate,
    Finalization,
    Finalize,
    Notarization,
    Notarize,
    Nullification,
    Nullify,
    Vote,
    subject_of,
)


def receive_vote(turn: Turn, peer: ValidatorIndex, vote: Vote) -> None:
    """Record a vote that a peer cast itself (rules 12 and 13)."""
    state = turn.state
    subject = subject_of(vote)
    is_ours = subject.epoch == turn.config.validators.epoch
    if not is_ours:
        return  # In another epoch the peer may have had another number.
    if vote.signer != peer:
        turn.emit(PeerFault(peer, Fault.FOREIGN_VOTE))
        return
    if not _is_in_window(state, subject.view):
        return
    view_state = state.open_view(subject.view)
    if peer in view_state.refused:
        return
    state.last_active[peer] = max(state.last_active[peer], subject.view)
    record_vote(turn, view_state, vote, is_verified=False)


def receive_certificate(turn: Turn, peer: ValidatorIndex, certificate: Certificate) -> bool:
    """Verify and accept a certificate from a peer, unless it says nothing new (rule 12).

    Returns whether the peer may go on: false if the certificate is a forgery.
    """
    state = turn.state
    subject = subject_of(certificate)
    is_ours = subject.epoch == turn.config.validators.epoch
    if not is_ours or subject.view <= state.finalized or _is_held(state, certificate):
        return True
    try:
        votes = _verified_votes(state, certificate)
    except SignatureError:
        turn.emit(PeerFault(peer, Fault.BAD_CERTIFICATE))
        return False
    view_state = state.open_view(subject.view)
    for vote in votes:
        state.last_active[vote.signer] = max(state.last_active[vote.signer], subject.view)
        record_vote(turn, view_state, vote, is_verified=True)
    if isinstance(certificate, Notarization):
        accept_notarization(turn, view_state, certificate, is_assembled=False)
    elif isinstance(certificate, Nullification):
        accept_nullification(turn, view_state, certificate, is_assembled=False)
    else:
        accept_finalization(turn, view_state, certificate, is_assembled=False)
    return True


def _is_in_window(state: ConsensusState, view: View) -> bool:
    lowest = max(state.config.origin_view + 1, state.finalized - state.config.retained_views)
    return lowest <= view <= state.view + state.config.view_horizon


def _is_held(state: ConsensusState, certificate: Certificate) -> bool:
    view_state = state.views.get(subject_of(certificate).view)
    if view_state is None:
        return False
    if isinstance(certificate, Notarization):
        return view_state.notarization is not None
    return isinstance(certificate, Nullification) and view_state.nullification is not None


def _verified_votes(state: ConsensusState, certificate: Certificate) -> list[Vote]:
    """The certificate's votes; signatures that were checked before are not checked again.

    Raises
    ------
    SignatureError
        If there is no quorum, or a signature is wrong.
    """
    validators = state.config.validators
    signers = unpack_quorum(certificate.signers, validators.count)
    if len(signers) != len(certificate.signatures):
        raise InvalidSigners(f"{len(certificate.signatures)} signatures, {len(signers)} signers")
    view_state = state.views.get(subject_of(certificate).view)
    votes: list[Vote] = []
    for signer, signature in zip(signers, certificate.signatures, strict=True):
        vote = _vote_in(certificate, signer, signature)
        if view_state is None or not is_verified_already(view_state, vote):
            validators.verify_vote(vote)
        votes.append(vote)
    return votes


def _vote_in(certificate: Certificate, signer: ValidatorIndex, signature: Ed25519Signature) -> Vote:
    if isinstance(certificate, Notarization):
        return Notarize(certificate.proposal, signer, signature)
    if isinstance(certificate, Finalization):
        return Finalize(certificate.proposal, signer, signature)
    return Nullify(certificate.round, signer, signature)
