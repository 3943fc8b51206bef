"""Leaves and roots of outboxes."""

from dataclasses import replace

import pytest
from bridge_world import FAST, message, messages
from eth_abi.packed import encode_packed

from bridge.outbox import message_leaf, outbox_root, prove_message, verify_message
from ledger.crossing import Message
from ledger.errors import MerkleError
from ledger.hashing import keccak
from ledger.merkle import EMPTY_ROOT


def test_a_leaf_is_what_solidity_packs() -> None:
    entry = message(FAST, 5, data=b"some data")
    assert message_leaf(entry) == encode_packed(
        ["uint64", "uint64", "address", "address", "uint256", "uint64", "bytes"],
        [
            entry.source_chain_id,
            entry.nonce,
            entry.sender,
            entry.target,
            entry.value_wei,
            entry.gas_limit,
            entry.data,
        ],
    )


def test_the_root_of_one_and_two_messages_is_spelled_out() -> None:
    first, second = messages(FAST, 0, 2)
    hashes = [keccak(b"\x00" + message_leaf(entry)) for entry in (first, second)]
    assert outbox_root(()) == EMPTY_ROOT
    assert outbox_root((first,)) == hashes[0]
    assert outbox_root((first, second)) == keccak(b"\x01" + hashes[0] + hashes[1])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_each_message_of_an_outbox_is_provable_and_no_other(count: int) -> None:
    sent = messages(FAST, 0, count)
    root = outbox_root(sent)
    for place, entry in enumerate(sent):
        proof = prove_message(sent, place)
        verify_message(root, entry, proof)
        with pytest.raises(MerkleError):
            verify_message(root, replace(entry, value_wei=entry.value_wei + 1), proof)


@pytest.mark.parametrize(
    "field", ["source_chain_id", "nonce", "sender", "target", "value_wei", "gas_limit", "data"]
)
def test_every_field_is_in_the_leaf(field: str) -> None:
    entry = message(FAST, 5, data=b"data")
    value = getattr(entry, field)
    other = value + 1 if isinstance(value, int) else bytes([value[0] ^ 1]) + value[1:]
    changed: Message = replace(entry, **{field: other})
    assert message_leaf(changed) != message_leaf(entry)
