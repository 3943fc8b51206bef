"""The checker itself: what it lets pass, and what it does not."""

import pytest

from consensus import EvidenceFound, Fault, Finalized, PeerFault
from ledger.evidence import ConflictingNotarize
from ledger.types import ValidatorIndex, View
from tests.simulation.bench import Bench
from tests.simulation.checker import Checker, InvariantBroken
from tests.simulation.payload import Payload, make_payload


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def checker(bench: Bench) -> Checker:
    return Checker(bench.validators, byzantine=frozenset({3}))


def payload(bench: Bench, view: int, parent: Payload | None = None, salt: int = 0) -> Payload:
    digest = bench.validators.digest if parent is None else parent.digest
    return make_payload(View(view), digest, ValidatorIndex(view % 4), salt)


def test_one_vote_said_twice_passes(bench: Bench, checker: Checker) -> None:
    vote = bench.notarize(0, bench.proposal(1))
    checker.sent(0, vote)
    checker.sent(0, vote)


def test_two_notarize_votes_do_not(bench: Bench, checker: Checker) -> None:
    checker.sent(0, bench.notarize(0, bench.proposal(1)))
    with pytest.raises(InvariantBroken, match="two votes"):
        checker.sent(0, bench.notarize(0, bench.proposal(1, salt="other")))


def test_nullify_after_finalize_does_not(bench: Bench, checker: Checker) -> None:
    checker.sent(0, bench.finalize(0, bench.proposal(1)))
    with pytest.raises(InvariantBroken, match="nullified and finalized"):
        checker.sent(0, bench.nullify(0, 1))


def test_relayed_vote_does_not(bench: Bench, checker: Checker) -> None:
    with pytest.raises(InvariantBroken, match="relayed"):
        checker.sent(0, bench.nullify(1, 1))


def test_certificate_of_votes_that_were_cast_passes(bench: Bench, checker: Checker) -> None:
    proposal = bench.proposal(1)
    for signer in (0, 1):
        checker.sent(signer, bench.notarize(signer, proposal))
    checker.sent(0, bench.notarization(proposal, (0, 1, 3)))


def test_certificate_with_a_vote_that_was_never_cast_does_not(
    bench: Bench, checker: Checker
) -> None:
    proposal = bench.proposal(1)
    checker.sent(0, bench.notarize(0, proposal))
    with pytest.raises(InvariantBroken, match="never voted"):
        checker.sent(0, bench.notarization(proposal, (0, 1, 3)))


def test_certificate_short_of_a_quorum_does_not(bench: Bench, checker: Checker) -> None:
    with pytest.raises(InvariantBroken, match="certificate of 2 votes"):
        checker.sent(0, bench.notarization(bench.proposal(1), (0, 3)))


def test_chain_whose_parents_link_passes(bench: Bench, checker: Checker) -> None:
    first = payload(bench, 1)
    for node in (0, 1):
        checker.appended(node, first)
        checker.appended(node, payload(bench, 2, first))
    assert checker.height == 2


def test_two_payloads_at_one_height_do_not(bench: Bench, checker: Checker) -> None:
    checker.appended(0, payload(bench, 1))
    with pytest.raises(InvariantBroken, match="another payload at height 1"):
        checker.appended(1, payload(bench, 1, salt=1))


def test_payload_with_another_parent_does_not(bench: Bench, checker: Checker) -> None:
    checker.appended(0, payload(bench, 1))
    with pytest.raises(InvariantBroken, match="another parent"):
        checker.appended(0, payload(bench, 2))


def test_payload_of_somebody_who_does_not_lead_does_not(bench: Bench, checker: Checker) -> None:
    usurper = make_payload(View(1), bench.validators.digest, ValidatorIndex(2))
    with pytest.raises(InvariantBroken, match="does not lead"):
        checker.appended(0, usurper)


def test_two_finalizations_in_one_view_do_not(bench: Bench, checker: Checker) -> None:
    for salt in ("", "other"):
        proposal = bench.proposal(1, salt=salt)
        certificate = bench.finalization(proposal, (1, 2, 3))
        for signer in (1, 2):
            if not salt:
                checker.sent(signer, bench.finalize(signer, proposal))
        effect = Finalized(certificate, (proposal,), is_chain_complete=True)
        if not salt:
            checker.certified_final(0, effect)
            continue
        with pytest.raises(InvariantBroken):
            checker.certified_final(0, effect)


def test_evidence_against_a_traitor_passes(bench: Bench, checker: Checker) -> None:
    votes = [bench.notarize(3, bench.proposal(1, salt=salt)) for salt in ("a", "b")]
    checker.found(0, EvidenceFound(ConflictingNotarize(votes[0], votes[1])))
    assert checker.evidence == 1


def test_evidence_against_an_honest_validator_does_not(bench: Bench, checker: Checker) -> None:
    votes = [bench.notarize(2, bench.proposal(1, salt=salt)) for salt in ("a", "b")]
    with pytest.raises(InvariantBroken, match="convicts honest 2"):
        checker.found(0, EvidenceFound(ConflictingNotarize(votes[0], votes[1])))


def test_evidence_of_equal_votes_does_not(bench: Bench, checker: Checker) -> None:
    vote = bench.notarize(3, bench.proposal(1))
    with pytest.raises(InvariantBroken, match="does not hold"):
        checker.found(0, EvidenceFound(ConflictingNotarize(vote, vote)))


def test_blame_of_a_traitor_passes_and_of_an_honest_validator_does_not(checker: Checker) -> None:
    checker.found(0, PeerFault(ValidatorIndex(3), Fault.BAD_SIGNATURE))
    with pytest.raises(InvariantBroken, match="blames honest 1"):
        checker.found(0, PeerFault(ValidatorIndex(1), Fault.BAD_SIGNATURE))
