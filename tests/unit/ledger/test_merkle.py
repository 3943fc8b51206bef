"""Merkle trees: against the definition of RFC 6962, and every proof of every size."""

from dataclasses import replace

import pytest

from ledger.errors import MerkleError
from ledger.hashing import keccak
from ledger.merkle import EMPTY_ROOT, MerkleProof, merkle_root, prove, verify
from ledger.types import EvmHash

SIZES = range(1, 71)


def leaves_of(count: int) -> list[bytes]:
    return [f"leaf {place}".encode() for place in range(count)]


def root_by_definition(leaves: list[bytes]) -> EvmHash:
    """MTH of RFC 6962, section 2.1, word for word, with keccak."""
    if len(leaves) == 1:
        return keccak(b"\x00" + leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return keccak(b"\x01" + root_by_definition(leaves[:split]) + root_by_definition(leaves[split:]))


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle_root([]) == EMPTY_ROOT == keccak(b"")


@pytest.mark.parametrize("count", SIZES)
def test_roots_are_those_of_the_definition(count: int) -> None:
    assert merkle_root(leaves_of(count)) == root_by_definition(leaves_of(count))


@pytest.mark.parametrize("count", SIZES)
def test_every_leaf_is_provable_at_its_place_only(count: int) -> None:
    leaves = leaves_of(count)
    root = merkle_root(leaves)
    for place, leaf in enumerate(leaves):
        proof = prove(leaves, place)
        verify(root, leaf, proof)
        with pytest.raises(MerkleError):
            verify(root, leaf + b"!", proof)
        with pytest.raises(MerkleError):
            verify(keccak(root), leaf, proof)
        if count > 1:
            with pytest.raises(MerkleError):
                verify(root, leaf, replace(proof, index=(place + 1) % count))


@pytest.mark.parametrize("count", [2, 3, 5, 8, 13, 64, 70])
def test_a_proof_with_anything_changed_is_rejected(count: int) -> None:
    leaves = leaves_of(count)
    root = merkle_root(leaves)
    proof = prove(leaves, count - 1)
    wrong: list[MerkleProof] = [
        replace(proof, siblings=proof.siblings[:-1]),
        replace(proof, siblings=(*proof.siblings, root)),
        replace(proof, siblings=()),
        replace(proof, index=count),
        replace(proof, index=-1),
        replace(proof, leaf_count=0),
        replace(proof, leaf_count=count * 4),
    ]
    for place, sibling in enumerate(proof.siblings):
        changed = list(proof.siblings)
        changed[place] = keccak(sibling)
        wrong.append(replace(proof, siblings=tuple(changed)))
    for entry in wrong:
        with pytest.raises(MerkleError):
            verify(root, leaves[-1], entry)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    """Without prefixes the two hashes under a root would be a leaf of a smaller tree."""
    left, right = (keccak(b"\x00" + leaf) for leaf in leaves_of(2))
    root = merkle_root(leaves_of(2))
    with pytest.raises(MerkleError):
        verify(root, left + right, MerkleProof(0, 1, ()))


def test_no_leaf_is_doubled_to_fill_a_tree() -> None:
    """Trees that double the last leaf have one root for two lists (CVE-2012-2459)."""
    leaves = leaves_of(3)
    assert merkle_root(leaves) != merkle_root([*leaves, leaves[-1]])


@pytest.mark.parametrize("index", [-1, 3, 99])
def test_only_existing_leaves_are_proved(index: int) -> None:
    with pytest.raises(MerkleError):
        prove(leaves_of(3), index)
