"""The tree of blocks that are not final yet."""

import pytest
from block_world import block_on, empty_tree, grow

from actors.validator.errors import UnknownParent
from bridge.errors import WrongHeight
from ledger.types import Digest, Height


def test_finalizing_a_block_makes_its_ancestors_final_and_drops_other_branches() -> None:
    tree = empty_tree()
    first = grow(tree, tree.root, 1)
    second = grow(tree, first.digest, 2)
    rival = grow(tree, tree.root, 3)
    heir_of_rival = grow(tree, rival.digest, 4)
    heir = grow(tree, second.digest, 5)
    final, dropped = tree.finalize(second.digest)
    assert [block.digest for block in final] == [first.digest, second.digest]
    assert {block.digest for block in dropped} == {rival.digest, heir_of_rival.digest}
    assert tree.root == second.digest
    assert [block.digest for block in tree.path(heir.digest)] == [heir.digest]
    assert len(tree) == 1


def test_finalizing_the_root_again_changes_nothing() -> None:
    tree = empty_tree()
    first = grow(tree, tree.root, 1)
    tree.finalize(first.digest)
    assert tree.finalize(first.digest) == ([], [])


def test_a_block_that_is_not_here_cannot_be_final() -> None:
    tree = empty_tree()
    first = grow(tree, tree.root, 1)
    with pytest.raises(UnknownParent):
        tree.finalize(Digest(bytes(32)))
    assert tree.root != first.digest


def test_a_block_on_an_unknown_parent_is_not_judged() -> None:
    tree, other = empty_tree(), empty_tree()
    parent = grow(other, other.root, 1)
    with pytest.raises(UnknownParent):
        tree.check(block_on(other, parent.digest, 2), parent.sealed.header.proposer)


def test_a_block_that_breaks_a_rule_is_rejected() -> None:
    tree = empty_tree()
    wrong = block_on(tree, tree.root, 1, height=Height(7))
    with pytest.raises(WrongHeight):
        tree.check(wrong, wrong.header.proposer)


def test_a_block_knows_its_parent_on_its_own_chain() -> None:
    tree = empty_tree()
    first = grow(tree, tree.root, 1)
    second = grow(tree, first.digest, 2)
    assert second.chain_parent == first.digest
    assert first.chain_parent == tree.root_chain_heads[first.role]
