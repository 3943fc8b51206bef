// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Claim} from "./Claims.sol";
import {Context} from "./Context.sol";
import {Field, INVERSE_ROOT, P, ROOT, TWO_ADICITY} from "./Field.sol";
import {Folding, Layer, Trail} from "./Folding.sol";
import {HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {Path, Paths} from "./Paths.sol";
import {PowerTable} from "./PowerTable.sol";
import {Queue} from "./Queue.sol";
import {ELEMENT_BYTES, Fraction, RowGroup, Rows} from "./Rows.sol";
import {MAIN, Shape, ShapeOf, TREE_COUNT} from "./Shape.sol";

/// @notice What is the same for all queries of a transaction, and what one leaves to the next.
/// @param reduced Reduced openings by log2 of the size.
/// @param table Powers of lambda.
/// @param buffer Memory for rows.
struct Desk {
    Shape shape;
    RowGroup[] groups;
    Path[] trees;
    Layer[] layers;
    uint256[32] reduced;
    uint256 table;
    uint256 buffer;
}

/// @title Queries: opened rows belong to the committed trees, and FRI's layers are folds of them.
/// @notice Queries come sorted (`Queue`). Where a query's index agrees with the one before modulo
/// 2^l, rows, nodes and layers of 2^l and less are those of the query before: the call data has them
/// once. The call data of a query: for each size, largest first, the rows of all trees; the paths of
/// the trees; for each layer its coset and path.
library Queries {
    using Machine for bytes;

    /// @notice Check queries from `first` on, as many as the call data has.
    /// @param cursor, end The queries in the call data.
    /// @return next The first query that was not checked.
    function check(
        bytes memory config,
        bytes memory context,
        uint256 first,
        uint256 cursor,
        uint256 end
    ) internal view returns (uint256 next) {
        unchecked {
            Desk memory desk = _prepare(config, context);
            uint256 logSize = desk.shape.logSizes[0];
            uint256 keys = Context.keys(desk.shape);
            uint256 count = config.number(Machine.QUERY_COUNT);
            uint256 before;
            // level at which a query meets the one before; for the first, the root
            uint256 lowest;
            uint256 start = cursor;
            for (next = first; next < count; ++next) {
                uint256 key = Queue.keyAt(context, keys, next);
                if (next != first) lowest = Queue.sharedBits(before, key, logSize) + 1;
                // an index that was drawn again has nothing of its own
                if (lowest <= logSize) {
                    if (cursor >= end) break;
                    cursor = _query(context, desk, Queue.reverse(key, logSize), lowest, cursor);
                }
                before = key;
            }
            if (cursor != end) revert HeaderOf.WrongLength("queries", cursor - start, end - start);
        }
    }

    function _query(
        bytes memory context,
        Desk memory desk,
        uint256 index,
        uint256 lowest,
        uint256 cursor
    ) private view returns (uint256) {
        unchecked {
            // ROWS, of sizes that are not those of the query before
            uint256 logSize = desk.shape.logSizes[0];
            uint256 root = Field.basePower(ROOT, index << (TWO_ADICITY - logSize));
            Fraction[] memory fractions = new Fraction[](desk.groups.length);
            uint256 own;
            for (; own < fractions.length; ++own) {
                RowGroup memory group = desk.groups[own];
                if (group.logSize < lowest) break;
                for (; logSize > group.logSize; --logSize) root = mulmod(root, root, P);
                (fractions[own], cursor) =
                    Rows.take(group, desk.trees, root, desk.table, desk.buffer, cursor);
            }
            Rows.divide(desk.groups, fractions, own, desk.reduced);

            // PATHS
            for (uint256 tree = 0; tree < TREE_COUNT; ++tree) {
                if (desk.trees[tree].hasRow == 0) continue;
                cursor = Paths.climb(desk.trees[tree], tree, index, lowest, cursor);
            }

            // LAYERS
            logSize = desk.shape.logSizes[0];
            Trail memory trail = Trail({
                index: index,
                lowest: lowest,
                cursor: cursor,
                value: desk.reduced[logSize],
                inverse: Field.basePower(INVERSE_ROOT, index << (TWO_ADICITY - logSize))
            });
            return Folding.follow(context, desk.shape, desk.layers, desk.reduced, trail);
        }
    }

    function _prepare(bytes memory config, bytes memory context)
        private
        pure
        returns (Desk memory desk)
    {
        unchecked {
            uint256 chips = config.number(Machine.CHIP_COUNT);
            bytes memory heights = HeaderOf.slice(context, Context.HEIGHTS, chips);
            desk.shape = ShapeOf.layOut(config, heights);
            desk.groups = Rows.groups(config, desk.shape, context.word(Context.Z));
            uint256 claims = Context.claims(desk.shape);
            uint256 widest;
            for (uint256 s = 0; s < desk.groups.length; ++s) {
                RowGroup memory group = desk.groups[s];
                group.claim = Claim({
                    here: context.word(claims + 96 * s),
                    following: context.word(claims + 96 * s + 32),
                    shift: context.word(claims + 96 * s + 64)
                });
                if (group.columns > widest) widest = group.columns;
            }
            desk.trees = _trees(config, context, desk.groups);
            desk.layers = Folding.layers(context, desk.shape);

            desk.table = _allocate(PowerTable.SIZE);
            PowerTable.write(context.word(Context.LAMBDA), desk.table);
            // rows, the columns of them that are opened at g z too, and room around them
            desk.buffer = 32 + _allocate(2 * ELEMENT_BYTES * widest + 128);
        }
    }

    function _allocate(uint256 length) private pure returns (uint256 start) {
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(0x40, and(add(add(start, length), 31), not(31)))
        }
    }

    function _trees(bytes memory config, bytes memory context, RowGroup[] memory groups)
        private
        pure
        returns (Path[] memory trees)
    {
        unchecked {
            trees = new Path[](TREE_COUNT);
            for (uint256 tree = 0; tree < TREE_COUNT; ++tree) {
                Path memory path = trees[tree];
                path.root = tree < MAIN
                    ? bytes32(config.word(Machine.PREPROCESSED_ROOT))
                    : bytes32(context.word(Context.MAIN_ROOT + 32 * (tree - MAIN)));
                for (uint256 s = groups.length; s != 0; --s) {
                    if (groups[s - 1].treeBytes[tree] == 0) continue;
                    path.hasRow |= 1 << groups[s - 1].logSize;
                    path.height = groups[s - 1].logSize;
                }
            }
        }
    }
}
