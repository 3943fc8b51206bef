"""Wire form of consensus messages."""

import pytest

from consensus import (
    CertificateRequest,
    CertificateResponse,
    ViewRequest,
    ViewResponse,
    VotesFrom,
    open_message,
    open_record,
)
from consensus.messages import MAX_MESSAGE_BYTES
from ledger.codec import encode
from ledger.errors import CodecError
from ledger.types import Epoch, View
from ledger.votes import Round
from tests.simulation.bench import Bench


def test_every_kind_of_message_survives_the_wire(bench: Bench) -> None:
    proposal = bench.proposal(1)
    certificates = (
        bench.notarization(proposal),
        bench.nullification(1),
        bench.finalization(proposal),
    )
    messages = [
        bench.notarize(1, proposal),
        bench.nullify(1, 1),
        bench.finalize(1, proposal),
        *certificates,
        CertificateRequest(Epoch(0), View(3), (View(4), View(5))),
        CertificateResponse(certificates),
        ViewRequest(Epoch(0), bytes(16)),
        ViewResponse(Epoch(0), bytes(16), certificates[:1]),
    ]
    assert [open_message(encode(message)) for message in messages] == messages


def test_too_many_views_in_a_request_are_refused() -> None:
    with pytest.raises(CodecError):
        encode(CertificateRequest(Epoch(0), View(0), (View(1),) * 33))


def test_message_longer_than_the_bound_is_refused() -> None:
    with pytest.raises(CodecError):
        open_message(bytes(MAX_MESSAGE_BYTES + 1))


def test_request_is_no_journal_record() -> None:
    with pytest.raises(CodecError):
        open_record(encode(CertificateRequest(Epoch(0), View(0), ())))


def test_vote_is_a_journal_record(bench: Bench) -> None:
    vote = bench.nullify(0, 1)
    assert open_record(encode(vote)) == vote


def test_promise_to_vote_from_a_view_on_is_a_record_and_no_message() -> None:
    promise = VotesFrom(Round(Epoch(0), View(9)))
    assert open_record(encode(promise)) == promise
    with pytest.raises(CodecError):
        open_message(encode(promise))
