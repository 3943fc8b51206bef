"""Rule 16: an epoch starts where the one before ended, and hears nothing of the others."""

from dataclasses import replace

import pytest

from consensus import (
    CertificateRequest,
    CertificateResponse,
    CheckPayload,
    EnteredView,
    Fault,
    PeerFault,
    Persist,
    PublishPayload,
    RequestProposal,
    Start,
    ViewRequest,
    ViewResponse,
    VotesFrom,
    epoch_of,
    initial_state,
)
from consensus.epochs import epoch_of_record
from consensus.messages import CHALLENGE_BYTES
from ledger.types import Digest, Epoch, ValidatorIndex, View
from ledger.votes import Notarize, Proposal, Round
from tests.simulation.bench import Bench
from tests.simulation.keys import KeyedHashValidators

ORIGIN = Digest(b"\x07" * 32)
ORIGIN_VIEW = View(40)
CHALLENGE = bytes(CHALLENGE_BYTES)


class LaterBench(Bench):
    """Validator 0 of four in epoch 1, which starts from view 40: view 41 is led by 2, 43 by 0."""

    def __init__(self, index: int = 0) -> None:
        super().__init__(index)
        self.validators = KeyedHashValidators(4, epoch=1)
        self.config = replace(
            self.config,
            index=ValidatorIndex(index),
            validators=self.validators,
            sign=self.validators.signer(ValidatorIndex(index)),
            origin_view=ORIGIN_VIEW,
            origin_payload=ORIGIN,
        )
        self.state = initial_state(self.config)


@pytest.fixture
def later() -> LaterBench:
    later = LaterBench()
    later.start()
    return later


def test_the_first_view_follows_that_of_the_origin(later: LaterBench) -> None:
    assert EnteredView(View(41), ValidatorIndex(2)) in later.effects
    assert later.state.finalized == ORIGIN_VIEW


def test_the_first_proposal_extends_the_origin(later: LaterBench) -> None:
    proposal = later.proposal(41)
    assert CheckPayload(proposal, ORIGIN) in later.accept(proposal)
    leader = LaterBench(index=2)
    assert RequestProposal(View(41), ORIGIN_VIEW, ORIGIN) in leader.start()


def test_a_proposal_on_a_view_before_the_origin_is_bad(later: LaterBench) -> None:
    proposal = later.proposal(41, parent=39)
    effects = later.hear(2, later.notarize(2, proposal))
    assert PeerFault(ValidatorIndex(2), Fault.BAD_PARENT) in effects


def test_a_restart_goes_on_in_the_epoch(later: LaterBench) -> None:
    proposal = later.proposal(41)
    later.accept(proposal)
    records = tuple(effect.record for effect in later.effects if isinstance(effect, Persist))
    again = LaterBench()
    again.start(*records)
    assert again.state.view == 41
    own = again.state.views[View(41)].own_notarize
    assert own is not None
    assert own.proposal == proposal


def test_who_has_forgotten_its_votes_counts_from_the_origin_on() -> None:
    """The others are in the first view of the epoch, which no certificate is needed for."""
    forgetful = LaterBench()
    forgetful.step(Start((), CHALLENGE))
    assert forgetful.state.votes_from is None
    for peer in (1, 2, 3):
        forgetful.hear(peer, ViewResponse(Epoch(1), CHALLENGE, ()))
    assert forgetful.state.votes_from == 43


def test_the_promise_of_one_epoch_binds_in_it_alone() -> None:
    later = LaterBench()
    later.step(Start((VotesFrom(Round(Epoch(1), View(41))),), CHALLENGE))
    assert later.state.votes_from == 41
    assert epoch_of_record(VotesFrom(Round(Epoch(1), View(41)))) == 1
    assert epoch_of_record(later.nullify(1, 41)) == 1


@pytest.mark.parametrize("signer", [1, 2])
def test_votes_of_another_epoch_count_for_nothing_and_blame_nobody(
    later: LaterBench, signer: int
) -> None:
    """Also if the peer had another number in that epoch, under which it signed."""
    bench = Bench()
    proposal = Proposal(Epoch(0), View(41), View(40), Digest(bytes(32)))
    for vote in (bench.notarize(signer, proposal), bench.nullify(signer, 41)):
        assert later.hear(1, vote) == []
    assert later.state.views[View(41)].notarizes.votes == {}


def test_certificates_of_another_epoch_count_for_nothing(later: LaterBench) -> None:
    bench = Bench()
    proposal = Proposal(Epoch(0), View(41), View(40), Digest(bytes(32)))
    certificates = (
        bench.notarization(proposal),
        bench.finalization(proposal),
        bench.nullification(41),
    )
    for certificate in certificates:
        assert later.hear(1, certificate) == []
    assert later.hear(1, CertificateResponse(certificates)) == []
    assert later.state.view == 41


def test_a_certificate_of_the_old_set_under_the_name_of_the_new_epoch_is_a_forgery(
    later: LaterBench,
) -> None:
    """All four keys are the same in both epochs: only the epoch in what is signed differs."""
    proposal = Proposal(Epoch(0), View(41), View(40), Digest(bytes(32)))
    found = Bench().finalization(proposal)
    forged = replace(found, proposal=replace(proposal, epoch=Epoch(1)))
    assert PeerFault(ValidatorIndex(1), Fault.BAD_CERTIFICATE) in later.hear(1, forged)
    assert later.state.finalized == ORIGIN_VIEW


def test_votes_below_the_origin_are_not_kept(later: LaterBench) -> None:
    later.hear(1, later.nullify(1, 40))
    assert View(40) not in later.state.views


def test_a_payload_that_ends_the_epoch_is_proposed_again_on_top_of_itself() -> None:
    """To consensus it is a payload as any other: its parent has the same digest."""
    bench = Bench(index=2)
    bench.start()
    last = bench.proposal(1)
    bench.accept(last)
    bench.hear(3, bench.notarization(last, (0, 1, 3)))
    again = Proposal(Epoch(0), View(2), View(1), last.payload)
    assert RequestProposal(View(2), View(1), last.payload) in bench.effects
    effects = bench.built(again)
    assert PublishPayload(View(2), last.payload) in effects
    votes = [effect.record for effect in effects if isinstance(effect, Persist)]
    assert [vote.proposal for vote in votes if isinstance(vote, Notarize)] == [again]


def test_every_message_names_its_epoch(later: LaterBench) -> None:
    proposal = later.proposal(41)
    request = CertificateRequest(Epoch(1), View(40), ())
    certificate = later.nullification(41)
    asking = (request, ViewRequest(Epoch(1), CHALLENGE), ViewResponse(Epoch(1), CHALLENGE, ()))
    votes = (later.notarize(1, proposal), later.nullify(1, 41), later.finalize(1, proposal))
    for message in (*votes, certificate, *asking):
        assert epoch_of(message) == 1
    assert epoch_of(CertificateResponse((certificate,))) == 1
    assert epoch_of(CertificateResponse(())) is None
    assert certificate.round == Round(Epoch(1), View(41))
