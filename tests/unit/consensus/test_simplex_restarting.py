"""Rule 15: a restarted validator contradicts nothing that it said."""

from collections.abc import Sequence

import pytest

from consensus import (
    Broadcast,
    CheckPayload,
    EnteredView,
    Finalized,
    JournalContradiction,
    Notarized,
    Persist,
    PublishPayload,
    Record,
    RequestProposal,
    compact,
)
from ledger.types import ValidatorIndex, View
from ledger.votes import Finalize, Notarize, Nullify
from tests.simulation.bench import DELTA_MS, Bench


def journal_of(bench: Bench) -> tuple[Record, ...]:
    return tuple(effect.record for effect in bench.effects if isinstance(effect, Persist))


def restarted(bench: Bench) -> Bench:
    again = Bench(index=bench.config.index)
    again.start(*journal_of(bench))
    return again


def said(effects: Sequence[object], kind: type) -> list[object]:
    messages = [effect.message for effect in effects if isinstance(effect, Broadcast)]
    return [message for message in messages if isinstance(message, kind)]


def test_notarize_vote_is_said_again_and_not_contradicted(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    again = restarted(bench)
    assert said(again.effects, Notarize) == [bench.notarize(0, proposal)]
    assert said(again.accept(again.proposal(1, salt="other")), Notarize) == []


def test_validator_without_its_journal_would_contradict_itself(bench: Bench) -> None:
    bench.accept(bench.proposal(1))
    amnesiac = Bench(index=0)
    amnesiac.start()
    assert len(said(amnesiac.accept(amnesiac.proposal(1, salt="other")), Notarize)) == 1


def test_nullify_vote_is_said_again_and_excludes_finalize(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.wait(3 * DELTA_MS)
    again = restarted(bench)
    assert said(again.effects, Nullify) == [bench.nullify(0, 1)]
    assert said(again.hear(1, again.notarization(proposal)), Finalize) == []


def test_finalize_vote_is_said_again_and_excludes_nullify(bench: Bench) -> None:
    proposal = bench.proposal(1)
    bench.accept(proposal)
    bench.hear(1, bench.notarization(proposal))
    again = restarted(bench)
    assert said(again.effects, Finalize) == [bench.finalize(0, proposal)]
    assert again.state.view == 2
    again.wait(2 * DELTA_MS)
    assert said(again.effects, Nullify) == [bench.nullify(0, 2)]


def test_leader_publishes_the_same_proposal_again_and_builds_no_other() -> None:
    bench = Bench(index=1)
    bench.start()
    proposal = bench.proposal(1)
    bench.built(proposal)
    again = restarted(bench)
    assert PublishPayload(View(1), proposal.payload) in again.effects
    assert said(again.effects, Notarize) == [bench.notarize(1, proposal)]
    assert not any(isinstance(effect, RequestProposal) for effect in again.effects)


def test_certificates_bring_back_the_view_and_are_reported_again(bench: Bench) -> None:
    certificate = bench.notarization(bench.proposal(1))
    bench.hear(1, certificate)
    bench.hear(1, bench.nullification(2))
    again = restarted(bench)
    assert EnteredView(View(3), ValidatorIndex(3)) in again.effects
    assert Notarized(certificate) in again.effects
    assert CheckPayload(certificate.proposal, bench.validators.digest) in again.effects


def test_last_finalization_is_reported_again_and_the_floor_is_back(bench: Bench) -> None:
    proposal = bench.proposal(5)
    bench.hear(1, bench.finalization(bench.proposal(4)))
    bench.hear(1, bench.finalization(proposal))
    again = restarted(bench)
    reports = [effect for effect in again.effects if isinstance(effect, Finalized)]
    assert [report.certificate.proposal for report in reports] == [proposal]
    assert again.state.finalized == 5


def test_replay_gives_the_same_votes_and_certificates_as_the_state_had(bench: Bench) -> None:
    for view in (1, 2, 3):
        proposal = bench.proposal(view)
        bench.accept(proposal)
        bench.hear(1, bench.notarization(proposal))
    bench.hear(1, bench.finalization(bench.proposal(1)))
    assert compact(restarted(bench).state) == compact(bench.state)


def test_compacted_journal_leaves_the_same_behind_and_is_shorter(bench: Bench) -> None:
    for view in (1, 2, 3):
        proposal = bench.proposal(view)
        bench.accept(proposal)
        bench.hear(1, bench.notarization(proposal))
    bench.hear(1, bench.finalization(bench.proposal(2)))
    records = compact(bench.state)
    assert len(records) < len(journal_of(bench))
    again = Bench(index=0)
    again.start(*records)
    assert compact(again.state) == records
    assert again.state.view == bench.state.view


def test_journal_of_another_validator_is_refused(bench: Bench) -> None:
    with pytest.raises(JournalContradiction, match="another validator"):
        Bench(index=0).start(bench.notarize(1, bench.proposal(1)))


def test_journal_with_two_notarize_votes_is_refused(bench: Bench) -> None:
    votes = [bench.notarize(0, bench.proposal(1, salt=salt)) for salt in ("a", "b")]
    with pytest.raises(JournalContradiction, match="two notarize"):
        Bench(index=0).start(*votes)


def test_journal_with_two_finalize_votes_is_refused(bench: Bench) -> None:
    votes = [bench.finalize(0, bench.proposal(1, salt=salt)) for salt in ("a", "b")]
    with pytest.raises(JournalContradiction, match="two finalize"):
        Bench(index=0).start(*votes)


def test_journal_with_nullify_and_finalize_is_refused(bench: Bench) -> None:
    with pytest.raises(JournalContradiction, match="both"):
        Bench(index=0).start(bench.nullify(0, 1), bench.finalize(0, bench.proposal(1)))


def test_journal_that_repeats_a_vote_is_fine(bench: Bench) -> None:
    vote = bench.notarize(0, bench.proposal(1))
    Bench(index=0).start(vote, vote)
