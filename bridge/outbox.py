"""Outboxes: the messages of one block, in the form that an EVM contract can recompute.

A leaf is the packed concatenation (``abi.encodePacked``)::

    uint64 source_chain_id | uint64 nonce | address sender | address target
    | uint256 value_wei | uint64 gas_limit | bytes data

All fields but the last have a fixed width, so no two messages have one leaf; the
Merkle tree (``ledger.merkle``, RFC 6962 over keccak-256) hashes leaves and nodes
under different prefixes. The tree of an empty outbox has the root ``keccak("")``.
"""

from collections.abc import Sequence

from ledger.crossing import Message
from ledger.merkle import MerkleProof, merkle_root, prove, verify
from ledger.types import EvmHash


def message_leaf(message: Message) -> bytes:
    """Leaf of a message: 96 fixed bytes, then its data."""
    return b"".join(
        (
            message.source_chain_id.to_bytes(8, "big"),
            message.nonce.to_bytes(8, "big"),
            message.sender,
            message.target,
            message.value_wei.to_bytes(32, "big"),
            message.gas_limit.to_bytes(8, "big"),
            message.data,
        )
    )


def outbox_root(messages: Sequence[Message]) -> EvmHash:
    """Merkle root over the messages of one block, in the order of their nonces."""
    return merkle_root([message_leaf(message) for message in messages])


def prove_message(messages: Sequence[Message], index: int) -> MerkleProof:
    """Proof that ``messages[index]`` is in the outbox of its block.

    Raises
    ------
    MerkleError
        If there is no such message.
    """
    return prove([message_leaf(message) for message in messages], index)


def verify_message(root: EvmHash, message: Message, proof: MerkleProof) -> None:
    """Check that a message is in the outbox with this root.

    Raises
    ------
    MerkleError
        If it is not.
    """
    verify(root, message_leaf(message), proof)
