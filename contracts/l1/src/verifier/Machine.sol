// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What a verifying key says, as bytes.
/// @notice Written by contracts/verifier/description.py from the key and the chips' definitions.
///
///      0  digest of the verifying key
///     32  root of the preprocessed tree
///     64  state of the transcript after protocol, key and parameters
///     96  keccak256 of the chips' programs
///    128  sixteen 4-byte numbers, see `number`
///    192  a word for each chip, see the getters below
///         2 bytes for each chip and bus: interactions of the chip on that bus
///         16 bytes for each row limit: the limit, and which chips it is for (bit k for chip k)
///         4 bytes for each parameter that chips refer to
///         the verifier's fixed terms: bus, multiplicity, count n, n values, 4 bytes each
///         ranges of columns that are read in the next row: first, count, 2 bytes each
library Machine {
    uint256 internal constant DIGEST = 0;
    uint256 internal constant PREPROCESSED_ROOT = 32;
    uint256 internal constant TRANSCRIPT = 64;
    uint256 internal constant PROGRAM_HASH = 96;
    uint256 private constant NUMBERS = 128;
    uint256 private constant CHIPS = 192;

    uint256 internal constant CHIP_COUNT = 0;
    uint256 internal constant LOG_BLOWUP = 1;
    uint256 internal constant QUERY_COUNT = 2;
    uint256 internal constant LOOKUP_GRINDING = 3;
    uint256 internal constant BATCHING_GRINDING = 4;
    uint256 internal constant QUERY_GRINDING = 5;
    uint256 internal constant LOG_FINAL_LENGTH = 6;
    uint256 internal constant MAX_LOG_ARITY = 7;
    uint256 internal constant PUBLIC_BUS = 8;
    uint256 internal constant BUS_COUNT = 9;
    uint256 internal constant ROW_LIMIT_COUNT = 10;
    uint256 internal constant PARAMETER_COUNT = 11;
    uint256 internal constant TERM_COUNT = 12;
    uint256 internal constant PROGRAM_BYTES = 13;
    uint256 internal constant TERM_BYTES = 14;

    /// @notice A word at an offset; bytes beyond the end are not to be relied on.
    function word(bytes memory config, uint256 cursor) internal pure returns (uint256 r) {
        assembly ("memory-safe") {
            r := mload(add(add(config, 32), cursor))
        }
    }

    function number(bytes memory config, uint256 index) internal pure returns (uint256) {
        unchecked {
            return word(config, NUMBERS + 4 * index) >> 224;
        }
    }

    /// @notice The record of a chip, for the getters below.
    function chip(bytes memory config, uint256 index) internal pure returns (uint256) {
        unchecked {
            return word(config, CHIPS + 32 * index);
        }
    }

    function preprocessedWidth(uint256 record) internal pure returns (uint256) {
        return record >> 240;
    }

    function mainWidth(uint256 record) internal pure returns (uint256) {
        return (record >> 224) & 0xffff;
    }

    /// @notice Lookup columns over the extension field.
    function groupCount(uint256 record) internal pure returns (uint256) {
        return (record >> 208) & 0xffff;
    }

    /// @notice Of preprocessed and main columns that are read in the next row.
    function nextCount(uint256 record, uint256 tree) internal pure returns (uint256) {
        return (record >> (tree == 0 ? 192 : 176)) & 0xffff;
    }

    /// @notice Number of ranges of such columns; those of the main tree follow the others.
    function rangeCount(uint256 record, uint256 tree) internal pure returns (uint256) {
        return (record >> (tree == 0 ? 168 : 160)) & 0xff;
    }

    function firstRange(uint256 record) internal pure returns (uint256) {
        return (record >> 144) & 0xffff;
    }

    function isOptional(uint256 record) internal pure returns (bool) {
        return (record >> 136) & 1 == 1;
    }

    function usesFirstRow(uint256 record) internal pure returns (bool) {
        return (record >> 136) & 2 == 2;
    }

    function usesLastRow(uint256 record) internal pure returns (bool) {
        return (record >> 136) & 4 == 4;
    }

    function lowestLogHeight(uint256 record) internal pure returns (uint256) {
        return (record >> 128) & 0xff;
    }

    function highestLogHeight(uint256 record) internal pure returns (uint256) {
        return (record >> 120) & 0xff;
    }

    /// @notice Words of memory that the chip's program works on.
    function slotCount(uint256 record) internal pure returns (uint256) {
        return (record >> 104) & 0xffff;
    }

    function programStart(uint256 record) internal pure returns (uint256) {
        return (record >> 72) & 0xffffffff;
    }

    function programLength(uint256 record) internal pure returns (uint256) {
        return (record >> 40) & 0xffffffff;
    }

    /// @notice Offset of the interaction counts of the first chip.
    function busCounts(bytes memory config) internal pure returns (uint256) {
        unchecked {
            return CHIPS + 32 * number(config, CHIP_COUNT);
        }
    }

    function rowLimits(bytes memory config) internal pure returns (uint256) {
        unchecked {
            return busCounts(config) + 2 * number(config, CHIP_COUNT) * number(config, BUS_COUNT);
        }
    }

    function parameters(bytes memory config) internal pure returns (uint256) {
        unchecked {
            return rowLimits(config) + 16 * number(config, ROW_LIMIT_COUNT);
        }
    }

    function terms(bytes memory config) internal pure returns (uint256) {
        unchecked {
            return parameters(config) + 4 * number(config, PARAMETER_COUNT);
        }
    }

    function ranges(bytes memory config) internal pure returns (uint256) {
        unchecked {
            return terms(config) + number(config, TERM_BYTES);
        }
    }
}
