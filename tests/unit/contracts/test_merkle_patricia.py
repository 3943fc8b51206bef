"""The Vyper proof verifier against py-trie: it takes every true proof and no mutated one."""

import random
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import rlp
from eth_abi.abi import decode, encode
from eth_hash.auto import keccak
from eth_utils.abi import function_signature_to_4byte_selector
from evm_harness import Chain, Outcome, account_address, proof_nodes
from trie import HexaryTrie

from contracts.build import compile_source

PROBE = account_address("probe")
CALLER = account_address("caller")
PROVE = function_signature_to_4byte_selector("prove(bytes32,bytes32,bytes[])")
PROVE_SLOT = function_signature_to_4byte_selector("prove_slot(bytes32,bytes32,bytes[])")
PROVE_ACCOUNT = function_signature_to_4byte_selector("prove_account(bytes32,address,bytes[])")
PROVE_BALANCE = function_signature_to_4byte_selector("prove_balance(bytes32,address,bytes[])")

Proof = tuple[bytes, ...]


@cache
def probe_chain() -> Chain:
    """Return a chain with the probe on it; the tests only make views."""
    compiled = compile_source(Path(__file__).parent / "merkle_patricia_probe.vy")
    chain = Chain(1, {})
    chain.put_code(PROBE, bytes.fromhex(compiled["runtime_bytecode"].removeprefix("0x")))
    return chain


def prove(root: bytes, key: bytes, proof: Proof) -> Outcome:
    """Ask the verifier for the value at a key."""
    data = PROVE + encode(["bytes32", "bytes32", "bytes[]"], [root, key, proof])
    return probe_chain().execute(PROBE, data, sender=CALLER, is_kept=False)


def proved_value(root: bytes, key: bytes, proof: Proof) -> bytes | None:
    """Return the proved value, or None where the verifier reverts."""
    outcome = prove(root, key, proof)
    return decode(["bytes"], outcome.output)[0] if outcome.is_success else None


def random_trie(
    generator: random.Random, size: int, max_value_bytes: int = 120, shared_bytes: int = 0
) -> tuple[HexaryTrie, dict[bytes, bytes]]:
    """Return a trie of 32-byte keys, which share their first bytes, so that paths are long."""
    trie = HexaryTrie({})
    prefix = generator.randbytes(shared_bytes)
    entries = {
        prefix + generator.randbytes(32 - shared_bytes): bytes(
            generator.randrange(1, 256) for _ in range(generator.randrange(1, max_value_bytes + 1))
        )
        for _ in range(size)
    }
    for key, value in entries.items():
        trie[key] = value
    return trie, entries


def siblings_trie(generator: random.Random, depth_nibbles: int) -> tuple[HexaryTrie, list[bytes]]:
    """Return a trie whose keys differ below a depth only, with values so short that they embed."""
    base = generator.randbytes(32).hex()
    keys = []
    for nibble in range(16):
        tail = generator.randbytes(32).hex()
        keys.append(bytes.fromhex(base[:depth_nibbles] + f"{nibble:x}" + tail[depth_nibbles + 1 :]))
    trie = HexaryTrie({})
    for key in keys:
        trie[key] = bytes([generator.randrange(1, 128)])
    return trie, keys


@pytest.mark.parametrize("shared_bytes", [0, 1, 7, 30])
@pytest.mark.parametrize("size", [1, 2, 17, 300])
def test_every_key_of_a_trie_is_proved(size: int, shared_bytes: int) -> None:
    generator = random.Random(1000 * size + shared_bytes)
    trie, entries = random_trie(generator, size, shared_bytes=shared_bytes)
    for key in generator.sample(sorted(entries), min(size, 12)):
        assert proved_value(trie.root_hash, key, proof_nodes(trie, key)) == entries[key]


@pytest.mark.parametrize("depth_nibbles", [0, 1, 33, 40, 55, 56, 57, 61, 62, 63])
def test_embedded_nodes_are_followed(depth_nibbles: int) -> None:
    generator = random.Random(depth_nibbles)
    trie, keys = siblings_trie(generator, depth_nibbles)
    for key in keys:
        proof = proof_nodes(trie, key)
        assert proved_value(trie.root_hash, key, proof) == trie[key]
    has_embedded = len(trie.get_proof(keys[0])) > len(proof_nodes(trie, keys[0]))
    assert has_embedded == (depth_nibbles >= 6)


def test_a_key_that_is_absent_is_not_proved() -> None:
    generator = random.Random(7)
    trie, entries = random_trie(generator, 200)
    for _ in range(40):
        absent = generator.randbytes(32)
        assert absent not in entries
        assert proved_value(trie.root_hash, absent, proof_nodes(trie, absent)) is None


def test_a_proof_does_not_serve_another_key() -> None:
    generator = random.Random(8)
    trie, entries = random_trie(generator, 60)
    keys = sorted(entries)
    for key, other in pairwise(keys):
        assert proved_value(trie.root_hash, other, proof_nodes(trie, key)) != entries[key]


def test_a_proof_does_not_serve_another_root() -> None:
    trie, entries = random_trie(random.Random(9), 60)
    key = min(entries)
    proof = proof_nodes(trie, key)
    assert prove(bytes(32), key, proof).reason == "mpt: node has another hash"
    assert prove(keccak(trie.root_hash), key, proof).reason == "mpt: node has another hash"


def mutations(generator: random.Random, proof: Proof) -> list[Proof]:
    """Return proofs that each differ from a true one."""
    index = generator.randrange(len(proof))
    node = proof[index]
    position = generator.randrange(len(node))
    flipped = bytearray(node)
    flipped[position] ^= 1 << generator.randrange(8)
    replaced = [
        bytes(flipped),
        node + b"\x00",
        node[:-1],
        node[1:],
        b"",
        generator.randbytes(len(node)),
        node[:position] + node[position + 1 :],
    ]
    mutated = [(*proof[:index], other, *proof[index + 1 :]) for other in replaced]
    mutated += [
        proof[:index] + proof[index + 1 :],
        (*proof[: index + 1], node, *proof[index + 1 :]),
        (*proof, proof[-1]),
        (*proof, b""),
        (*proof, b"\x80"),
        (),
    ]
    if len(proof) > 1:
        mutated += [tuple(reversed(proof)), proof[1:], proof[:-1]]
    return mutated


@pytest.mark.parametrize("seed", range(6))
def test_no_mutated_proof_is_taken(seed: int) -> None:
    generator = random.Random(seed)
    trie, entries = random_trie(generator, 120, shared_bytes=seed % 3)
    for key in generator.sample(sorted(entries), 6):
        for mutated in mutations(generator, proof_nodes(trie, key)):
            assert proved_value(trie.root_hash, key, mutated) is None, (seed, key.hex())


def rebuilt(nodes: list[Any], mutate_last: bytes) -> tuple[bytes, Proof]:
    """Return the root and proof of a path whose last node is given in bytes.

    Each node above refers to the one below by its hash: so the hashes are right
    and only the form of the last node is judged.
    """
    child = mutate_last
    encoded = [child]
    for node, slot in reversed(nodes):
        node = list(node)
        node[slot] = keccak(child) if len(child) >= 32 else rlp.decode(child)
        child = rlp.encode(node)
        encoded.insert(0, child)
    return keccak(child), tuple(encoded)


KEY = bytes.fromhex("a1" + "b2" * 31)
VALUE = b"value of forty bytes, so nothing embeds!!"


def leaf(path: bytes, value: Any = VALUE) -> bytes:
    """Return a leaf or extension with a raw hex-prefix path."""
    return bytes(rlp.encode([path, value]))


WHOLE_PATH = bytes.fromhex("20") + KEY
HASH = keccak(b"a node")


def long_form(payload: bytes) -> bytes:
    """Return a list whose length is written with one byte more than needed."""
    return b"\xf9" + len(payload).to_bytes(2) + payload


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (leaf(b"\x40" + KEY), "mpt: unknown path flags"),
        (leaf(b"\x60" + KEY), "mpt: unknown path flags"),
        (leaf(b"\x21" + KEY), "mpt: path padding is not zero"),
        (leaf(b""), "mpt: path is not 1 to 33 bytes"),
        (leaf(b"\x20" + KEY + b"\x00"), "mpt: path is not 1 to 33 bytes"),
        (leaf(b"\x31" + KEY), "mpt: path longer than the key"),
        (leaf(b"\x20" + KEY[:-1]), "mpt: leaf above the end of the key"),
        (leaf(b"\x20" + KEY[:-1] + b"\x00"), "mpt: path leaves the key"),
        (leaf(b"\x00" + KEY), "mpt: no node at the key"),
        (leaf(b"\x00", HASH), "mpt: empty extension"),
        (leaf(b"\x00" + KEY[:-1], HASH), "mpt: proof ends above the leaf"),
        (leaf(b"\x00" + KEY[:-1], HASH[:-1]), "mpt: no node at the key"),
        (leaf([WHOLE_PATH]), "mpt: path is not 1 to 33 bytes"),  # type: ignore[arg-type]
        (leaf(WHOLE_PATH, b""), "mpt: leaf without a value"),
        (leaf(WHOLE_PATH, [VALUE]), "mpt: leaf without a value"),
        (leaf(WHOLE_PATH, b"x" * 129), "mpt: value too long"),
        (rlp.encode([WHOLE_PATH]), "mpt: node is neither branch nor short"),
        (rlp.encode([WHOLE_PATH, VALUE, VALUE]), "mpt: node is neither branch nor short"),
        (rlp.encode([b""] * 16), "mpt: node is neither branch nor short"),
        (rlp.encode([b""] * 18), "mpt: more than 17 items"),
        (rlp.encode([b""] * 17), "mpt: no node at the key"),
        (rlp.encode([HASH] * 16 + [b"v"]), "mpt: branch with a value"),
        (rlp.encode([HASH] * 16 + [[]]), "mpt: branch with a value"),
        (rlp.encode(VALUE), "mpt: node is not a list"),
        (rlp.encode([]), "mpt: node is neither branch nor short"),
        (leaf(WHOLE_PATH) + b"\x00", "mpt: bytes after the node"),
        (long_form(leaf(WHOLE_PATH)[2:]), "mpt: length is not canonical"),
        (b"\xf8\x37" + b"\x80" * 55, "mpt: length is not canonical"),
        (b"\xfa\x00\x00\x4c" + leaf(WHOLE_PATH)[2:], "mpt: item too long"),
        (b"\xf8\xff" + leaf(WHOLE_PATH)[2:], "mpt: item past the end"),
        (b"\xc3\x81\x01\x80", "mpt: single byte with a header"),
        (b"\xc2\x82\x01", "mpt: item past the end"),
        (b"\xf8", "mpt: length is not canonical"),
        (b"\xf9\x01", "mpt: item past the end"),
    ],
)
def test_a_node_with_the_right_hash_but_the_wrong_form_is_refused(node: bytes, reason: str) -> None:
    outcome = prove(keccak(node), KEY, (node,))
    assert not outcome.is_success
    assert outcome.reason == reason


def test_the_same_leaf_in_its_right_form_is_taken() -> None:
    node = leaf(WHOLE_PATH)
    assert proved_value(keccak(node), KEY, (node,)) == VALUE


def read_leaf(node: bytes) -> bytes | None:
    """Return what a leaf of the whole key holds, by pyrlp.

    Its decoder drops a last item that runs past the end of a list, hence the encoding back.
    """
    try:
        decoded = rlp.decode(node)
    except rlp.exceptions.DecodingError:
        return None
    if rlp.encode(decoded) != node:
        return None
    is_leaf = isinstance(decoded, list) and len(decoded) == 2 and decoded[0] == WHOLE_PATH
    is_value = is_leaf and isinstance(decoded[1], bytes) and 0 < len(decoded[1]) <= 128
    return decoded[1] if is_value else None


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_leaf_with_the_right_hash_is_read_as_strict_rlp_reads_it(seed: int) -> None:
    generator = random.Random(seed)
    taken = 0
    for _ in range(60):
        node = bytearray(leaf(WHOLE_PATH, generator.randbytes(generator.choice([1, 20, 40, 90]))))
        position = generator.choice([0, 1, 2, len(node) - 21, generator.randrange(len(node))])
        node[position % len(node)] = generator.randrange(256)
        expected = read_leaf(bytes(node))
        assert proved_value(keccak(bytes(node)), KEY, (bytes(node),)) == expected
        taken += expected is not None
    assert taken > 0


def test_a_short_node_is_referred_to_by_embedding_only() -> None:
    short = leaf(b"\x35", b"v")  # A leaf of one nibble.
    assert len(short) < 32
    odd_path = bytes([0x10 | KEY[0] >> 4]) + bytes.fromhex(KEY.hex()[1:63])
    embedded = leaf(odd_path, rlp.decode(short))
    by_hash = leaf(odd_path, keccak(short))
    key = bytes.fromhex(KEY.hex()[:63] + "5")
    assert proved_value(keccak(embedded), key, (embedded,)) == b"v"
    refused = prove(keccak(by_hash), key, (by_hash, short))
    assert refused.reason == "mpt: short node is not embedded"


def test_a_long_node_is_not_embedded() -> None:
    long_leaf = [b"\x35", b"v" * 40]
    odd_path = bytes([0x10 | KEY[0] >> 4]) + bytes.fromhex(KEY.hex()[1:63])
    node = leaf(odd_path, long_leaf)
    key = bytes.fromhex(KEY.hex()[:63] + "5")
    assert prove(keccak(node), key, (node,)).reason == "mpt: embedded node is too long"


def test_the_deepest_proof_is_taken_and_one_deeper_is_refused() -> None:
    def chain_of_branches(branches: int) -> tuple[bytes, Proof]:
        nibbles = KEY.hex()
        rest = nibbles[branches:]
        is_odd = len(rest) % 2
        path = bytes.fromhex(("3" if is_odd else "20") + rest)
        above = []
        for nibble in nibbles[:branches]:
            above.append(([HASH] * 16 + [b""], int(nibble, 16)))
        return rebuilt(above, leaf(path))

    root, proof = chain_of_branches(23)
    assert proved_value(root, KEY, proof) == VALUE
    root, proof = chain_of_branches(24)
    assert not prove(root, KEY, proof).is_success


@pytest.mark.parametrize("number", [1, 127, 128, 2**64, 2**160 - 1, 2**256 - 1])
def test_a_slot_is_read_as_a_number(number: int) -> None:
    slot = (5).to_bytes(32)
    trie = HexaryTrie({})
    trie[keccak(slot)] = rlp.encode(number)
    data = PROVE_SLOT + encode(
        ["bytes32", "bytes32", "bytes[]"], [trie.root_hash, slot, proof_nodes(trie, keccak(slot))]
    )
    outcome = probe_chain().execute(PROBE, data, sender=CALLER, is_kept=False)
    assert int.from_bytes(outcome.output) == number


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"\x80", "mpt: slot is not one word"),
        (b"\x00", "mpt: slot has leading zeros"),
        (b"\x82\x00\x01", "mpt: slot has leading zeros"),
        (b"\x81\x05", "mpt: single byte with a header"),
        (b"\xc1\x05", "mpt: slot is not one word"),
        (b"\x05\x05", "mpt: slot is not one word"),
        (b"\xa1" + b"\x01" * 33, "mpt: slot is not one word"),
    ],
)
def test_a_slot_that_is_no_canonical_word_is_refused(encoded: bytes, reason: str) -> None:
    slot = (5).to_bytes(32)
    trie = HexaryTrie({})
    trie[keccak(slot)] = encoded
    data = PROVE_SLOT + encode(
        ["bytes32", "bytes32", "bytes[]"], [trie.root_hash, slot, proof_nodes(trie, keccak(slot))]
    )
    outcome = probe_chain().execute(PROBE, data, sender=CALLER, is_kept=False)
    assert outcome.reason == reason


@pytest.mark.parametrize(
    ("account", "is_valid"),
    [
        ([b"\x01", b"\x02", HASH, HASH], True),
        ([b"", b"", HASH, HASH], True),
        ([b"\x01" * 8, b"\x02" * 32, HASH, HASH], True),
        ([b"\x01", b"\x02", HASH], False),
        ([b"\x01", b"\x02", HASH, HASH, b""], False),
        ([b"\x01", b"\x02", HASH[1:], HASH], False),
        ([b"\x01", b"\x02", HASH, HASH[1:]], False),
        ([[b"\x01"], b"\x02", HASH, HASH], False),
    ],
)
def test_an_account_has_exactly_four_fields(account: list[Any], is_valid: bool) -> None:
    trie = HexaryTrie({})
    trie[keccak(CALLER)] = rlp.encode(account)
    proof = proof_nodes(trie, keccak(CALLER))
    data = PROVE_ACCOUNT + encode(
        ["bytes32", "address", "bytes[]"], [trie.root_hash, CALLER, proof]
    )
    outcome = probe_chain().execute(PROBE, data, sender=CALLER, is_kept=False)
    assert outcome.is_success == is_valid
    assert outcome.output == HASH or not is_valid


def proved_balance(account: list[Any]) -> Outcome:
    """Ask the verifier for the balance of an account with these fields."""
    trie = HexaryTrie({})
    trie[keccak(CALLER)] = rlp.encode(account)
    proof = proof_nodes(trie, keccak(CALLER))
    types = ["bytes32", "address", "bytes[]"]
    data = PROVE_BALANCE + encode(types, [trie.root_hash, CALLER, proof])
    return probe_chain().execute(PROBE, data, sender=CALLER, is_kept=False)


@pytest.mark.parametrize("balance_wei", [0, 1, 127, 128, 255, 10**18, 2**255, 2**256 - 1])
def test_a_balance_is_read_to_the_wei(balance_wei: int) -> None:
    encoded = balance_wei.to_bytes((balance_wei.bit_length() + 7) // 8)
    outcome = proved_balance([b"\x01", encoded, HASH, HASH])
    assert outcome.is_success
    assert int.from_bytes(outcome.output) == balance_wei


@pytest.mark.parametrize(
    ("balance", "reason"),
    [
        (b"\x00", "mpt: balance has leading zeros"),
        (b"\x00\x01", "mpt: balance has leading zeros"),
        (b"\x01" * 33, "mpt: balance is not one word"),
        ([b"\x01"], "mpt: account has not the four fields"),
    ],
)
def test_a_balance_that_is_no_canonical_word_is_refused(balance: Any, reason: str) -> None:
    assert proved_balance([b"\x01", balance, HASH, HASH]).reason == reason
