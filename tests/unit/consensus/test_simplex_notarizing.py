"""Rule 3: which proposals get a vote."""

from collections.abc import Sequence
from dataclasses import replace

from consensus import Broadcast, CheckPayload, Fault, PeerFault
from ledger.types import Ed25519Signature, ValidatorIndex
from ledger.votes import Notarize, Nullify
from tests.simulation.bench import DELTA_MS, Bench


def votes(effects: Sequence[object], kind: type) -> list[object]:
    messages = [effect.message for effect in effects if isinstance(effect, Broadcast)]
    return [message for message in messages if isinstance(message, kind)]


def test_payload_of_the_first_proposal_is_checked(bench: Bench) -> None:
    proposal = bench.proposal(1)
    effects = bench.hear(1, bench.notarize(1, proposal))
    assert CheckPayload(proposal, bench.validators.digest) in effects


def test_valid_payload_gets_a_vote(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.hear(1, bench.notarize(1, proposal))
    assert votes(bench.verdict(proposal), Notarize) == [bench.notarize(0, proposal)]


def test_pending_payload_gets_no_vote_of_any_kind(bench: Bench) -> None:
    effects = bench.hear(1, bench.notarize(1, bench.proposal(1)))
    assert votes(effects, Notarize) == votes(effects, Nullify) == []


def test_invalid_payload_nullifies_and_names_the_leader(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.hear(1, bench.notarize(1, proposal))
    effects = bench.verdict(proposal, is_valid=False)
    assert PeerFault(ValidatorIndex(1), Fault.BAD_PAYLOAD) in effects
    assert votes(effects, Nullify) == [bench.nullify(0, 1)]


def test_second_verdict_changes_nothing(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    assert bench.verdict(proposal, is_valid=False) == []


def test_second_proposal_of_a_view_gets_no_vote(bench: Bench) -> None:
    bench.accept(bench.proposal(1))
    other = bench.proposal(1, salt="other")
    assert votes(bench.accept(other), Notarize) == []


def test_vote_of_another_validator_is_no_proposal(bench: Bench) -> None:
    assert bench.hear(2, bench.notarize(2, bench.proposal(1))) == []


def test_forged_proposal_is_dropped_and_a_forger_is_named(bench: Bench) -> None:
    forged = replace(bench.notarize(1, bench.proposal(1)), signature=Ed25519Signature(bytes(64)))
    assert bench.hear(1, forged) == [PeerFault(ValidatorIndex(1), Fault.BAD_SIGNATURE)]


def test_parent_below_the_floor_is_a_fault(bench: Bench) -> None:
    bench.hear(1, bench.finalization(bench.proposal(4)))
    effects = bench.hear(1, bench.notarize(1, bench.proposal(5, parent=3)))
    assert PeerFault(ValidatorIndex(1), Fault.BAD_PARENT) in effects
    assert votes(effects, Nullify) == [bench.nullify(0, 5)]


def test_parent_at_the_floor_is_fine(bench: Bench) -> None:
    bench.hear(1, bench.finalization(bench.proposal(4)))
    assert len(votes(bench.accept(bench.proposal(5)), Notarize)) == 1


def test_proposal_that_is_its_own_parent_is_a_fault(bench: Bench) -> None:
    effects = bench.hear(1, bench.notarize(1, bench.proposal(1, parent=1)))
    assert PeerFault(ValidatorIndex(1), Fault.BAD_PARENT) in effects


def test_unknown_parent_is_pending_until_its_notarization_and_verdict_are_here(
    bench: Bench,
) -> None:
    first, second = bench.proposal(1), bench.proposal(2)
    bench.hear(1, bench.nullification(1))
    assert votes(bench.accept(second), Notarize) == []
    bench.hear(3, bench.notarization(first))
    bench.verdict(second)
    assert votes(bench.effects, Notarize) == []
    assert votes(bench.verdict(first), Notarize) == [bench.notarize(0, second)]


def test_gap_without_nullification_is_pending_until_it_is_here(bench: Bench) -> None:
    first, third = bench.proposal(1), bench.proposal(3, parent=1)
    bench.accept(first)
    bench.hear(1, bench.notarization(first))
    bench.hear(1, bench.notarization(bench.proposal(2)))
    assert votes(bench.accept(third), Notarize) == []
    bench.hear(1, bench.nullification(2))
    assert votes(bench.verdict(third), Notarize) == [bench.notarize(0, third)]


def test_nullified_view_gets_no_notarize_vote_any_more(bench: Bench) -> None:
    bench.wait(2 * DELTA_MS)
    assert votes(bench.accept(bench.proposal(1)), Notarize) == []


def test_proposal_for_the_next_view_waits_for_that_view(bench: Bench) -> None:
    first, second = bench.proposal(1), bench.proposal(2)
    bench.accept(first)
    assert bench.hear(2, bench.notarize(2, second)) == []
    effects = bench.hear(1, bench.notarization(first))
    assert CheckPayload(second, first.payload) in effects
