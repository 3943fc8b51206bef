"""Openings of mixed-height trees: what is accepted, and everything that is rejected."""

from dataclasses import replace
from hashlib import sha256

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proving.commitment import hashing, merkle
from proving.commitment.errors import OpeningRejected
from proving.commitment.merkle import MerkleTree, commit
from proving.commitment.opening import Opening
from proving.commitment.verify import verify_opening
from proving.field.koalabear import P
from proving.field.ntt_plan import to_montgomery

SHAPES = [(3, 4), (2, 6), (1, 4), (20, 0), (5, 3), (1, 6)]
HEIGHT = 64


def random_values(shapes: list[tuple[int, int]], seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.integers(0, P, (width, 1 << log)).astype(np.uint64) for width, log in shapes]


def commit_to(values: list[np.ndarray]) -> MerkleTree:
    return commit([jnp.asarray(to_montgomery(matrix)) for matrix in values])


@pytest.fixture(scope="module")
def tree() -> MerkleTree:
    return commit_to(random_values(SHAPES))


def is_accepted(tree: MerkleTree, index: int, opening: Opening) -> bool:
    try:
        verify_opening(tree.root, tree.dimensions, index, opening)
    except OpeningRejected:
        return False
    return True


def test_every_index_opens_to_its_rows(tree):
    values = random_values(SHAPES)
    assert tree.dimensions == tuple(SHAPES)
    for index, opening in enumerate(tree.open_many(range(HEIGHT))):
        verify_opening(tree.root, tree.dimensions, index, opening)
        for matrix, row in zip(values, opening.rows, strict=True):
            assert list(row) == matrix[:, index % matrix.shape[1]].tolist()


def test_the_root_is_what_its_definition_says():
    tree = commit_to([np.array([[7]], np.uint64), np.array([[1, P - 1]], np.uint64)])

    def word(value: int) -> bytes:
        return value.to_bytes(4, "big")

    left, right = (sha256(word(1) + word(value)).digest() for value in (1, P - 1))
    row = sha256(word(1) + word(7)).digest()
    assert tree.root == sha256(word(3) + left + right + row).digest()


def test_a_tree_of_one_row_is_its_leaf():
    tree = commit_to([np.array([[7], [8]], np.uint64)])
    assert tree.root == sha256(bytes.fromhex("000000010000000700000008")).digest()
    verify_opening(tree.root, tree.dimensions, 0, Opening([[7, 8]], []))


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 7)), min_size=1, max_size=5))
def test_trees_of_any_shapes_open(shapes):
    tree = commit_to(random_values(shapes, seed=len(shapes)))
    height = max(1 << log for _, log in shapes)
    indices = sorted({0, 1 % height, height // 2, height - 1})
    for index, opening in zip(indices, tree.open_many(indices), strict=True):
        verify_opening(tree.root, tree.dimensions, index, opening)


def test_both_back_ends_build_and_open_one_tree(tree, monkeypatch):
    monkeypatch.setattr(hashing, "on_host", lambda: False)
    monkeypatch.setattr(merkle, "on_host", lambda: False)
    other = commit_to(random_values(SHAPES))
    assert other.root == tree.root
    assert other.open_many([0, 63, 17]) == tree.open_many([0, 63, 17])


@pytest.mark.parametrize("matrix", range(len(SHAPES)))
@pytest.mark.parametrize("change", [1, P - 1, 2**20])
def test_a_changed_value_is_rejected(tree, matrix, change):
    [opening] = tree.open_many([37])
    for column in range(SHAPES[matrix][0]):
        rows = [list(row) for row in opening.rows]
        rows[matrix][column] = (rows[matrix][column] + change) % P
        assert not is_accepted(tree, 37, replace(opening, rows=rows))


@pytest.mark.parametrize("level", range(6))
@pytest.mark.parametrize("bit", [0, 100, 255])
def test_a_changed_node_is_rejected(tree, level, bit):
    [opening] = tree.open_many([37])
    path = list(opening.path)
    path[level] = (int.from_bytes(path[level], "big") ^ 1 << bit).to_bytes(32, "big")
    assert not is_accepted(tree, 37, replace(opening, path=path))


@pytest.mark.parametrize("index", [0, 1, 37, 63])
def test_an_opening_holds_at_its_own_index_only(tree, index):
    [opening] = tree.open_many([index])
    assert [other for other in range(HEIGHT) if is_accepted(tree, other, opening)] == [index]


@pytest.mark.parametrize(("first", "second"), [(0, 2), (1, 5), (0, 4), (3, 1)])
def test_exchanged_matrices_are_rejected(tree, first, second):
    [opening] = tree.open_many([5])
    rows = list(opening.rows)
    rows[first], rows[second] = rows[second], rows[first]
    assert not is_accepted(tree, 5, replace(opening, rows=rows))


@pytest.mark.parametrize(("first", "second"), [(0, 2), (1, 5)])
def test_matrices_of_one_height_are_bound_to_their_order(tree, first, second):
    [opening] = tree.open_many([5])
    rows, dimensions = list(opening.rows), list(tree.dimensions)
    rows[first], rows[second] = rows[second], rows[first]
    dimensions[first], dimensions[second] = dimensions[second], dimensions[first]
    with pytest.raises(OpeningRejected, match="root"):
        verify_opening(tree.root, dimensions, 5, replace(opening, rows=rows))


def test_a_column_moved_to_the_neighbour_of_its_height_is_rejected(tree):
    # The leaf's bytes stay the same: only the check of widths can notice
    [opening] = tree.open_many([5])
    rows = [list(row) for row in opening.rows]
    rows[5].insert(0, rows[1].pop())
    with pytest.raises(OpeningRejected, match="width of row 1: expected 2, got 1"):
        verify_opening(tree.root, tree.dimensions, 5, replace(opening, rows=rows))


@pytest.mark.parametrize("matrix", range(len(SHAPES)))
def test_a_value_that_is_not_canonical_is_rejected(tree, matrix):
    [opening] = tree.open_many([5])
    for wrong in (P, 2**32 - 1, 2**32, -1, 2**200):
        rows = [list(row) for row in opening.rows]
        rows[matrix][0] = wrong
        with pytest.raises(OpeningRejected, match=f"values of row {matrix}"):
            verify_opening(tree.root, tree.dimensions, 5, replace(opening, rows=rows))


def test_a_value_that_differs_by_the_modulus_is_rejected():
    tree = commit_to([np.array([[3, 4]], np.uint64)])
    [opening] = tree.open_many([0])
    with pytest.raises(OpeningRejected, match="values of row 0"):
        verify_opening(tree.root, tree.dimensions, 0, replace(opening, rows=[[3 + P]]))


@pytest.mark.parametrize("change", ["row missing", "row added", "value missing", "value added"])
def test_rows_of_a_wrong_shape_are_rejected(tree, change):
    [opening] = tree.open_many([5])
    rows = [list(row) for row in opening.rows]
    match change:
        case "row missing":
            rows.pop()
        case "row added":
            rows.append([])
        case "value missing":
            rows[3].pop()
        case "value added":
            rows[3].append(0)
    with pytest.raises(OpeningRejected, match=r"number of rows|width of row 3"):
        verify_opening(tree.root, tree.dimensions, 5, replace(opening, rows=rows))


@pytest.mark.parametrize("keep", [0, 5, 7])
def test_a_path_of_a_wrong_length_is_rejected(tree, keep):
    [opening] = tree.open_many([5])
    path = [*opening.path, bytes(32)][:keep]
    with pytest.raises(OpeningRejected, match=f"path length: expected 6, got {keep}"):
        verify_opening(tree.root, tree.dimensions, 5, replace(opening, path=path))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_node_of_a_wrong_length_is_rejected(tree, length):
    [opening] = tree.open_many([5])
    path = [*opening.path[:2], bytes(length), *opening.path[3:]]
    with pytest.raises(OpeningRejected, match=f"bytes of node 2: expected 32, got {length}"):
        verify_opening(tree.root, tree.dimensions, 5, replace(opening, path=path))


def test_bytes_moved_between_nodes_are_rejected(tree):
    # Siblings of one side are adjacent in no message, but lengths are checked one by one anyway
    [opening] = tree.open_many([5])
    path = [opening.path[0] + opening.path[1][:1], opening.path[1][1:], *opening.path[2:]]
    with pytest.raises(OpeningRejected, match="bytes of node 0"):
        verify_opening(tree.root, tree.dimensions, 5, replace(opening, path=path))


def test_another_root_is_rejected(tree):
    [opening] = tree.open_many([5])
    with pytest.raises(OpeningRejected, match="root"):
        verify_opening(bytes(32), tree.dimensions, 5, opening)


@pytest.mark.parametrize("index", [-1, HEIGHT])
def test_an_index_outside_of_the_tree_is_the_callers_mistake(tree, index):
    [opening] = tree.open_many([0])
    with pytest.raises(ValueError, match="outside"):
        verify_opening(tree.root, tree.dimensions, index, opening)
    with pytest.raises(IndexError, match="indices"):
        tree.open_many([0, index])


@pytest.mark.parametrize("shape", [(0, 4), (2, 3), (2, 0), (4,)])
def test_matrices_of_impossible_shapes_cannot_be_committed_to(shape):
    with pytest.raises(ValueError, match=r"power of two|needs a column"):
        commit([jnp.zeros(shape, jnp.uint32)])


def test_there_must_be_something_to_commit_to():
    with pytest.raises(ValueError, match="nothing"):
        commit([])
