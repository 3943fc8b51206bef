"""Rules 1 and 2: entering a view, and what its leader does."""

from collections.abc import Sequence

from consensus import Broadcast, EnteredView, Persist, PublishPayload, RequestProposal, SetTimer
from ledger.types import ValidatorIndex, View
from tests.simulation.bench import DELTA_MS, Bench


def requests(effects: Sequence[object]) -> list[RequestProposal]:
    return [effect for effect in effects if isinstance(effect, RequestProposal)]


def test_starting_enters_view_1_and_arms_the_leader_timer() -> None:
    effects = Bench(index=0).start()
    assert EnteredView(View(1), ValidatorIndex(1)) in effects
    assert effects[-1] == SetTimer(2 * DELTA_MS)


def test_leader_asks_for_a_payload_on_the_genesis() -> None:
    bench = Bench(index=1)
    effects = bench.start()
    assert requests(effects) == [RequestProposal(View(1), View(0), bench.validators.digest)]


def test_validator_that_does_not_lead_asks_for_nothing() -> None:
    assert requests(Bench(index=2).start()) == []


def test_leader_publishes_then_votes_and_persists_before_it_sends() -> None:
    bench = Bench(index=1)
    bench.start()
    proposal = bench.proposal(1)
    vote = bench.notarize(1, proposal)
    effects = bench.built(proposal)
    order = [
        PublishPayload(View(1), proposal.payload),
        Persist(vote, must_sync=True),
        Broadcast(vote),
    ]
    assert effects[:3] == order


def test_leader_ignores_a_second_payload_for_its_view() -> None:
    bench = Bench(index=1)
    bench.start()
    bench.built(bench.proposal(1))
    assert bench.built(bench.proposal(1, salt="other")) == []


def test_leader_ignores_a_payload_built_too_late() -> None:
    bench = Bench(index=1)
    bench.start()
    bench.wait(2 * DELTA_MS)
    assert bench.built(bench.proposal(1)) == []


def test_leader_ignores_a_payload_for_a_view_that_ended() -> None:
    bench = Bench(index=1)
    bench.start()
    bench.hear(2, bench.nullification(1, (0, 2, 3)))
    assert bench.built(bench.proposal(1)) == []


def test_validator_that_was_not_asked_builds_nothing() -> None:
    bench = Bench(index=2)
    bench.start()
    assert bench.built(bench.proposal(1)) == []


def test_leader_builds_on_the_certified_view_before() -> None:
    bench = Bench(index=2)
    bench.start()
    first = bench.proposal(1)
    bench.accept(first)
    effects = bench.hear(3, bench.notarization(first, (0, 1, 3)))
    assert requests(effects) == [RequestProposal(View(2), View(1), first.payload)]


def test_leader_builds_past_nullified_views() -> None:
    bench = Bench(index=3)
    bench.start()
    first = bench.proposal(1)
    bench.accept(first)
    bench.hear(2, bench.notarization(first, (0, 1, 2)))
    effects = bench.hear(2, bench.nullification(2, (0, 1, 2)))
    assert requests(effects) == [RequestProposal(View(3), View(1), first.payload)]


def test_leader_does_not_build_past_a_view_that_it_knows_nothing_of() -> None:
    bench = Bench(index=3)
    bench.start()
    assert requests(bench.hear(2, bench.nullification(2, (0, 1, 2)))) == []
    effects = bench.hear(2, bench.nullification(1, (0, 1, 2)))
    assert requests(effects) == [RequestProposal(View(3), View(0), bench.validators.digest)]


def test_leader_does_not_build_on_a_payload_that_it_has_not_checked() -> None:
    bench = Bench(index=2)
    bench.start()
    first = bench.proposal(1)
    assert requests(bench.hear(3, bench.notarization(first, (0, 1, 3)))) == []
    assert requests(bench.verdict(first)) == [RequestProposal(View(2), View(1), first.payload)]


def test_leader_builds_on_a_final_view_unseen() -> None:
    bench = Bench(index=2)
    bench.start()
    ninth = bench.proposal(9)
    effects = bench.hear(3, bench.finalization(ninth, (0, 1, 3)))
    assert requests(effects) == [RequestProposal(View(10), View(9), ninth.payload)]
