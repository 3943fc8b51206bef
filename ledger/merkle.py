"""Binary Merkle trees over keccak-256, as RFC 6962 builds them.

A leaf hashes as ``keccak(0x00 || leaf)`` and a node as ``keccak(0x01 || left ||
right)``, so neither passes for the other; a tree of n leaves splits at the
largest power of two below n, so no leaf is ever duplicated. The empty tree has
the root ``keccak("")``. Keccak, since contracts recompute it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import MerkleError
from ledger.hashing import keccak
from ledger.types import EvmHash

EMPTY_ROOT = keccak(b"")


@dataclass(frozen=True, slots=True)
class MerkleProof:
    """Siblings of a leaf, from the leaf up to the root."""

    index: int
    leaf_count: int
    siblings: tuple[EvmHash, ...]


def merkle_root(leaves: Sequence[bytes]) -> EvmHash:
    """Root over the leaves."""
    if not leaves:
        return EMPTY_ROOT
    return _root([_hash_leaf(leaf) for leaf in leaves])


def prove(leaves: Sequence[bytes], index: int) -> MerkleProof:
    """Proof that ``leaves[index]`` is in the tree."""
    if not 0 <= index < len(leaves):
        raise MerkleError(f"no leaf {index} among {len(leaves)}")
    siblings: list[EvmHash] = []
    hashes = [_hash_leaf(leaf) for leaf in leaves]
    position = index
    while len(hashes) > 1:
        split = _split(len(hashes))
        if position < split:
            siblings.append(_root(hashes[split:]))
            hashes = hashes[:split]
        else:
            siblings.append(_root(hashes[:split]))
            hashes = hashes[split:]
            position -= split
    return MerkleProof(index, len(leaves), tuple(reversed(siblings)))


def verify(root: EvmHash, leaf: bytes, proof: MerkleProof) -> None:
    """Check that a leaf is in the tree with this root.

    Raises
    ------
    MerkleError
        If the proof has the wrong shape or leads elsewhere.
    """
    if not 0 <= proof.index < proof.leaf_count:
        raise MerkleError(f"no leaf {proof.index} among {proof.leaf_count}")
    went_left: list[bool] = []
    position, count = proof.index, proof.leaf_count
    while count > 1:
        split = _split(count)
        is_left = position < split
        went_left.append(is_left)
        position, count = (position, split) if is_left else (position - split, count - split)
    if len(went_left) != len(proof.siblings):
        raise MerkleError(f"{len(proof.siblings)} siblings, expected {len(went_left)}")
    current = _hash_leaf(leaf)
    for is_left, sibling in zip(reversed(went_left), proof.siblings, strict=True):
        current = _hash_node(current, sibling) if is_left else _hash_node(sibling, current)
    if current != root:
        raise MerkleError("the proof leads to another root")


def _split(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def _hash_leaf(leaf: bytes) -> EvmHash:
    return keccak(b"\x00" + leaf)


def _hash_node(left: EvmHash, right: EvmHash) -> EvmHash:
    return keccak(b"\x01" + left + right)


def _root(hashes: Sequence[EvmHash]) -> EvmHash:
    if len(hashes) == 1:
        return hashes[0]
    split = _split(len(hashes))
    return _hash_node(_root(hashes[:split]), _root(hashes[split:]))
