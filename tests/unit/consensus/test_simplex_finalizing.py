"""Rules 7 and 8: when a finalize vote is cast."""

from collections.abc import Sequence

from consensus import Broadcast, CheckPayload, Persist
from ledger.votes import Finalize, Nullify
from tests.simulation.bench import DELTA_MS, Bench


def finalize_votes(effects: Sequence[object]) -> list[Finalize]:
    messages = [effect.message for effect in effects if isinstance(effect, Broadcast)]
    return [message for message in messages if isinstance(message, Finalize)]


def test_notarized_and_checked_payload_gets_a_finalize_vote(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    effects = bench.hear(1, bench.notarization(proposal))
    vote = bench.finalize(0, proposal)
    assert finalize_votes(effects) == [vote]
    assert effects.index(Persist(vote, must_sync=True)) < effects.index(Broadcast(vote))


def test_nullified_view_gets_none(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.wait(3 * DELTA_MS)
    assert finalize_votes(bench.hear(1, bench.notarization(proposal))) == []


def test_payload_notarized_by_others_is_checked_first(bench: Bench) -> None:
    proposal = bench.proposal(1)
    effects = bench.hear(1, bench.notarization(proposal))
    assert CheckPayload(proposal, bench.validators.digest) in effects
    assert finalize_votes(effects) == []
    assert finalize_votes(bench.verdict(proposal)) == [bench.finalize(0, proposal)]


def test_finalize_vote_is_cast_even_after_the_view_has_ended(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.hear(1, bench.notarization(proposal))
    bench.hear(1, bench.nullification(2))
    assert bench.state.view == 3
    assert finalize_votes(bench.verdict(proposal)) == [bench.finalize(0, proposal)]


def test_payload_notarized_by_others_but_not_valid_is_nullified(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.hear(1, bench.notarization(proposal))
    effects = bench.verdict(proposal, is_valid=False)
    assert finalize_votes(effects) == []
    assert Broadcast(bench.nullify(0, 1)) in effects


def test_payload_on_an_unknown_parent_waits_for_the_parent(bench: Bench) -> None:
    first, second = bench.proposal(1), bench.proposal(2)
    effects = bench.hear(1, bench.notarization(second))
    assert not any(isinstance(effect, CheckPayload) for effect in effects)
    effects = bench.hear(1, bench.notarization(first))
    assert CheckPayload(second, first.payload) in effects


def test_equivocating_leader_gets_no_finalize_vote(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.hear(1, bench.notarize(1, bench.proposal(1, salt="other")))
    assert finalize_votes(bench.hear(1, bench.notarization(proposal))) == []


def test_notarization_of_another_proposal_than_the_leaders_first_gets_none(bench: Bench) -> None:
    bench.accept(bench.proposal(1))
    other = bench.proposal(1, salt="other")
    bench.hear(2, bench.notarization(other, (1, 2, 3)))
    assert finalize_votes(bench.verdict(other)) == []


def test_view_at_or_below_the_floor_gets_none(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.hear(1, bench.notarization(proposal))
    bench.hear(1, bench.finalization(bench.proposal(2)))
    assert finalize_votes(bench.verdict(proposal)) == []


def test_finalize_vote_is_cast_once(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.hear(1, bench.notarization(proposal))
    bench.hear(1, bench.finalize(1, proposal))
    bench.wait(DELTA_MS)
    assert len(finalize_votes(bench.effects)) == 1


def test_finalized_view_is_never_nullified(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.hear(1, bench.notarization(proposal))
    bench.hear(1, bench.nullify(1, 1))
    bench.wait(10 * DELTA_MS)
    messages = [effect.message for effect in bench.effects if isinstance(effect, Broadcast)]
    views = {message.round.view for message in messages if isinstance(message, Nullify)}
    assert views == {2}
