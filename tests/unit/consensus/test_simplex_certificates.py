"""Rules 4, 6 and 9: votes become certificates, and what certificates do."""

import pytest

from consensus import (
    Broadcast,
    ConflictingCertificates,
    EnteredView,
    Finalized,
    Notarized,
    Nullified,
    Persist,
)
from ledger.types import ValidatorIndex, View
from tests.simulation.bench import Bench


def test_quorum_of_notarize_votes_makes_a_notarization(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    effects = bench.hear(2, bench.notarize(2, proposal))
    certificate = bench.notarization(proposal, (0, 1, 2))
    assert Notarized(certificate) in effects
    assert Persist(certificate, must_sync=False) in effects
    assert Broadcast(certificate) in effects
    assert EnteredView(View(2), ValidatorIndex(2)) in effects


def test_one_vote_less_makes_none(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.hear(1, bench.notarize(1, proposal))
    bench.hear(2, bench.notarize(2, proposal))
    assert not any(isinstance(effect, Notarized) for effect in bench.effects)


def test_votes_for_two_proposals_do_not_add_up(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.hear(2, bench.notarize(2, bench.proposal(1, salt="other")))
    assert bench.state.view == 1


def test_repeated_vote_counts_once(bench: Bench) -> None:
    proposal = bench.proposal(1)
    for _ in range(3):
        bench.hear(1, bench.notarize(1, proposal))
        bench.hear(2, bench.notarize(2, proposal))
    assert bench.state.view == 1


def test_quorum_of_nullify_votes_makes_a_nullification(bench: Bench) -> None:
    for peer in (2, 3):
        bench.hear(peer, bench.nullify(peer, 1))
    effects = bench.hear(1, bench.nullify(1, 1))
    certificate = bench.nullification(1, (0, 1, 2))
    assert Nullified(certificate) in effects or Nullified(bench.nullification(1)) in effects
    assert EnteredView(View(2), ValidatorIndex(2)) in effects


def test_received_certificate_that_ends_the_view_is_passed_on(bench: Bench) -> None:
    certificate = bench.nullification(1)
    assert Broadcast(certificate) in bench.hear(3, certificate)


def test_received_certificate_of_an_earlier_view_is_kept_but_not_passed_on(bench: Bench) -> None:
    bench.hear(3, bench.nullification(2))
    certificate = bench.nullification(1)
    effects = bench.hear(3, certificate)
    assert Persist(certificate, must_sync=False) in effects
    assert Broadcast(certificate) not in effects


def test_certificate_that_is_held_already_changes_nothing(bench: Bench) -> None:
    certificate = bench.nullification(1)
    bench.hear(3, certificate)
    assert bench.hear(2, certificate) == []


def test_quorum_of_finalize_votes_finalizes_all_ancestors_in_order(bench: Bench) -> None:
    first, second = bench.proposal(1), bench.proposal(2)
    bench.accept(first)
    bench.hear(1, bench.notarization(first))
    bench.accept(second)
    bench.hear(1, bench.notarization(second))
    bench.hear(1, bench.finalize(1, second))
    effects = bench.hear(2, bench.finalize(2, second))
    certificate = bench.finalization(second, (0, 1, 2))
    assert Finalized(certificate, (first, second), is_chain_complete=True) in effects
    assert bench.state.finalized == 2


def test_finalization_says_when_ancestors_are_missing(bench: Bench) -> None:
    proposal = bench.proposal(7)
    certificate = bench.finalization(proposal)
    assert Finalized(certificate, (proposal,), is_chain_complete=False) in bench.hear(
        1, certificate
    )
    assert bench.state.view == 8


def test_floor_never_moves_back(bench: Bench) -> None:
    bench.hear(1, bench.finalization(bench.proposal(7)))
    assert bench.hear(1, bench.finalization(bench.proposal(6))) == []
    assert bench.state.finalized == 7


def test_finalization_of_a_nullified_view_stops_the_node(bench: Bench) -> None:
    bench.hear(1, bench.nullification(1))
    certificate = bench.finalization(bench.proposal(1))
    with pytest.raises(ConflictingCertificates):
        bench.hear(1, certificate)


def test_finalization_of_another_payload_than_notarized_stops_the_node(bench: Bench) -> None:
    bench.hear(1, bench.notarization(bench.proposal(1)))
    certificate = bench.finalization(bench.proposal(1, salt="other"))
    with pytest.raises(ConflictingCertificates):
        bench.hear(1, certificate)
