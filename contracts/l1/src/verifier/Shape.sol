// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {P} from "./Field.sol";
import {Machine} from "./Machine.sol";

// Stands for the log-height of a chip that is absent.
uint256 constant ABSENT = 0;
uint256 constant DEGREE = 4;
uint256 constant EXTENSION_BYTES = 16;
// Columns of a table's quotient: two chunks of four coordinates.
uint256 constant QUOTIENT_WIDTH = 8;
// How many tuples the verifier itself adds at most.
uint256 constant VERIFIER_TERM_LIMIT = 1 << 16;

// The Merkle trees of a proof, in the order in which they are committed.
uint256 constant PREPROCESSED = 0;
uint256 constant MAIN = 1;
uint256 constant LOOKUP = 2;
uint256 constant QUOTIENT = 3;
uint256 constant TREE_COUNT = 4;

/// @notice What key and heights determine about a proof.
/// @param logSizes log2 of the sizes of the low-degree extensions, descending, each once.
/// @param steps FRI's layers, largest domain first; see `ShapeOf.step`.
/// @param logFinalSize log2 of the domain on which the final polynomial continues.
/// @param finalLength Number of its coefficients.
struct Shape {
    bytes heights;
    uint256 tableCount;
    uint256 lookupTableCount;
    uint256 openedBytes;
    uint256[] logSizes;
    uint256[] steps;
    uint256 logFinalSize;
    uint256 finalLength;
}

/// @title The shape of a proof, from the heights of its tables alone.
/// @notice Heights outside of the key's bounds are refused before anything is derived.
library ShapeOf {
    using Machine for bytes;

    /// @notice A height, a sum of heights or a number of tuples is outside its bounds.
    error OutOfRange(string what, uint256 index, uint256 got);

    /// @notice Check heights and derive everything.
    /// @param heights log2 of the rows of each chip of the machine, a byte each.
    function derive(bytes memory config, bytes memory heights)
        internal
        pure
        returns (Shape memory shape)
    {
        _checkHeights(config, heights);
        _checkRowLimits(config, heights);
        _checkLookupCounts(config, heights);
        return layOut(config, heights);
    }

    /// @notice Derive everything from heights that are checked.
    function layOut(bytes memory config, bytes memory heights)
        internal
        pure
        returns (Shape memory shape)
    {
        unchecked {
            shape.heights = heights;
            uint256 present;
            uint256 logBlowup = config.number(Machine.LOG_BLOWUP);
            uint256 values;
            for (uint256 k = 0; k < heights.length; ++k) {
                uint256 logHeight = uint8(heights[k]);
                if (logHeight == ABSENT) continue;
                uint256 record = config.chip(k);
                ++shape.tableCount;
                if (Machine.groupCount(record) != 0) ++shape.lookupTableCount;
                present |= 1 << (logHeight + logBlowup);
                for (uint256 tree = 0; tree < TREE_COUNT; ++tree) {
                    values += width(record, tree) + nextCount(record, tree);
                }
            }
            shape.openedBytes = values * EXTENSION_BYTES;
            shape.logFinalSize = config.number(Machine.LOG_FINAL_LENGTH) + logBlowup;
            shape.finalLength = 1 << config.number(Machine.LOG_FINAL_LENGTH);
            shape.logSizes = _descending(present);
            shape.steps = _schedule(shape, config.number(Machine.MAX_LOG_ARITY));
        }
    }

    function logHeightOf(Shape memory shape, uint256 chip) internal pure returns (uint256) {
        return uint8(shape.heights[chip]);
    }

    /// @notice Base-field columns of a chip in a tree.
    function width(uint256 record, uint256 tree) internal pure returns (uint256) {
        if (tree == PREPROCESSED) return Machine.preprocessedWidth(record);
        if (tree == MAIN) return Machine.mainWidth(record);
        unchecked {
            return tree == LOOKUP ? DEGREE * Machine.groupCount(record) : QUOTIENT_WIDTH;
        }
    }

    /// @notice How many of them some constraint reads in the next row.
    function nextCount(uint256 record, uint256 tree) internal pure returns (uint256) {
        if (tree == QUOTIENT) return 0;
        if (tree == LOOKUP) return Machine.groupCount(record) == 0 ? 0 : DEGREE;
        return Machine.nextCount(record, tree);
    }

    /// @notice log2 of a layer's domain, of how many values fold into one, and whether the reduced
    /// openings of the folded size are added.
    function step(Shape memory shape, uint256 layer)
        internal
        pure
        returns (uint256 logSize, uint256 logArity, bool rollsIn)
    {
        uint256 packed = shape.steps[layer];
        return (packed >> 16, (packed >> 8) & 0xff, packed & 1 == 1);
    }

    function _checkHeights(bytes memory config, bytes memory heights) private pure {
        unchecked {
            uint256 count = config.number(Machine.CHIP_COUNT);
            if (heights.length != count) revert OutOfRange("log heights", count, heights.length);
            for (uint256 k = 0; k < count; ++k) {
                uint256 record = config.chip(k);
                uint256 logHeight = uint8(heights[k]);
                bool isAbsent = logHeight == ABSENT && Machine.isOptional(record);
                bool isAllowed = Machine.lowestLogHeight(record) <= logHeight
                    && logHeight <= Machine.highestLogHeight(record);
                if (!isAbsent && !isAllowed) revert OutOfRange("log height", k, logHeight);
            }
        }
    }

    function _checkRowLimits(bytes memory config, bytes memory heights) private pure {
        unchecked {
            uint256 cursor = config.rowLimits();
            for (uint256 i = 0; i < config.number(Machine.ROW_LIMIT_COUNT); ++i) {
                uint256 entry = config.word(cursor + 16 * i);
                uint256 limit = entry >> 192;
                uint256 rows;
                for (uint256 k = 0; k < heights.length; ++k) {
                    if ((entry >> (128 + k)) & 1 == 1) rows += _rows(heights, k);
                }
                if (rows > limit) revert OutOfRange("rows", i, rows);
            }
        }
    }

    /// @dev With fewer than P interactions on a bus, no multiplicity can wrap around to zero.
    function _checkLookupCounts(bytes memory config, bytes memory heights) private pure {
        unchecked {
            uint256 busCount = config.number(Machine.BUS_COUNT);
            uint256 cursor = config.busCounts();
            for (uint256 bus = 0; bus < busCount; ++bus) {
                uint256 count;
                for (uint256 k = 0; k < heights.length; ++k) {
                    uint256 interactions = config.word(cursor + 2 * (k * busCount + bus)) >> 240;
                    count += interactions * _rows(heights, k);
                }
                if (count + VERIFIER_TERM_LIMIT >= P) revert OutOfRange("interactions", bus, count);
            }
        }
    }

    function _rows(bytes memory heights, uint256 k) private pure returns (uint256) {
        uint256 logHeight = uint8(heights[k]);
        return logHeight == ABSENT ? 0 : 1 << logHeight;
    }

    /// @dev The numbers of the set bits, highest first.
    function _descending(uint256 bits) private pure returns (uint256[] memory numbers) {
        unchecked {
            uint256 count;
            for (uint256 rest = bits; rest != 0; rest &= rest - 1) ++count;
            numbers = new uint256[](count);
            uint256 next;
            for (uint256 position = 256; next < count;) {
                --position;
                if ((bits >> position) & 1 == 1) numbers[next++] = position;
            }
        }
    }

    /// @dev Each layer folds by as much as it may without jumping over a size that is present; the
    /// last one reaches the final domain (proving/fri/schedule.py).
    function _schedule(Shape memory shape, uint256 maxLogArity)
        private
        pure
        returns (uint256[] memory steps)
    {
        unchecked {
            uint256[] memory sizes = shape.logSizes;
            uint256 logSize = sizes[0];
            steps = new uint256[](sizes[0]);
            uint256 count;
            uint256 next = 1;
            while (logSize > shape.logFinalSize) {
                bool isLast = next == sizes.length;
                uint256 stop = isLast ? shape.logFinalSize : sizes[next];
                uint256 logArity = logSize - stop;
                if (logArity > maxLogArity) logArity = maxLogArity;
                bool rollsIn = !isLast && logSize - logArity == stop;
                steps[count++] = (logSize << 16) | (logArity << 8) | (rollsIn ? 1 : 0);
                logSize -= logArity;
                if (rollsIn) ++next;
            }
            assembly ("memory-safe") {
                mstore(steps, count)
            }
        }
    }
}
