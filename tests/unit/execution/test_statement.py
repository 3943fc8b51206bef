"""Statements: their words, joining them, and refusing what is none."""

from dataclasses import fields, replace

import pytest

from execution.errors import BatchError, BrokenChainError, StatementDecodeError
from execution.statement import (
    DOMAIN,
    ETH,
    MAX_STATEMENT_BYTES,
    Accumulators,
    RoundTotals,
    Statement,
    combine,
    decode,
    describe,
    digest,
    encode,
    public_values,
)
from execution.types import Address, Hash32
from ledger.hashing import keccak


def named(name: str) -> Hash32:
    return Hash32(keccak(name.encode()))


def accumulators(name: str) -> Accumulators:
    return Accumulators(*(named(name + field.name) for field in fields(Accumulators)))


FIRST = Statement(
    chain_id=7001,
    l1_chain_id=1,
    is_base_fee_zero=False,
    first_block=5,
    last_block=9,
    previous_state_root=named("state 4"),
    new_state_root=named("state 9"),
    previous_block_hash=named("block 4"),
    last_block_hash=named("block 9"),
    before=accumulators("4"),
    after=accumulators("9"),
    inflows={ETH: 10, Address(b"\x01" * 20): 3},
    rounds={2: RoundTotals(5, 0), 1: RoundTotals(0, 70)},
)
SECOND = replace(
    FIRST,
    first_block=10,
    last_block=10,
    previous_state_root=FIRST.new_state_root,
    new_state_root=named("state 10"),
    previous_block_hash=FIRST.last_block_hash,
    last_block_hash=named("block 10"),
    before=FIRST.after,
    after=accumulators("10"),
    inflows={ETH: 1},
    rounds={2: RoundTotals(1, 1), 3: RoundTotals(4, 0)},
)


def test_a_statement_is_whole_words_in_a_fixed_order() -> None:
    encoded = encode(FIRST)
    words = [encoded[at : at + 32] for at in range(0, len(encoded), 32)]
    assert len(words) == 10 + 10 + 1 + 2 * 2 + 1 + 2 * 3
    assert words[0] == DOMAIN
    assert [int.from_bytes(word, "big") for word in words[1:6]] == [7001, 1, 0, 5, 9]
    assert words[10:12] == [FIRST.before.block_data, FIRST.after.block_data]
    assert words[21] == bytes(32)
    assert [int.from_bytes(word, "big") for word in words[26:]] == [1, 0, 70, 2, 5, 0]


def test_the_order_of_dictionaries_does_not_matter() -> None:
    reordered = replace(FIRST, rounds=dict(reversed(FIRST.rounds.items())))
    assert encode(reordered) == encode(FIRST)


def test_the_public_values_are_the_digest() -> None:
    joined = b"".join(value.to_bytes(4, "big") for value in public_values(FIRST))
    assert joined == digest(FIRST) == keccak(encode(FIRST))


@pytest.mark.parametrize("field", [field.name for field in fields(Statement)])
def test_every_field_is_in_the_digest(field: str) -> None:
    others: dict[type, object] = {
        int: 77,
        bool: True,
        bytes: named("other"),
        Accumulators: accumulators("other"),
        dict: {},
    }
    value = getattr(FIRST, field)
    assert digest(replace(FIRST, **{field: others[type(value)]})) != digest(FIRST)


@pytest.mark.parametrize("statement", [FIRST, SECOND, replace(FIRST, inflows={}, rounds={})])
def test_what_was_encoded_is_decoded(statement: Statement) -> None:
    assert decode(encode(statement)) == statement


def test_bytes_that_are_no_statement_are_refused() -> None:
    encoded = encode(FIRST)
    giant_count = (2**256 - 1).to_bytes(32, "big")
    broken = [
        b"",
        encoded[:-1],
        encoded[:-32],
        encoded + bytes(32),
        bytes(32) + encoded[32:],
        encoded[:96] + (2).to_bytes(32, "big") + encoded[128:],
        encoded[: 20 * 32] + giant_count + encoded[21 * 32 :],
        encoded[: 21 * 32] + b"\x01" + encoded[21 * 32 + 1 :],
        bytes(MAX_STATEMENT_BYTES + 32),
    ]
    for data in broken:
        with pytest.raises(StatementDecodeError):
            decode(data)


def test_batches_that_follow_each_other_are_one_batch() -> None:
    combined = combine([FIRST, SECOND])
    assert (combined.first_block, combined.last_block) == (5, 10)
    assert combined.previous_state_root == FIRST.previous_state_root
    assert combined.new_state_root == SECOND.new_state_root
    assert combined.previous_block_hash == FIRST.previous_block_hash
    assert combined.last_block_hash == SECOND.last_block_hash
    assert (combined.before, combined.after) == (FIRST.before, SECOND.after)
    assert combined.inflows == {ETH: 11, Address(b"\x01" * 20): 3}
    assert combined.rounds == {
        1: RoundTotals(0, 70),
        2: RoundTotals(6, 1),
        3: RoundTotals(4, 0),
    }


def test_one_batch_alone_is_itself() -> None:
    assert combine([FIRST]) == FIRST


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 7002},
        {"l1_chain_id": 2},
        {"is_base_fee_zero": True},
        {"first_block": 11},
        {"first_block": 9},
        {"previous_state_root": named("other")},
        {"previous_block_hash": named("other")},
        {"before": accumulators("other")},
        {"before": replace(FIRST.after, deposits=named("other"))},
    ],
)
def test_batches_that_do_not_follow_each_other_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(BrokenChainError):
        combine([FIRST, replace(SECOND, **change)])  # type: ignore[arg-type]


def test_no_batches_make_no_batch() -> None:
    with pytest.raises(BatchError):
        combine([])


def test_a_description_says_what_is_claimed() -> None:
    text = describe(replace(FIRST, after=replace(FIRST.after, deposits=FIRST.before.deposits)))
    assert "Chain 7001: 5 block(s), 5 to 9, with base fee." in text
    assert "Deposits from L1: unchanged." in text
    assert "From the fast chain came 10 wei of ETH." in text
    assert "Round 2 was granted 5 trophies and 0 wei." in text
