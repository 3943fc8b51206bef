"""Rule 17: a validator that may have forgotten votes asks before it votes."""

from collections.abc import Sequence

import pytest

from consensus import (
    Broadcast,
    Effect,
    Persist,
    RequestProposal,
    Send,
    SetTimer,
    Start,
    ViewRequest,
    ViewResponse,
    VotesFrom,
    compact,
)
from ledger.types import Epoch, ValidatorIndex, View
from ledger.votes import Certificate, Finalize, Notarize, Nullify, Round
from tests.simulation.bench import DELTA_MS, Bench

CHALLENGE = b"drawn just now.."
EARLIER = b"of a life before"
QUESTION = ViewRequest(Epoch(0), CHALLENGE)


@pytest.fixture
def amnesiac() -> Bench:
    """Validator 0 of four, started without its journal."""
    bench = Bench(index=0)
    bench.step(Start((), CHALLENGE))
    return bench


def answer(*certificates: Certificate, challenge: bytes = CHALLENGE) -> ViewResponse:
    return ViewResponse(Epoch(0), challenge, certificates)


def votes_in(effects: Sequence[Effect]) -> list[object]:
    said = [effect.message for effect in effects if isinstance(effect, Broadcast)]
    return [message for message in said if isinstance(message, (Notarize, Nullify, Finalize))]


def promised(effects: Sequence[Effect]) -> list[View]:
    """First views to vote in, as the journal gets them."""
    records = [effect.record for effect in effects if isinstance(effect, Persist)]
    return [record.round.view for record in records if isinstance(record, VotesFrom)]


def test_it_asks_all_others_and_asks_again(amnesiac: Bench) -> None:
    assert Broadcast(QUESTION) in amnesiac.effects
    assert Broadcast(QUESTION) in amnesiac.wait(2 * DELTA_MS)


def test_it_votes_neither_for_a_proposal_nor_against_a_late_leader(amnesiac: Bench) -> None:
    proposal = amnesiac.proposal(1)
    assert votes_in(amnesiac.accept(proposal)) == []
    assert votes_in(amnesiac.hear(1, amnesiac.notarization(proposal))) == []
    assert votes_in(amnesiac.wait(10 * DELTA_MS)) == []
    assert amnesiac.state.view == 2


def test_it_proposes_nothing(amnesiac: Bench) -> None:
    effects = amnesiac.hear(1, amnesiac.finalization(amnesiac.proposal(3)))
    assert amnesiac.state.view == 4, "which it leads"
    assert not any(isinstance(effect, RequestProposal) for effect in effects)


def test_a_timer_that_cannot_do_anything_is_not_armed_again_and_again(amnesiac: Bench) -> None:
    effects = amnesiac.wait(20 * DELTA_MS)
    deadlines = [effect.deadline_ms for effect in effects if isinstance(effect, SetTimer)]
    assert all(deadline_ms > amnesiac.now_ms for deadline_ms in deadlines)


def test_it_follows_the_others_while_it_waits(amnesiac: Bench) -> None:
    amnesiac.hear(1, amnesiac.finalization(amnesiac.proposal(7)))
    assert (amnesiac.state.finalized, amnesiac.state.view) == (7, 8)


def test_it_votes_two_views_beyond_the_furthest_of_2f_plus_1_others(amnesiac: Bench) -> None:
    amnesiac.hear(1, answer(amnesiac.nullification(4)))
    amnesiac.hear(2, answer(amnesiac.nullification(6)))
    assert promised(amnesiac.effects) == []
    effects = amnesiac.hear(3, answer())
    assert promised(effects) == [9]
    assert Persist(VotesFrom(Round(Epoch(0), View(9))), must_sync=True) in effects


def test_it_may_have_voted_in_the_view_after_the_one_that_the_others_are_in() -> None:
    """All others signed view 6, and only it made a certificate of that before it was lost."""
    before = Bench(index=0)
    before.start()
    before.hear(1, before.nullification(5))
    certificate = before.nullification(6)
    cast = votes_in(before.hear(1, certificate) + before.wait(3 * DELTA_MS))
    assert [vote for vote in cast if isinstance(vote, Nullify)] == [before.nullify(0, 7)]

    again = Bench(index=0)
    again.step(Start((), CHALLENGE))
    for peer in (1, 2, 3):
        again.hear(peer, answer(again.nullification(5)))
    again.hear(1, certificate)
    assert votes_in(again.accept(again.proposal(7, parent=0))) == []
    again.hear(1, again.nullification(7))
    leader_silent = again.wait(3 * DELTA_MS)
    assert votes_in(leader_silent) == [again.nullify(0, 8)]


def test_votes_go_on_from_the_promised_view(amnesiac: Bench) -> None:
    for peer in (1, 2, 3):
        amnesiac.hear(peer, answer(amnesiac.finalization(amnesiac.proposal(4))))
    proposal = amnesiac.proposal(6)
    amnesiac.hear(1, amnesiac.notarization(amnesiac.proposal(5)))
    amnesiac.verdict(amnesiac.proposal(5))
    assert votes_in(amnesiac.accept(proposal)) == []
    amnesiac.hear(1, amnesiac.notarization(proposal))
    amnesiac.verdict(proposal)
    following = amnesiac.proposal(7)
    assert votes_in(amnesiac.accept(following)) == [amnesiac.notarize(0, following)]


def test_one_peer_counts_once(amnesiac: Bench) -> None:
    for _ in range(5):
        amnesiac.hear(1, answer(amnesiac.nullification(4)))
    amnesiac.hear(2, answer())
    assert promised(amnesiac.effects) == []


def test_an_answer_to_an_earlier_question_is_ignored(amnesiac: Bench) -> None:
    for peer in (1, 2, 3):
        amnesiac.hear(peer, answer(challenge=EARLIER))
    assert promised(amnesiac.effects) == []


def test_a_forged_certificate_is_a_fault_and_no_answer(amnesiac: Bench) -> None:
    forged = amnesiac.nullification(4, signers=(1, 2))
    for peer in (1, 2, 3):
        amnesiac.hear(peer, answer(forged))
    assert promised(amnesiac.effects) == []
    assert amnesiac.state.view == 1


def test_a_certificate_of_another_epoch_puts_no_view_out_of_reach(amnesiac: Bench) -> None:
    foreign = amnesiac.nullification(1)
    foreign = type(foreign)(Round(Epoch(7), View(2**40)), foreign.signers, foreign.signatures)
    for peer in (1, 2, 3):
        amnesiac.hear(peer, answer(foreign))
    assert promised(amnesiac.effects) == []


def test_who_has_forgotten_votes_does_not_answer(amnesiac: Bench) -> None:
    effects = amnesiac.hear(1, ViewRequest(Epoch(0), EARLIER))
    assert not any(isinstance(effect, Send) for effect in effects)


def test_a_validator_answers_with_what_ended_the_view_before_its_own(bench: Bench) -> None:
    certificate = bench.nullification(4)
    bench.hear(1, certificate)
    assert Send(ValidatorIndex(2), answer(certificate)) in bench.hear(2, QUESTION)


def test_in_the_first_view_there_is_nothing_to_prove(bench: Bench) -> None:
    assert Send(ValidatorIndex(2), answer()) in bench.hear(2, QUESTION)


def test_questions_are_answered_at_most_once_in_a_while(bench: Bench) -> None:
    def answers(effects: Sequence[Effect]) -> int:
        return sum(isinstance(effect, Send) for effect in effects)

    assert answers(bench.hear(2, QUESTION)) == 1
    assert answers(bench.hear(2, QUESTION)) == 0
    bench.wait(DELTA_MS)
    assert answers(bench.hear(2, QUESTION)) == 1


def test_after_another_crash_the_promise_is_in_the_journal_and_nobody_is_asked(
    amnesiac: Bench,
) -> None:
    for peer in (1, 2, 3):
        amnesiac.hear(peer, answer(amnesiac.nullification(4)))
    journal = tuple(effect.record for effect in amnesiac.effects if isinstance(effect, Persist))
    again = Bench(index=0)
    effects = again.step(Start(journal, EARLIER))
    assert not any(
        isinstance(effect, Broadcast) and isinstance(effect.message, ViewRequest)
        for effect in effects
    )
    assert again.state.votes_from == 7
    assert votes_in(again.wait(10 * DELTA_MS)) == []


def test_certificates_alone_in_a_journal_say_nothing_of_votes(amnesiac: Bench) -> None:
    amnesiac.hear(1, amnesiac.nullification(4))
    journal = tuple(effect.record for effect in amnesiac.effects if isinstance(effect, Persist))
    again = Bench(index=0)
    again.step(Start(journal, CHALLENGE))
    assert again.state.view == 5
    assert votes_in(again.wait(10 * DELTA_MS)) == []


def test_a_journal_with_a_vote_of_its_own_is_whole(bench: Bench) -> None:
    bench.accept(bench.proposal(1))
    journal = tuple(effect.record for effect in bench.effects if isinstance(effect, Persist))
    again = Bench(index=0)
    again.step(Start(journal, CHALLENGE))
    assert again.state.votes_from == 0


def test_a_new_validator_votes_from_the_first_view_on() -> None:
    bench = Bench(index=0)
    bench.step(Start((VotesFrom(Round(Epoch(0), View(1))),), CHALLENGE))
    proposal = bench.proposal(1)
    assert votes_in(bench.accept(proposal)) == [bench.notarize(0, proposal)]


def test_a_compacted_journal_keeps_the_promise(amnesiac: Bench) -> None:
    for peer in (1, 2, 3):
        amnesiac.hear(peer, answer(amnesiac.nullification(4)))
    again = Bench(index=0)
    again.step(Start(compact(amnesiac.state), CHALLENGE))
    assert again.state.votes_from == 7
