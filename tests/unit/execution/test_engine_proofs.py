"""Proofs, checked by py-trie, which shares no code with the engine."""

import pytest
import rlp
from trie import HexaryTrie
from trie.exceptions import BadTrieProof

from execution.engine import WasmEngine
from execution.types import AccountProof, Address, GenesisAccount
from ledger.hashing import keccak
from tests.unit.execution.wasm_chain import (
    ALICE,
    contract_address,
    execute,
    make_spec,
    transaction,
)

HOLDER = contract_address(0)
ABSENT = Address(b"\x99" * 20)


def make_engine() -> WasmEngine:
    storage = {slot: slot * slot + 1 for slot in range(60)}
    alloc = {Address(bytes([number]) * 20): GenesisAccount(balance_wei=1) for number in range(60)}
    alloc[HOLDER] = GenesisAccount(nonce=1, code=b"\0", storage=storage)
    return WasmEngine(make_spec(alloc=alloc | make_spec().alloc))


def proven_account(root: bytes, proof: AccountProof) -> bytes:
    nodes = [rlp.decode(node) for node in proof.nodes]
    value: bytes = HexaryTrie.get_from_proof(root, keccak(proof.address), nodes)
    return value


def state_root(engine: WasmEngine) -> bytes:
    root: bytes = rlp.decode(engine.head_header_rlp)[3]
    return root


@pytest.mark.parametrize("address", [HOLDER, ALICE.address, Address(bytes([7]) * 20)])
def test_an_account_proof_proves_nonce_balance_storage_and_code(address: Address) -> None:
    engine = make_engine()

    proof = engine.proof(address, [])

    leaf = [proof.state.nonce, proof.state.balance_wei, proof.storage_root, proof.state.code_hash]
    assert proven_account(state_root(engine), proof) == rlp.encode(leaf)


def test_an_absent_account_is_proven_absent() -> None:
    engine = make_engine()

    proof = engine.proof(ABSENT, [5])

    assert proven_account(state_root(engine), proof) == b""
    assert proof.storage[0].value == 0
    assert proof.storage[0].nodes == ()


@pytest.mark.parametrize("slot", [0, 1, 59, 60, 2**256 - 1])
def test_a_storage_proof_proves_the_value_or_its_absence(slot: int) -> None:
    engine = make_engine()

    proof = engine.proof(HOLDER, [slot])

    (storage,) = proof.storage
    key = keccak(slot.to_bytes(32, "big"))
    nodes = [rlp.decode(node) for node in storage.nodes]
    proven = HexaryTrie.get_from_proof(proof.storage_root, key, nodes)
    assert storage.value == (slot * slot + 1 if slot < 60 else 0)
    assert proven == (rlp.encode(storage.value) if storage.value else b"")


def test_a_proof_with_a_missing_node_proves_nothing() -> None:
    engine = make_engine()
    proof = engine.proof(HOLDER, [])
    nodes = [rlp.decode(node) for node in proof.nodes[:-1]]

    with pytest.raises(BadTrieProof):
        HexaryTrie.get_from_proof(state_root(engine), keccak(HOLDER), nodes)


def test_a_proof_at_an_older_block_proves_the_older_state() -> None:
    engine = make_engine()
    old_root = state_root(engine)
    old = engine.proof(ALICE.address, [])
    execute(engine, transaction(value_wei=1))

    assert engine.proof(ALICE.address, [], 0) == old
    assert proven_account(old_root, old)
    assert engine.proof(ALICE.address, []).state.nonce == 1
