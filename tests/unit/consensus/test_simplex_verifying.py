"""Rule 12: signatures are checked late, never twice, and forgers are named."""

from dataclasses import replace

from consensus import Fault, Notarized, Nullified, PeerFault
from ledger.types import Ed25519Signature, Epoch, ValidatorIndex
from ledger.votes import Notarize
from tests.simulation.bench import Bench

WRONG = Ed25519Signature(bytes(64))


def test_votes_short_of_a_quorum_are_not_verified(bench: Bench) -> None:
    bench.hear(2, bench.nullify(2, 1))
    bench.hear(3, bench.nullify(3, 1))
    assert bench.validators.checks == 0


def test_view_costs_four_signature_checks() -> None:
    bench = Bench(index=0)
    bench.start()
    proposal = bench.proposal(1)
    bench.accept(proposal)
    for peer in (2, 3):
        bench.hear(peer, bench.notarize(peer, proposal))
    for peer in (1, 2, 3):
        bench.hear(peer, bench.notarization(proposal, (0, 1, 2)))
        bench.hear(peer, bench.finalize(peer, proposal))
    for peer in (1, 2, 3):
        bench.hear(peer, bench.finalization(proposal, (1, 2, 3)))
    assert bench.state.finalized == 1
    assert bench.validators.checks == 4


def test_certificate_of_verified_votes_costs_only_the_new_signatures(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    before = bench.validators.checks
    bench.hear(2, bench.notarization(proposal, (0, 1, 2)))
    assert bench.validators.checks == before + 1


def test_votes_beyond_a_quorum_are_not_verified(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.hear(2, bench.notarize(2, proposal))
    before = bench.validators.checks
    bench.hear(3, bench.notarize(3, proposal))
    assert bench.validators.checks == before


def test_forged_vote_is_named_when_the_quorum_is_counted(bench: Bench) -> None:
    proposal = bench.proposal(1)
    forged = replace(bench.notarize(2, proposal), signature=WRONG)
    bench.accept(proposal)
    effects = bench.hear(2, forged)
    assert effects == [PeerFault(ValidatorIndex(2), Fault.BAD_SIGNATURE)]
    assert bench.state.view == 1


def test_genuine_votes_make_the_quorum_in_spite_of_a_forged_one(bench: Bench) -> None:
    for peer, vote in (
        (1, replace(bench.nullify(1, 2), signature=WRONG)),
        (2, bench.nullify(2, 2)),
        (3, bench.nullify(3, 2)),
    ):
        bench.hear(peer, vote)
    assert bench.effects[-1] == PeerFault(ValidatorIndex(1), Fault.BAD_SIGNATURE)
    assert not any(isinstance(effect, Nullified) for effect in bench.effects)


def test_forger_is_not_listened_to_in_that_view_any_more(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.hear(2, replace(bench.notarize(2, proposal), signature=WRONG))
    assert bench.hear(2, bench.notarize(2, proposal)) == []
    assert any(
        isinstance(effect, Notarized) for effect in bench.hear(3, bench.notarize(3, proposal))
    )


def test_vote_in_anothers_name_is_a_fault_of_the_peer(bench: Bench) -> None:
    effects = bench.hear(2, bench.notarize(3, bench.proposal(1)))
    assert effects == [PeerFault(ValidatorIndex(2), Fault.FOREIGN_VOTE)]


def test_vote_of_another_epoch_is_dropped_without_blame(bench: Bench) -> None:
    vote = bench.notarize(1, bench.proposal(1))
    foreign = Notarize(replace(vote.proposal, epoch=Epoch(1)), vote.signer, vote.signature)
    assert bench.hear(1, foreign) == []


def test_message_from_nobody_is_dropped(bench: Bench) -> None:
    assert bench.hear(7, bench.nullification(1)) == []
    assert bench.hear(0, bench.nullification(1)) == []


def test_certificate_without_a_quorum_is_a_fault(bench: Bench) -> None:
    certificate = bench.nullification(1, (1, 2))
    assert bench.hear(1, certificate) == [PeerFault(ValidatorIndex(1), Fault.BAD_CERTIFICATE)]


def test_certificate_with_a_wrong_signature_is_a_fault(bench: Bench) -> None:
    genuine = bench.nullification(1)
    forged = replace(genuine, signatures=(*genuine.signatures[:2], WRONG))
    assert bench.hear(1, forged) == [PeerFault(ValidatorIndex(1), Fault.BAD_CERTIFICATE)]
    assert bench.state.view == 1


def test_certificate_with_a_signature_too_few_is_a_fault(bench: Bench) -> None:
    genuine = bench.nullification(1)
    forged = replace(genuine, signatures=genuine.signatures[:2])
    assert bench.hear(1, forged) == [PeerFault(ValidatorIndex(1), Fault.BAD_CERTIFICATE)]


def test_certificate_of_validators_that_do_not_exist_is_a_fault(bench: Bench) -> None:
    genuine = bench.nullification(1)
    forged = replace(genuine, signers=b"\xe0")
    assert bench.hear(1, forged) == [PeerFault(ValidatorIndex(1), Fault.BAD_CERTIFICATE)]
