"""A witness that is not right proves nothing: no public values, an exit code that is not zero."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random

import pytest
import rlp

from execution.block_data import BatchBlock, encode_block_data
from execution.errors import WitnessRejectedError
from execution.statement import Statement
from execution.types import Address, Hash32
from execution.witness import Witness, encode_witness, run_batch
from ledger.hashing import keccak
from tests.differential.guest.batches import Batch, random_batch
from tests.differential.guest.machine import exit_code, run_guest

BAD_WITNESS, BAD_HEADERS, BAD_NODE, BAD_BLOCK_DATA = 2, 3, 4, 5
NO_BLOCKS, REJECTED_BY_ENGINE = 7, 8

LIST_START = 24 + 5 * 32
"""Where the count of headers is."""

pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")


@cache
def batch() -> Batch:
    return random_batch(1, 2, 12)


@cache
def witness() -> Witness:
    return batch().witness()


def flipped(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)


def with_item(items: tuple[bytes, ...], index: int, item: bytes) -> tuple[bytes, ...]:
    return (*items[:index], item, *items[index + 1 :])


def without_item(items: tuple[bytes, ...], index: int) -> tuple[bytes, ...]:
    return (*items[:index], *items[index + 1 :])


def test_the_witness_that_all_others_are_made_from_is_right() -> None:
    assert run_guest(encode_witness(witness())).proves(batch().statement())


LARGE = (0xFFFF_FFFF).to_bytes(4, "little")
HALF = (0x7FFF_FFFF).to_bytes(4, "little")


def overwritten(position: int, data: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        encoded = encode_witness(witness())
        return encoded[:position] + data + encoded[position + len(data) :]

    return make


MALFORMED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a lone magic": lambda: b"BRW1",
    "another magic": overwritten(0, b"BRW2"),
    "a flag that is no flag": overwritten(4, b"\x02"),
    "the last byte cut off": lambda: encode_witness(witness())[:-1],
    "the last word cut off": lambda: encode_witness(witness())[:-4],
    "half cut off": lambda: encode_witness(witness())[: len(encode_witness(witness())) // 2],
    "a byte too many": lambda: encode_witness(witness()) + b"\0",
    "a word too many": lambda: encode_witness(witness()) + bytes(4),
    "a giant count of headers": overwritten(LIST_START, LARGE),
    "a large count of headers": overwritten(LIST_START, HALF),
    "a giant header": overwritten(LIST_START + 4, LARGE),
    "a large header": overwritten(LIST_START + 4, HALF),
    "a header that ends at the end of memory": overwritten(
        LIST_START + 4, (0xBFFF_FF00).to_bytes(4, "little")
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_bytes_that_are_no_witness_are_refused(name: str) -> None:
    encoded = MALFORMED[name]()
    with pytest.raises(WitnessRejectedError):
        run_batch(encoded)
    assert exit_code(encoded) == BAD_WITNESS


def test_padding_that_is_not_zero_is_refused() -> None:
    nodes = witness().nodes
    assert len(nodes[-1]) % 4
    encoded = encode_witness(witness())
    assert exit_code(encoded[:-1] + b"\1") == BAD_WITNESS


def another_parent(**fields: object) -> tuple[bytes, ...]:
    """The parent's header with one of its RLP items replaced."""
    items = rlp.decode(witness().headers[-1])
    for index, value in fields.items():
        items[int(index[1:])] = value
    encoded: bytes = rlp.encode(items)
    return (encoded,)


def blocks_with(index: int, **fields: object) -> tuple[bytes, ...]:
    entry = batch().blocks[index]
    changed = replace(entry, block=replace(entry.block, **fields))  # type: ignore[arg-type]
    return with_item(witness().blocks, index, encode_block_data(changed))


WRONG: dict[str, tuple[int, Callable[[], Witness]]] = {
    "no headers": (BAD_HEADERS, lambda: replace(witness(), headers=())),
    "a header that is none": (BAD_HEADERS, lambda: replace(witness(), headers=(b"\xc0",))),
    "a parent with bytes behind it": (
        BAD_HEADERS,
        lambda: replace(witness(), headers=(witness().headers[0] + b"\0",)),
    ),
    "the parent twice": (
        BAD_HEADERS,
        lambda: replace(witness(), headers=witness().headers * 2),
    ),
    "a parent with another state root": (
        BAD_NODE,
        lambda: replace(witness(), headers=another_parent(i3=keccak(b"other"))),
    ),
    "a parent with another number": (
        REJECTED_BY_ENGINE,
        lambda: replace(witness(), headers=another_parent(i8=5)),
    ),
    "the last number that there is": (
        BAD_HEADERS,
        lambda: replace(witness(), headers=another_parent(i8=2**64 - 1)),
    ),
    "no blocks": (NO_BLOCKS, lambda: replace(witness(), blocks=())),
    "a block twice": (
        REJECTED_BY_ENGINE,
        lambda: replace(witness(), blocks=witness().blocks[:1] * 2),
    ),
    "blocks in the wrong order": (
        REJECTED_BY_ENGINE,
        lambda: replace(witness(), blocks=witness().blocks[::-1]),
    ),
    "a gap between blocks": (
        REJECTED_BY_ENGINE,
        lambda: replace(witness(), blocks=witness().blocks[1:]),
    ),
    "a timestamp before the parent's": (
        REJECTED_BY_ENGINE,
        lambda: replace(witness(), blocks=blocks_with(0, timestamp_seconds=5)),
    ),
    "a block that is no block": (
        BAD_BLOCK_DATA,
        lambda: replace(witness(), blocks=(b"\xc0", b"\xc0")),
    ),
    "a block with bytes behind it": (
        BAD_BLOCK_DATA,
        lambda: replace(witness(), blocks=(witness().blocks[0] + b"\0",)),
    ),
    "an empty node more": (BAD_NODE, lambda: replace(witness(), nodes=(*witness().nodes, b""))),
    "a foreign node in front": (
        BAD_NODE,
        lambda: replace(witness(), nodes=(b"\xc2\x80\x80", *witness().nodes)),
    ),
    "a node twice": (
        BAD_NODE,
        lambda: replace(witness(), nodes=(*witness().nodes, witness().nodes[-1])),
    ),
    "nodes in the wrong order": (
        BAD_NODE,
        lambda: replace(witness(), nodes=witness().nodes[::-1]),
    ),
    "no nodes": (REJECTED_BY_ENGINE, lambda: replace(witness(), nodes=())),
    "no codes": (REJECTED_BY_ENGINE, lambda: replace(witness(), codes=())),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_witness_that_is_wrong_proves_nothing(name: str) -> None:
    expected, make = WRONG[name]
    encoded = encode_witness(make())
    with pytest.raises(WitnessRejectedError):
        run_batch(encoded)
    assert exit_code(encoded) == expected


def test_each_node_that_is_missing_is_missed() -> None:
    for index in range(len(witness().nodes)):
        changed = replace(witness(), nodes=without_item(witness().nodes, index))
        with pytest.raises(WitnessRejectedError):
            run_batch(encode_witness(changed))


def test_each_node_that_is_changed_in_a_byte_is_refused() -> None:
    random = Random(1)
    for index, node in enumerate(witness().nodes):
        changed = flipped(node, random.randrange(len(node)))
        with pytest.raises(WitnessRejectedError):
            run_batch(
                encode_witness(replace(witness(), nodes=with_item(witness().nodes, index, changed)))
            )


def test_a_changed_and_a_missing_node_stop_the_guest() -> None:
    nodes = witness().nodes
    changed = with_item(nodes, 2, flipped(nodes[2], 7))
    assert exit_code(encode_witness(replace(witness(), nodes=changed))) == BAD_NODE
    missing = without_item(nodes, len(nodes) - 1)
    assert exit_code(encode_witness(replace(witness(), nodes=missing))) == REJECTED_BY_ENGINE


def test_each_code_that_is_changed_or_missing_is_missed() -> None:
    codes = witness().codes
    for index, code in enumerate(codes):
        for changed in (without_item(codes, index), with_item(codes, index, flipped(code, 0))):
            with pytest.raises(WitnessRejectedError):
                run_batch(encode_witness(replace(witness(), codes=changed)))
    changed = with_item(codes, 0, flipped(codes[0], 0))
    assert exit_code(encode_witness(replace(witness(), codes=changed))) == REJECTED_BY_ENGINE


def other_statement(changed: Witness) -> Statement:
    """Statement of a consistent witness of something else."""
    encoded = encode_witness(changed)
    statement = run_batch(encoded)
    assert run_guest(encoded).proves(statement)
    return statement


CONSISTENT: dict[str, tuple[str, Callable[[], Witness]]] = {
    "another base fee of the parent": (
        "previous_block_hash",
        lambda: replace(witness(), headers=another_parent(i15=6)),
    ),
    "another L1": ("l1_chain_id", lambda: replace(witness(), l1_chain_id=9)),
    "other accumulators": (
        "before",
        lambda: replace(
            witness(), before=replace(witness().before, deposits=Hash32(keccak(b"queue")))
        ),
    ),
    "fewer blocks": ("last_block", lambda: replace(witness(), blocks=witness().blocks[:1])),
    "a certificate more": (
        "after",
        lambda: replace(
            witness(),
            blocks=with_item(
                witness().blocks,
                1,
                encode_block_data(
                    BatchBlock(batch().blocks[1].block, (Hash32(keccak(b"certificate")),))
                ),
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", CONSISTENT)
def test_what_the_prover_may_choose_shows_in_the_statement(name: str) -> None:
    field, make = CONSISTENT[name]
    honest = batch().statement()
    other = other_statement(make())
    assert getattr(other, field) != getattr(honest, field)


def test_another_base_fee_rule_shows_in_the_statement() -> None:
    empty = random_batch(1, 1, 0)
    honest = empty.statement()
    other = other_statement(
        replace(empty.witness(), is_base_fee_zero=not empty.spec.is_base_fee_zero)
    )
    assert other == replace(
        honest,
        is_base_fee_zero=not honest.is_base_fee_zero,
        last_block_hash=other.last_block_hash,
    )


@pytest.mark.slow
def test_random_damage_never_proves_another_statement_of_the_same_batch() -> None:
    random = Random(3)
    encoded = encode_witness(witness())
    honest = batch().statement()
    for _ in range(2_000):
        damaged = flipped(encoded, random.randrange(len(encoded)))
        try:
            statement = run_batch(damaged)
        except WitnessRejectedError:
            continue
        bound = (
            statement.chain_id,
            statement.l1_chain_id,
            statement.is_base_fee_zero,
            statement.previous_block_hash,
            statement.before,
            statement.after.block_data,
        )
        expected = (
            honest.chain_id,
            honest.l1_chain_id,
            honest.is_base_fee_zero,
            honest.previous_block_hash,
            honest.before,
            honest.after.block_data,
        )
        assert bound != expected


def test_senders_are_not_taken_from_anyone() -> None:
    stranger = Address(b"\x99" * 20)
    block = batch().blocks[0].block
    lying = replace(block, senders=(stranger,) * len(block.transactions))
    assert encode_block_data(BatchBlock(lying)) == encode_block_data(BatchBlock(block))
