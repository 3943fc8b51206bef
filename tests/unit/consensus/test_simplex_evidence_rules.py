"""Rule 14: contradictions become evidence, once, and only where both votes are genuine."""

from collections.abc import Sequence
from dataclasses import replace

from consensus import EvidenceFound, Fault, PeerFault
from ledger.evidence import ConflictingFinalize, ConflictingNotarize, NullifyFinalize
from ledger.types import Ed25519Signature, ValidatorIndex
from tests.simulation.bench import Bench

WRONG = Ed25519Signature(bytes(64))


def found(effects: Sequence[object]) -> list[object]:
    return [effect.evidence for effect in effects if isinstance(effect, EvidenceFound)]


def test_two_notarize_votes_convict(bench: Bench) -> None:
    first = bench.notarize(2, bench.proposal(1))
    second = bench.notarize(2, bench.proposal(1, salt="other"))
    bench.hear(2, first)
    assert found(bench.hear(2, second)) == [ConflictingNotarize(first, second)]


def test_one_notarize_vote_said_twice_does_not(bench: Bench) -> None:
    vote = bench.notarize(2, bench.proposal(1))
    bench.hear(2, vote)
    assert bench.hear(2, vote) == []


def test_notarize_votes_in_two_views_do_not(bench: Bench) -> None:
    bench.hear(2, bench.notarize(2, bench.proposal(1)))
    assert found(bench.hear(2, bench.notarize(2, bench.proposal(2)))) == []


def test_two_finalize_votes_convict(bench: Bench) -> None:
    first = bench.finalize(2, bench.proposal(1))
    second = bench.finalize(2, bench.proposal(1, salt="other"))
    bench.hear(2, first)
    assert found(bench.hear(2, second)) == [ConflictingFinalize(first, second)]


def test_nullify_and_finalize_convict_in_either_order(bench: Bench) -> None:
    for peer, is_nullify_first in ((2, True), (3, False)):
        nullify, finalize = bench.nullify(peer, 1), bench.finalize(peer, bench.proposal(1))
        said = (nullify, finalize) if is_nullify_first else (finalize, nullify)
        bench.hear(peer, said[0])
        assert found(bench.hear(peer, said[1])) == [NullifyFinalize(nullify, finalize)]


def test_nullify_after_notarize_does_not_convict(bench: Bench) -> None:
    bench.hear(2, bench.notarize(2, bench.proposal(1)))
    assert found(bench.hear(2, bench.nullify(2, 1))) == []


def test_validator_is_convicted_once_per_view_and_kind(bench: Bench) -> None:
    for salt in ("a", "b", "c", "d"):
        bench.hear(2, bench.notarize(2, bench.proposal(1, salt=salt)))
    assert len(found(bench.effects)) == 1


def test_convicted_validators_further_votes_cost_no_signature_checks(bench: Bench) -> None:
    for salt in ("a", "b"):
        bench.hear(2, bench.notarize(2, bench.proposal(1, salt=salt)))
    before = bench.validators.checks
    bench.hear(2, bench.notarize(2, bench.proposal(1, salt="c")))
    assert bench.validators.checks == before


def test_forged_contradiction_convicts_nobody_but_names_the_forger(bench: Bench) -> None:
    bench.hear(2, bench.notarize(2, bench.proposal(1)))
    forged = replace(bench.notarize(2, bench.proposal(1, salt="other")), signature=WRONG)
    assert bench.hear(2, forged) == [PeerFault(ValidatorIndex(2), Fault.BAD_SIGNATURE)]


def test_forged_first_vote_does_not_convict_with_a_genuine_second(bench: Bench) -> None:
    bench.hear(2, replace(bench.notarize(2, bench.proposal(1)), signature=WRONG))
    effects = bench.hear(2, bench.notarize(2, bench.proposal(1, salt="other")))
    assert effects == [PeerFault(ValidatorIndex(2), Fault.BAD_SIGNATURE)]


def test_vote_found_in_a_certificate_convicts(bench: Bench) -> None:
    first = bench.notarize(2, bench.proposal(1, salt="told to validator 0"))
    bench.hear(2, first)
    other = bench.proposal(1)
    effects = bench.hear(3, bench.notarization(other, (1, 2, 3)))
    assert found(effects) == [ConflictingNotarize(first, bench.notarize(2, other))]


def test_late_contradiction_below_the_floor_still_convicts(bench: Bench) -> None:
    bench.hear(2, bench.notarize(2, bench.proposal(3)))
    bench.hear(1, bench.finalization(bench.proposal(5)))
    assert len(found(bench.hear(2, bench.notarize(2, bench.proposal(3, salt="other"))))) == 1
