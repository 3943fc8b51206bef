// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Claim} from "./Claims.sol";
import {CANONICAL_CARRY, Field, GENERATOR, ONE, P} from "./Field.sol";
import {HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {LEAF, Path} from "./Paths.sol";
import {PowerTable} from "./PowerTable.sol";
import {ABSENT, LOOKUP, MAIN, PREPROCESSED, Shape, ShapeOf, TREE_COUNT} from "./Shape.sol";

// Bytes of a field element.
uint256 constant ELEMENT_BYTES = 4;

/// @notice The rows of one size of low-degree extensions: those of all its tables in the
/// preprocessed tree, then main, lookup and quotient tree.
/// @param treeBytes Bytes in each tree.
/// @param columns Base-field columns in all trees.
/// @param ranges Which columns are opened at g z too: 4 bytes for the first, 4 for the count.
/// @param z, following z and g z.
struct RowGroup {
    uint256 logSize;
    uint256[4] treeBytes;
    uint256 columns;
    bytes ranges;
    uint256 z;
    uint256 following;
    Claim claim;
}

struct Fraction {
    uint256 numerator;
    uint256 denominator;
}

/// @title Opened rows: their digests, and the value that FRI is about at this point.
/// @notice For each size N, at x = 3 w^i, with powers of lambda running over the columns,
///
///     F_N(x) = sum of lambda^k (f_k(z) - f_k(x)) / (z - x) + the same at g z
library Rows {
    using Machine for bytes;

    /// @notice z or g z is the queried point itself, where nothing can be concluded.
    error PointInsideDomain();

    /// @notice What the heights say about the rows of each size.
    function groups(bytes memory config, Shape memory shape, uint256 z)
        internal
        pure
        returns (RowGroup[] memory found)
    {
        unchecked {
            uint256 logBlowup = config.number(Machine.LOG_BLOWUP);
            found = new RowGroup[](shape.logSizes.length);
            // number of the group by log-height
            uint256[32] memory groupOf;
            for (uint256 s = 0; s < found.length; ++s) {
                RowGroup memory group = found[s];
                group.logSize = shape.logSizes[s];
                uint256 logHeight = group.logSize - logBlowup;
                groupOf[logHeight] = s;
                group.z = z;
                group.following = Field.scale(z, Field.embed(Field.rootOfUnity(logHeight)));
            }
            for (uint256 tree = 0; tree < TREE_COUNT; ++tree) {
                for (uint256 k = 0; k < shape.heights.length; ++k) {
                    uint256 logHeight = ShapeOf.logHeightOf(shape, k);
                    if (logHeight == ABSENT) continue;
                    RowGroup memory group = found[groupOf[logHeight]];
                    uint256 width = ShapeOf.width(config.chip(k), tree);
                    group.ranges = _withRanges(config, k, tree, group.columns, group.ranges);
                    group.columns += width;
                    group.treeBytes[tree] += ELEMENT_BYTES * width;
                }
            }
        }
    }

    /// @notice Take the rows of one size from the call data.
    /// @param root w^i in this size's domain, plain.
    /// @param buffer Free memory with 32 bytes before it: for the rows and 64 bytes, twice.
    /// @return value F_N at the point, as a fraction.
    /// @return next Where the rows end.
    function take(
        RowGroup memory group,
        Path[] memory paths,
        uint256 root,
        uint256 table,
        uint256 buffer,
        uint256 cursor
    ) internal view returns (Fraction memory value, uint256 next) {
        unchecked {
            uint256 length = ELEMENT_BYTES * group.columns;
            assembly ("memory-safe") {
                calldatacopy(buffer, cursor, length)
                mstore(add(buffer, length), 0)
            }
            _digest(group, paths, buffer);

            (uint256 here, uint256 bad) = PowerTable.dot(table, buffer, group.columns);
            if (bad & CANONICAL_CARRY != 0) revert HeaderOf.NonCanonicalElement("row");
            uint256 gathered = buffer + length + 32;
            uint256 count = _gather(group.ranges, buffer, gathered);
            (uint256 following,) = PowerTable.dot(table, gathered, count);

            return (_fraction(group, root, here, following), cursor + length);
        }
    }

    /// @notice The values of fractions, by one inversion.
    /// @param count How many of the groups have one.
    /// @param reduced Where the values go, by log2 of the size.
    function divide(
        RowGroup[] memory all,
        Fraction[] memory fractions,
        uint256 count,
        uint256[32] memory reduced
    ) internal pure {
        unchecked {
            uint256[] memory products = new uint256[](count);
            uint256 product = ONE;
            for (uint256 s = 0; s < count; ++s) {
                products[s] = product;
                product = Field.multiply(product, fractions[s].denominator);
            }
            uint256 inverse = Field.invert(product);
            if (inverse == 0) revert PointInsideDomain();
            for (uint256 s = count; s != 0;) {
                --s;
                uint256 own = Field.multiply(products[s], inverse);
                reduced[all[s].logSize] = Field.multiply(fractions[s].numerator, own);
                inverse = Field.multiply(inverse, fractions[s].denominator);
            }
        }
    }

    function _fraction(RowGroup memory group, uint256 root, uint256 here, uint256 following)
        private
        pure
        returns (Fraction memory value)
    {
        uint256 x = Field.embed(mulmod(GENERATOR, root, P));
        uint256 toHere = Field.subtract(group.z, x);
        uint256 toFollowing = Field.subtract(group.following, x);
        value.denominator = Field.multiply(toHere, toFollowing);
        here = Field.subtract(group.claim.here, here);
        following = Field.subtract(group.claim.following, following);
        following = Field.multiply(following, group.claim.shift);
        value.numerator =
            Field.add(Field.multiply(here, toFollowing), Field.multiply(following, toHere));
    }

    /// @dev Digest of each tree's rows of this size, where the tree has any.
    function _digest(RowGroup memory group, Path[] memory paths, uint256 cursor) private view {
        unchecked {
            uint256 level = group.logSize;
            for (uint256 tree = 0; tree < TREE_COUNT; ++tree) {
                uint256 length = group.treeBytes[tree];
                if (length == 0) continue;
                uint256 digest;
                assembly ("memory-safe") {
                    // the tag takes the place of the four bytes before the rows
                    let kept := mload(sub(cursor, 32))
                    mstore(sub(cursor, 32), LEAF)
                    if iszero(staticcall(gas(), 2, sub(cursor, 4), add(length, 4), 0, 32)) {
                        revert(0, 0)
                    }
                    mstore(sub(cursor, 32), kept)
                    digest := mload(0)
                }
                paths[tree].rows[level] = digest;
                cursor += length;
            }
        }
    }

    /// @dev Copy the columns that are opened at g z too behind each other.
    function _gather(bytes memory ranges, uint256 from, uint256 to)
        private
        pure
        returns (uint256 count)
    {
        assembly ("memory-safe") {
            let start := to
            let range := add(ranges, 32)
            for { let end := add(range, mload(ranges)) } lt(range, end) { range := add(range, 8) } {
                let packed := shr(192, mload(range))
                let length := mul(ELEMENT_BYTES, and(packed, 0xffffffff))
                mcopy(to, add(from, mul(ELEMENT_BYTES, shr(32, packed))), length)
                to := add(to, length)
            }
            mstore(to, 0)
            count := div(sub(to, start), ELEMENT_BYTES)
        }
    }

    function _withRanges(
        bytes memory config,
        uint256 chip,
        uint256 tree,
        uint256 column,
        bytes memory ranges
    ) private pure returns (bytes memory) {
        unchecked {
            uint256 record = config.chip(chip);
            uint256 next = ShapeOf.nextCount(record, tree);
            if (next == 0) return ranges;
            if (tree == LOOKUP) {
                uint256 first = column + ShapeOf.width(record, tree) - next;
                return abi.encodePacked(ranges, uint32(first), uint32(next));
            }
            uint256 range = Machine.firstRange(record);
            if (tree == MAIN) range += Machine.rangeCount(record, PREPROCESSED);
            uint256 end = range + Machine.rangeCount(record, tree);
            for (; range < end; ++range) {
                uint256 packed = config.word(config.ranges() + 4 * range) >> 224;
                uint32 first = uint32(column + (packed >> 16));
                ranges = abi.encodePacked(ranges, first, uint32(packed & 0xffff));
            }
            return ranges;
        }
    }
}
