"""Rules 5 and 10: when a view is given up, and what is repeated until it ends."""

from collections.abc import Sequence
from dataclasses import replace

from consensus import (
    Broadcast,
    EnteredView,
    Fault,
    LeadersConvicted,
    PeerFault,
    Persist,
    SetTimer,
)
from ledger.types import Ed25519Signature, ValidatorIndex, View
from ledger.votes import Nullify
from tests.simulation.bench import DELTA_MS, Bench


def nullified_views(effects: Sequence[object]) -> list[int]:
    messages = [effect.message for effect in effects if isinstance(effect, Broadcast)]
    return [message.round.view for message in messages if isinstance(message, Nullify)]


def test_leader_timer_fires_after_two_delta(bench: Bench) -> None:
    effects = bench.wait(2 * DELTA_MS)
    assert nullified_views(effects) == [1]
    assert Persist(bench.nullify(0, 1), must_sync=True) in effects


def test_leader_timer_does_not_fire_earlier(bench: Bench) -> None:
    assert bench.wait(2 * DELTA_MS - 1) == [SetTimer(2 * DELTA_MS)]


def test_proposal_stops_the_leader_timer_but_not_the_advance_timer(bench: Bench) -> None:
    effects = bench.hear(1, bench.notarize(1, bench.proposal(1)))
    assert SetTimer(3 * DELTA_MS) in effects
    assert nullified_views(bench.wait(2 * DELTA_MS)) == []
    assert nullified_views(bench.wait(DELTA_MS)) == [1]


def test_leader_that_gives_up_is_followed_at_once(bench: Bench) -> None:
    assert nullified_views(bench.hear(1, bench.nullify(1, 1))) == [1]


def test_other_validator_that_gives_up_is_not_followed(bench: Bench) -> None:
    assert nullified_views(bench.hear(2, bench.nullify(2, 1))) == []


def test_forged_nullify_of_the_leader_is_not_followed(bench: Bench) -> None:
    forged = replace(bench.nullify(1, 1), signature=Ed25519Signature(bytes(64)))
    assert bench.hear(1, forged) == [PeerFault(ValidatorIndex(1), Fault.BAD_SIGNATURE)]


def test_nullify_after_notarize_is_allowed(bench: Bench) -> None:
    bench.accept(bench.proposal(1))
    assert nullified_views(bench.wait(3 * DELTA_MS)) == [1]


def test_view_is_nullified_once_but_repeated_with_the_last_certificate(bench: Bench) -> None:
    certificate = bench.nullification(1)
    bench.hear(3, certificate)
    bench.wait(2 * DELTA_MS)
    again = bench.wait(2 * DELTA_MS)
    assert Broadcast(certificate) in again
    assert nullified_views(again) == [2]
    assert not any(isinstance(effect, Persist) for effect in again)


def test_nothing_is_repeated_before_the_retry_interval(bench: Bench) -> None:
    bench.wait(2 * DELTA_MS)
    assert bench.wait(2 * DELTA_MS - 1) == [SetTimer(4 * DELTA_MS)]


def silent_for(bench: Bench, silent: int, views: int) -> list[object]:
    """Let every view end by nullification, with votes of all validators but one."""
    others = [peer for peer in (1, 2, 3) if peer != silent]
    effects: list[object] = []
    while bench.state.view < views:
        view = bench.state.view
        bench.wait(2 * DELTA_MS)
        for peer in others:
            effects = list(bench.hear(peer, bench.nullify(peer, view)))
    return effects


def test_leader_silent_for_long_is_skipped_at_once(bench: Bench) -> None:
    assert nullified_views(silent_for(bench, silent=3, views=15)) == [15]


def test_leader_silent_for_a_few_views_is_waited_for(bench: Bench) -> None:
    assert nullified_views(silent_for(bench, silent=3, views=7)) == []


def test_returning_leader_is_waited_for_again_after_one_vote(bench: Bench) -> None:
    silent_for(bench, silent=3, views=14)
    bench.hear(3, bench.nullify(3, 14))
    assert nullified_views(silent_for(bench, silent=3, views=15)) == []


def test_nobody_is_skipped_after_a_jump(bench: Bench) -> None:
    effects = bench.hear(1, bench.nullification(14, (0, 1, 2)))
    assert EnteredView(View(15), ValidatorIndex(3)) in effects
    assert nullified_views(effects) == []


def test_validator_never_skips_itself() -> None:
    bench = Bench(index=3)
    bench.start()
    while bench.state.view < 15:
        view = bench.state.view
        effects = bench.hear(1, bench.nullification(view, (0, 1, 2)))
    assert nullified_views(effects) == []


def convict(bench: Bench, *culprits: int) -> None:
    bench.step(LeadersConvicted(frozenset(map(ValidatorIndex, culprits))))


def enter(bench: Bench, view: int) -> list[object]:
    """End the view before, so that the next one begins."""
    return list(bench.hear(1, bench.nullification(view - 1, (0, 1, 2))))


def test_convicted_leader_is_skipped_at_once(bench: Bench) -> None:
    convict(bench, 3)
    assert nullified_views(enter(bench, 3)) == [3]


def test_convicted_leader_is_skipped_however_much_it_votes(bench: Bench) -> None:
    convict(bench, 3)
    enter(bench, 2)
    bench.hear(3, bench.nullify(3, 2))
    assert nullified_views(enter(bench, 3)) == [3]


def test_other_leaders_are_waited_for_as_before(bench: Bench) -> None:
    convict(bench, 3)
    assert nullified_views(enter(bench, 2)) == []
    assert nullified_views(bench.wait(2 * DELTA_MS)) == [2]


def test_nobody_is_skipped_for_a_conviction_when_more_than_f_are_convicted(bench: Bench) -> None:
    convict(bench, 2, 3)
    assert nullified_views(enter(bench, 3)) == []


def test_view_that_a_convicted_leader_had_finalized_is_not_nullified(bench: Bench) -> None:
    enter(bench, 3)
    proposal = bench.proposal(3, parent=0)
    bench.accept(proposal)
    for peer in (1, 2):
        bench.hear(peer, bench.notarize(peer, proposal))
    convict(bench, 3)
    assert nullified_views(bench.effects) == []
    bench.wait(10 * DELTA_MS)
    assert 3 not in nullified_views(bench.effects)


def test_vote_of_a_convicted_validator_counts_towards_a_quorum(bench: Bench) -> None:
    convict(bench, 3)
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.hear(3, bench.notarize(3, proposal))
    assert bench.state.view == 2


def test_validator_that_the_ledger_convicts_gives_its_own_views_up() -> None:
    bench = Bench(index=3)
    bench.start()
    convict(bench, 3)
    assert nullified_views(enter(bench, 3)) == [3]
