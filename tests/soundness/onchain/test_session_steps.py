"""Steps of a session out of order, twice, left out; bytes too few, too many or not canonical."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from eth_abi.abi import decode

from contracts.verifier.calls import Call, Step, call_data, cut
from contracts.verifier.rehearsal import RehearsalChain, deploy
from ledger.hashing import keccak
from proving.field.koalabear import P
from tests.support.onchain_judge import Judge
from tests.support.proof_mutations import mutations
from tests.support.toy_settlement import PUBLIC_VALUES, settled_claim, settled_key

SMALL_CALL_BYTES = 3500

BEGIN = ["bytes32", "bytes", "bytes32"]
EVALUATE = ["bytes32", "bytes", "bytes", "uint256", "uint256"]
QUERY = ["bytes32", "bytes32", "bytes32", "uint256", "bytes"]


@cache
def judge() -> Judge:
    """An honest session in several calls for queries."""
    return Judge(RehearsalChain(), settled_claim(), SMALL_CALL_BYTES)


@pytest.fixture(scope="module", autouse=True)
def _engine_is_closed() -> Iterator[None]:
    yield
    judge.cache_clear()


def begin_with(header: bytes) -> bytes:
    """`begin` with another header."""
    digest, _, opened_hash = decode(BEGIN, judge().first(Step.BEGIN).data[4:])
    return call_data("begin", digest, header, opened_hash)


def header() -> bytes:
    _, encoded, _ = decode(BEGIN, judge().first(Step.BEGIN).data[4:])
    return bytes(encoded)


def query_calls() -> list[Call]:
    calls = [call for call in judge().session.calls if call.step is Step.QUERY]
    assert len(calls) >= 2
    return calls


# ORDER


def test_the_honest_steps_in_order_prove_the_statement() -> None:
    verifier = judge().verifier(judge().honest.key)
    progress = verifier.progress(judge().session.session_id)
    assert verifier.is_verified(judge().session.statement_digest)
    assert (progress.tables, progress.queries) == (5, settled_key_queries())
    assert not verifier.is_verified(bytes(32))


def settled_key_queries() -> int:
    return settled_key().verifying_key.proof_parameters.query_count


def test_no_step_can_be_taken_before_those_in_front_of_it() -> None:
    calls = judge().session.calls
    for position in range(len(calls)):
        for early in calls[position + 1 :]:
            verifier = judge().verifier(judge().honest.key)
            head = judge().head_before(calls[position])
            assert verifier.reason(early.data, head) == "WrongStep"


def test_no_step_can_be_taken_twice() -> None:
    verifier = judge().verifier(judge().honest.key)
    for call in judge().session.calls:
        assert verifier.reason(call.data) == "WrongStep"


@pytest.mark.parametrize("left_out", range(4))
def test_without_a_step_nothing_is_proved(left_out: int) -> None:
    session = judge().session
    fresh = deploy(RehearsalChain(), judge().honest.key)
    for number, call in enumerate(session.calls):
        if number != left_out:
            fresh.send(call.data)
    assert not fresh.is_verified(session.statement_digest)


def test_steps_may_be_taken_by_anybody_and_cut_in_other_places() -> None:
    claim = judge().honest
    fresh = deploy(RehearsalChain(), claim.key)
    ours = judge().session
    digest, encoded, opened, _, _ = decode(EVALUATE, judge().first(Step.EVALUATE).data[4:])

    def left() -> tuple[Call, ...]:
        done = fresh.progress(ours.session_id)
        return ours.remaining(done.is_begun, done.tables, done.queries)

    # somebody else checks two tables, and queries in shorter calls than ours
    assert left() == ours.calls
    fresh.send(ours.calls[0].data)
    fresh.send(call_data("evaluate", digest, encoded, opened, 0, 2))
    assert [(call.step, call.first) for call in left()][:2] == [("evaluate", 2), ("query", 0)]
    fresh.send(left()[0].data)
    shorter = cut(claim.key, claim.encoded, claim.public_values, 2000 + len(opened))
    shorter_queries = [call for call in shorter.calls if call.step is Step.QUERY]
    assert shorter_queries[0].count != query_calls()[0].count
    fresh.send(shorter_queries[0].data)
    assert left()[0].first == shorter_queries[0].count
    for call in left():
        assert fresh.send(call.data).receipt.is_success
    assert fresh.is_verified(ours.statement_digest)
    assert left() == ()


def test_tables_can_be_evaluated_one_by_one() -> None:
    claim = judge().honest
    digest, encoded, opened, _, tables = decode(EVALUATE, judge().first(Step.EVALUATE).data[4:])
    fresh = deploy(RehearsalChain(), claim.key)
    session = judge().session
    fresh.send(session.calls[0].data)
    for table in range(tables):
        early = call_data("evaluate", digest, encoded, opened, table + 1, 1)
        assert fresh.reason(early) == "WrongStep"
        sent = fresh.send(call_data("evaluate", digest, encoded, opened, table, 1))
        assert sent.receipt.is_success
        assert fresh.progress(session.session_id).is_evaluated == (table + 1 == tables)
    fresh.send_all(query_calls())
    assert fresh.is_verified(session.statement_digest)


@pytest.mark.parametrize("count", [0, 6, 7, 1 << 128, (1 << 256) - 1])
def test_other_numbers_of_tables_are_refused(count: int) -> None:
    evaluate = judge().first(Step.EVALUATE)
    digest, encoded, opened, first, _ = decode(EVALUATE, evaluate.data[4:])
    assert judge().refuses(evaluate, call_data("evaluate", digest, encoded, opened, first, count))


def test_a_proof_that_is_stuck_does_not_hinder_another_of_the_same_statement() -> None:
    claim = judge().honest
    kind = "opened value of the main tree at z"
    spoiled = next(own.claim for own in mutations(claim, 1) if own.kind == kind)
    fresh = deploy(RehearsalChain(), claim.key)
    stuck = cut(claim.key, spoiled.encoded, claim.public_values)
    assert not fresh.send_all(stuck.calls)[-1].receipt.is_success
    other_opened = call_data("begin", stuck.statement_digest, header(), keccak(b"another"))
    assert fresh.send(other_opened).receipt.is_success
    honest = cut(claim.key, claim.encoded, claim.public_values)
    progress = fresh.progress(honest.session_id)
    left = honest.remaining(progress.is_begun, progress.tables, progress.queries)
    fresh.send_all(left)
    assert fresh.is_verified(honest.statement_digest)


# BYTES


def changed_lengths(data: bytes) -> Iterator[bytes]:
    for length in (0, 1, 16, 31, len(data) // 2, len(data) - 32, len(data) - 1):
        yield data[:length]
    yield data + b"\0"
    yield data + bytes(16)
    yield data + data


def test_headers_of_another_length_are_refused() -> None:
    for changed in changed_lengths(header()):
        assert judge().refuses(judge().first(Step.BEGIN), begin_with(changed))


def test_opened_values_of_another_length_are_refused() -> None:
    """Even where the session was begun with them."""
    digest, encoded, opened, first, count = decode(EVALUATE, judge().first(Step.EVALUATE).data[4:])
    fresh = deploy(RehearsalChain(), judge().honest.key)
    for changed in changed_lengths(opened):
        begun = fresh.send(call_data("begin", digest, encoded, keccak(changed)))
        assert begun.receipt.is_success
        data = call_data("evaluate", digest, encoded, changed, first, count)
        assert fresh.reason(data) == "WrongLength"


def test_queries_of_another_length_are_refused() -> None:
    for call in query_calls():
        *ids, first, queries = decode(QUERY, call.data[4:])
        for changed in changed_lengths(queries):
            assert judge().refuses(call, call_data("query", *ids, first, changed))


def test_heights_outside_of_their_bounds_are_refused_first() -> None:
    verifier = judge().verifier(judge().honest.key)
    head = judge().head_before(judge().first(Step.BEGIN))
    encoded = header()
    chips = len(judge().honest.key.machine.chips)
    for chip in range(chips):
        for height in {1, 17, 24, 200, 255, encoded[chip] + 1, encoded[chip] - 1}:
            changed = encoded[:chip] + bytes([height]) + encoded[chip + 1 :]
            assert verifier.reason(begin_with(changed), head) in ("OutOfRange", "WrongLength") or (
                judge().refuses(judge().first(Step.BEGIN), begin_with(changed))
            )


def with_alias(data: bytes, start: int) -> bytes | None:
    """The same element in another representation, where there is one in four bytes."""
    value = int.from_bytes(data[start : start + 4], "big")
    if value + P >= 1 << 32:
        return None
    return data[:start] + (value + P).to_bytes(4, "big") + data[start + 4 :]


def aliases(data: bytes, starts: Iterator[int]) -> list[bytes]:
    return [alias for start in starts if (alias := with_alias(data, start)) is not None]


def every_fourth(start: int, end: int, seed: int, count: int = 12) -> Iterator[int]:
    chance = random.Random(seed)
    positions = range(start, end, 4)
    yield from chance.sample(positions, min(count, len(positions)))


def test_sums_and_coefficients_that_are_not_canonical_are_refused() -> None:
    encoded = header()
    proof = judge().raw
    chips = len(judge().honest.key.machine.chips)
    sums = chips + 72
    coefficients = len(encoded) - 8 - len(proof.final_polynomial)
    changed = aliases(encoded, every_fourth(sums, sums + len(proof.sums), 1))
    changed += aliases(encoded, every_fourth(coefficients, len(encoded) - 8, 2))
    assert changed
    verifier = judge().verifier(judge().honest.key)
    head = judge().head_before(judge().first(Step.BEGIN))
    reasons = {verifier.reason(begin_with(own), head) for own in changed}
    assert reasons == {"NonCanonicalElement"}


def test_opened_values_that_are_not_canonical_are_refused() -> None:
    digest, encoded, opened, first, count = decode(EVALUATE, judge().first(Step.EVALUATE).data[4:])
    changed = aliases(opened, every_fourth(0, len(opened), 3))
    assert changed
    fresh = deploy(RehearsalChain(), judge().honest.key)
    for own in changed:
        fresh.send(call_data("begin", digest, encoded, keccak(own)))
        assert fresh.reason(call_data("evaluate", digest, encoded, own, first, count))


def test_rows_and_cosets_that_are_not_canonical_are_refused() -> None:
    refused = 0
    for call in query_calls():
        *ids, first, queries = decode(QUERY, call.data[4:])
        for own in aliases(queries, every_fourth(0, len(queries), 4, count=40)):
            assert judge().refuses(call, call_data("query", *ids, first, own))
            refused += 1
    assert refused > 10


# IDENTITY


def test_a_session_is_for_one_statement_only() -> None:
    for call, types in zip(
        (judge().first(Step.BEGIN), judge().first(Step.EVALUATE), query_calls()[0]),
        (BEGIN, EVALUATE, QUERY),
        strict=True,
    ):
        digest, *others = decode(types, call.data[4:])
        for other in _other_digests(digest):
            assert judge().refuses(call, call_data(str(call.step), other, *others))


def _other_digests(digest: bytes) -> list[bytes]:
    changes: list[Callable[[bytes], bytes]] = [
        lambda own: own[:-1] + bytes([own[-1] ^ 1]),
        lambda own: own[::-1],
        lambda own: own[4:] + own[:4],
        lambda own: bytes(32),
    ]
    return [change(digest) for change in changes]


def test_the_statement_is_the_public_values_most_significant_first() -> None:
    digest = judge().session.statement_digest
    words = tuple(int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4))
    assert words == PUBLIC_VALUES
