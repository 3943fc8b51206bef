// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

// Tags of hashed messages, as in proving/commitment/tags.py.
uint256 constant LEAF = 1;
uint256 constant NODE = 2;
uint256 constant NODE_WITH_ROW = 3;

/// @notice The path from a leaf to the root that was checked last, in one tree.
/// @param nodes At 2l the node of the 2^l of level l that the path goes through, and behind it the
/// one that it is hashed with.
/// @param rows Digests of the rows that enter at a level.
/// @param hasRow Bit l: whether rows enter at level l.
/// @param height Level of the leaves.
struct Path {
    uint256[64] nodes;
    uint256[32] rows;
    uint256 hasRow;
    uint256 height;
    bytes32 root;
}

/// @title Merkle paths that share what they have in common.
/// @notice Nodes i and i + m of a layer of 2m nodes have the parent i; rows of lower tables enter at
/// the layer of their height (proving/commitment/verify.py). Two indices that agree modulo 2^l have
/// the same nodes from level l up. So only the first path of a transaction leads to the root; each
/// next one leads to where it meets the path before it, where its node has to be that path's sibling.
library Paths {
    /// @notice A path that does not lead to its root, or not to the path before it.
    error OpeningMismatch(uint256 tree, uint256 level);
    /// @notice A hash failed: it can for no other reason.
    error OutOfGas();

    /// @notice Follow a path up from its leaf.
    /// @param path Holds the digests of the rows of this index, for levels from `lowest` up, and in
    /// lower levels the path before.
    /// @param tree For the error.
    /// @param lowest Level at which the path meets the one before; 0 if there is none.
    /// @param cursor Where the siblings are in the call data, from the leaf up to above `lowest`.
    /// @return next Where they end.
    function climb(Path memory path, uint256 tree, uint256 index, uint256 lowest, uint256 cursor)
        internal
        view
        returns (uint256 next)
    {
        uint256 level = path.height;
        if (level < lowest) return cursor;
        uint256 node = path.rows[level];
        uint256 hasRow = path.hasRow;
        bool isHashed;
        assembly ("memory-safe") {
            let nodes := mload(path)
            let rows := mload(add(path, 32))
            // a hashed message is at bytes 28 and up: tag, left, right, row
            let message := mload(0x40)
            let left := add(message, 32)
            let right := add(message, 64)
            mstore(message, NODE)
            isHashed := 1
            for {} gt(level, lowest) {} {
                let sibling := calldataload(cursor)
                cursor := add(cursor, 32)
                let pair := add(nodes, shl(6, level))
                mstore(pair, node)
                mstore(add(pair, 32), sibling)
                level := sub(level, 1)
                // 32 if the node is the right one
                let side := shl(5, and(shr(level, index), 1))
                mstore(add(left, side), node)
                mstore(sub(right, side), sibling)
                switch and(shr(level, hasRow), 1)
                case 0 {
                    isHashed :=
                        and(isHashed, staticcall(gas(), 2, add(message, 28), 68, 0, 32))
                }
                default {
                    mstore(message, NODE_WITH_ROW)
                    mstore(add(message, 96), mload(add(rows, shl(5, level))))
                    isHashed :=
                        and(isHashed, staticcall(gas(), 2, add(message, 28), 100, 0, 32))
                    mstore(message, NODE)
                }
                node := mload(0)
            }
        }
        if (!isHashed) revert OutOfGas();
        if (lowest == 0) {
            if (bytes32(node) != path.root) revert OpeningMismatch(tree, 0);
            return cursor;
        }
        unchecked {
            if (node != path.nodes[2 * lowest + 1]) revert OpeningMismatch(tree, lowest);
            path.nodes[2 * lowest + 1] = path.nodes[2 * lowest];
            path.nodes[2 * lowest] = node;
        }
        return cursor;
    }
}
