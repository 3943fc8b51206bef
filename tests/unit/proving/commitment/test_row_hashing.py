"""Digests of rows: both back-ends against hashlib."""

import struct
from hashlib import sha256

import numpy as np
import pytest

from proving.commitment import hashing, sha256_lanes, sha256_xla
from proving.commitment.sha256_constants import INITIAL_STATE, ROUND_CONSTANTS
from proving.commitment.tags import LEAF, NODE, NODE_WITH_ROW
from proving.field.koalabear import P
from proving.field.ntt_plan import to_montgomery

# Widths around the ends of blocks: 13 words is the longest message of one block with its tag
WIDTHS = [(1,), (12,), (13,), (14,), (15,), (16,), (29,), (30,), (100,), (8, 8), (3, 1, 40)]


def random_matrices(widths: tuple[int, ...], rows: int) -> list[np.ndarray]:
    generator = np.random.default_rng(sum(widths) * 1000 + rows)
    return [generator.integers(0, P, (width, rows)).astype(np.uint64) for width in widths]


def expected_digests(tag: int, matrices: list[np.ndarray]) -> list[bytes]:
    rows = np.concatenate(matrices).T.astype(">u4")
    return [sha256(struct.pack(">I", tag) + row.tobytes()).digest() for row in rows]


def to_bytes(digests: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in np.asarray(digests).T.astype(">u4", order="C")]


def test_the_constants_are_those_of_the_standard():
    assert INITIAL_STATE[[0, 7]].tolist() == [0x6A09E667, 0x5BE0CD19]
    assert ROUND_CONSTANTS[[0, 1, 63]].tolist() == [0x428A2F98, 0x71374491, 0xC67178F2]


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("rows", [1, 2, 32, 64, 100, 256])
def test_compiled_loops_hash_rows_as_hashlib_does(widths, rows):
    matrices = random_matrices(widths, rows)
    montgomery = [to_montgomery(matrix) for matrix in matrices]
    plain = [matrix.astype(np.uint32) for matrix in matrices]
    expected = expected_digests(LEAF, matrices)
    assert to_bytes(sha256_lanes.hash_rows(LEAF, montgomery, montgomery=True)) == expected
    assert to_bytes(sha256_lanes.hash_rows(LEAF, plain, montgomery=False)) == expected


@pytest.mark.parametrize("widths", [(1,), (13,), (14,), (30,), (8, 8)])
def test_xla_hashes_rows_as_hashlib_does(widths):
    matrices = random_matrices(widths, 64)
    montgomery = [to_montgomery(matrix) for matrix in matrices]
    plain = [matrix.astype(np.uint32) for matrix in matrices]
    expected = expected_digests(NODE, matrices)
    assert to_bytes(sha256_xla.hash_rows(NODE, montgomery, montgomery=True)) == expected
    assert to_bytes(sha256_xla.hash_rows(NODE, plain, montgomery=False)) == expected


@pytest.mark.parametrize("back_end", [sha256_lanes, sha256_xla])
def test_rows_in_several_portions_are_hashed_alike(back_end, monkeypatch):
    monkeypatch.setattr(sha256_lanes, "_GATHERED_WORDS", 1)
    monkeypatch.setattr(sha256_xla, "_BLOCK_WORDS", 1)
    matrices = random_matrices((2, 3), 512)
    montgomery = [to_montgomery(matrix) for matrix in matrices]
    digests = back_end.hash_rows(LEAF, montgomery, montgomery=True)
    assert to_bytes(digests) == expected_digests(LEAF, matrices)


@pytest.mark.parametrize("host", [True, False])
def test_nodes_pair_with_the_node_half_a_layer_further(host, monkeypatch):
    monkeypatch.setattr(hashing, "on_host", lambda: host)
    layer, leaves = (to_montgomery(matrix) for matrix in random_matrices((8, 8), 8))
    leaves = leaves[:, :4]
    nodes, rows = to_bytes(layer), to_bytes(leaves)
    assert to_bytes(hashing.hash_nodes(layer, None)) == [
        sha256(struct.pack(">I", NODE) + nodes[i] + nodes[i + 4]).digest() for i in range(4)
    ]
    assert to_bytes(hashing.hash_nodes(layer, leaves)) == [
        sha256(struct.pack(">I", NODE_WITH_ROW) + nodes[i] + nodes[i + 4] + rows[i]).digest()
        for i in range(4)
    ]
