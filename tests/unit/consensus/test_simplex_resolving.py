"""Rule 11: missing certificates are asked for, and requests answered."""

from collections.abc import Sequence

from consensus import CertificateRequest, CertificateResponse, Fault, PeerFault, Send
from consensus.messages import MAX_VIEWS_PER_REQUEST
from ledger.types import Epoch, ValidatorIndex, View
from tests.simulation.bench import DELTA_MS, Bench


def request(*views: int, finalized: int = 0) -> CertificateRequest:
    return CertificateRequest(Epoch(0), View(finalized), tuple(View(view) for view in views))


def sent(effects: Sequence[object], kind: type) -> list[Send]:
    return [
        effect
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, kind)
    ]


def test_views_jumped_over_are_asked_for_from_two_peers(bench: Bench) -> None:
    bench.hear(1, bench.nullification(4))
    requests = sent(bench.wait(DELTA_MS // 2), CertificateRequest)
    assert [effect.message for effect in requests] == [request(3, 2, 1)] * 2
    assert len({effect.peer for effect in requests}) == 2


def test_other_peers_are_asked_the_next_time(bench: Bench) -> None:
    bench.hear(1, bench.nullification(4))
    first = {effect.peer for effect in sent(bench.wait(DELTA_MS // 2), CertificateRequest)}
    second = {effect.peer for effect in sent(bench.wait(DELTA_MS // 2), CertificateRequest)}
    assert first | second == {1, 2, 3}


def test_nothing_is_asked_for_before_the_delay(bench: Bench) -> None:
    bench.hear(1, bench.nullification(4))
    assert sent(bench.wait(DELTA_MS // 2 - 1), CertificateRequest) == []


def test_nothing_is_asked_for_when_the_certificates_came_by_themselves(bench: Bench) -> None:
    bench.hear(1, bench.nullification(2))
    bench.hear(1, bench.nullification(1))
    assert sent(bench.wait(DELTA_MS // 2), CertificateRequest) == []


def test_missing_parent_of_a_proposal_is_asked_for(bench: Bench) -> None:
    bench.hear(1, bench.nullification(1))
    bench.accept(bench.proposal(2))
    requests = sent(bench.wait(DELTA_MS // 2), CertificateRequest)
    assert requests[0].message == request(1)


def test_missing_nullification_below_a_proposal_is_asked_for(bench: Bench) -> None:
    first = bench.proposal(1)
    bench.accept(first)
    bench.hear(1, bench.notarization(first))
    bench.accept(bench.proposal(2, parent=0))
    requests = sent(bench.wait(DELTA_MS // 2), CertificateRequest)
    assert requests[0].message == request(1)


def test_request_is_bounded_however_far_the_jump(bench: Bench) -> None:
    bench.hear(1, bench.nullification(1_000_000_000))
    bench.accept(bench.proposal(1_000_000_001, parent=0))
    asked = sent(bench.wait(DELTA_MS // 2), CertificateRequest)[0].message
    assert isinstance(asked, CertificateRequest)
    assert len(asked.views) == MAX_VIEWS_PER_REQUEST


def test_answer_brings_the_validator_up(bench: Bench) -> None:
    bench.hear(1, bench.nullification(3))
    certificates = (bench.finalization(bench.proposal(2)),)
    bench.hear(1, CertificateResponse(certificates))
    assert bench.state.finalized == 2
    assert sent(bench.wait(DELTA_MS // 2), CertificateRequest) == []


def test_forged_answer_names_the_peer_once_and_changes_nothing(bench: Bench) -> None:
    genuine = bench.nullification(3)
    forged = type(genuine)(genuine.round, genuine.signers, genuine.signatures[::-1])
    effects = bench.hear(1, CertificateResponse((forged, forged)))
    assert effects == [PeerFault(ValidatorIndex(1), Fault.BAD_CERTIFICATE)]
    assert bench.state.view == 1


def test_peer_gets_the_certificates_that_are_held(bench: Bench) -> None:
    first = bench.notarization(bench.proposal(1))
    second = bench.nullification(2)
    bench.hear(1, first)
    bench.hear(1, second)
    assert bench.hear(3, request(1, 2)) == [
        Send(ValidatorIndex(3), CertificateResponse((first, second)))
    ]


def test_peer_that_is_behind_gets_the_finalization(bench: Bench) -> None:
    final = bench.finalization(bench.proposal(5))
    bench.hear(1, final)
    assert bench.hear(3, request(1, 2)) == [Send(ValidatorIndex(3), CertificateResponse((final,)))]


def test_peer_that_is_not_behind_gets_none(bench: Bench) -> None:
    bench.hear(1, bench.finalization(bench.proposal(5)))
    assert bench.hear(3, request(finalized=5)) == []


def test_peer_that_asks_for_what_is_not_held_gets_no_answer_and_no_blame(bench: Bench) -> None:
    assert bench.hear(3, request(7, 8)) == []


def test_second_request_right_after_the_first_gets_no_answer(bench: Bench) -> None:
    bench.hear(1, bench.nullification(1))
    assert len(bench.hear(3, request(1))) == 1
    assert bench.hear(3, request(1)) == []
    assert len(bench.hear(2, request(1))) == 1


def test_second_request_after_a_while_gets_one(bench: Bench) -> None:
    bench.hear(1, bench.nullification(1))
    bench.hear(3, request(1))
    bench.wait(DELTA_MS // 4)
    assert len(bench.hear(3, request(1))) == 1


def test_request_of_another_epoch_gets_no_answer(bench: Bench) -> None:
    bench.hear(1, bench.nullification(1))
    assert bench.hear(3, CertificateRequest(Epoch(1), View(0), (View(1),))) == []
