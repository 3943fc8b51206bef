// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CANONICAL_PROBE, Field, LOW_24, ONE, P, REDUCTION} from "./Field.sol";

// The low 32 bits of each lane.
uint256 constant LOW_32 = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;

/// @title Sums over rows of base-field values, with powers of lambda.
/// @notice A word of a row has eight values v0 .. v7. Those with even numbers, one to a lane, times a
/// word with the matching powers' coefficients in reverse order, have in their top lane the sum of
/// four products: four products below p^2 and what lower lanes carry stay below 2^64. So for eight
/// columns there are eight words: for each coefficient c of the powers, one for even and one for odd
/// values. The table has the powers of one stretch of a row; Horner's rule joins the stretches.
/// @dev Lanes of the table are below p + 2^17.
library PowerTable {
    uint256 private constant STRETCH_COLUMNS = 128;
    uint256 private constant STRETCH_BYTES = 4 * STRETCH_COLUMNS;
    uint256 private constant BLOCK_COLUMNS = 8;
    uint256 private constant BLOCK_BYTES = 256;
    /// @dev Behind the 16 blocks: lambda^128.
    uint256 private constant JOINT = 4096;

    /// @notice Memory that a table takes.
    uint256 internal constant SIZE = 4096 + 256;

    /// @notice Write the table.
    /// @param table Memory for it.
    function write(uint256 lambda, uint256 table) internal pure {
        _writeFirst(lambda, table);
        unchecked {
            // the last round writes one block too many, where the joint goes
            _continue(_matrix(Field.squareTimes(lambda, 3)), table, table + JOINT);
        }
        uint256 joint = Field.squareTimes(lambda, 7);
        assembly ("memory-safe") {
            mstore(add(table, JOINT), joint)
        }
    }

    /// @notice Sum of lambda^k times value k of a row.
    /// @param row `count` values of 4 bytes and zero bytes up to a whole word.
    /// @return sum In Montgomery form.
    /// @return bad Has a bit of CANONICAL_CARRY if a value is not canonical.
    function dot(uint256 table, uint256 row, uint256 count)
        internal
        pure
        returns (uint256 sum, uint256 bad)
    {
        unchecked {
            uint256 joint;
            assembly ("memory-safe") {
                joint := mload(add(table, JOINT))
            }
            uint256 end = row + 4 * count;
            uint256 stretch = row + (4 * count / STRETCH_BYTES) * STRETCH_BYTES;
            uint256 part;
            while (true) {
                (part, bad) = _dot(table, stretch, end, bad);
                sum = Field.multiply(sum, joint) + part;
                if (stretch == row) return (Field.fold(sum), bad);
                end = stretch;
                stretch -= STRETCH_BYTES;
            }
        }
    }

    function _dot(uint256 table, uint256 row, uint256 end, uint256 bad)
        private
        pure
        returns (uint256 sum, uint256 worse)
    {
        assembly ("memory-safe") {
            let s0 := 0
            let s1 := 0
            let s2 := 0
            let s3 := 0
            for {} lt(row, end) { row := add(row, 32) } {
                let word := mload(row)
                let even := and(shr(32, word), LOW_32)
                let odd := and(word, LOW_32)
                bad := or(bad, or(add(even, CANONICAL_PROBE), add(odd, CANONICAL_PROBE)))
                s0 := add(s0, shr(192, mul(even, mload(table))))
                s1 := add(s1, shr(192, mul(even, mload(add(table, 32)))))
                s2 := add(s2, shr(192, mul(even, mload(add(table, 64)))))
                s3 := add(s3, shr(192, mul(even, mload(add(table, 96)))))
                s0 := add(s0, shr(192, mul(odd, mload(add(table, 128)))))
                s1 := add(s1, shr(192, mul(odd, mload(add(table, 160)))))
                s2 := add(s2, shr(192, mul(odd, mload(add(table, 192)))))
                s3 := add(s3, shr(192, mul(odd, mload(add(table, 224)))))
                table := add(table, 256)
            }
            sum := or(mod(s0, P), shl(64, mod(s1, P)))
            sum := or(sum, or(shl(128, mod(s2, P)), shl(192, mod(s3, P))))
            worse := bad
        }
    }

    /// @dev Powers 0 to 7: value 0 is in the top lane of its word, so its power is in the lowest.
    function _writeFirst(uint256 lambda, uint256 table) private pure {
        unchecked {
            uint256 power = ONE;
            for (uint256 k = 0; k < BLOCK_COLUMNS; ++k) {
                uint256 lanes = Field.canonical(power);
                uint256 to = table + 128 * (k & 1);
                for (uint256 c = 0; c < 4; ++c) {
                    uint256 placed = ((lanes >> (64 * c)) & 0xffffffff) << (64 * (k >> 1));
                    assembly ("memory-safe") {
                        // the first power of a word overwrites whatever memory has
                        let kept := mul(mload(to), iszero(iszero(shr(1, k))))
                        mstore(to, or(kept, placed))
                    }
                    to += 32;
                }
                power = Field.multiply(power, lambda);
            }
        }
    }

    /// @dev Entry 4c + d is the coefficient c of ratio * x^d, canonical.
    function _matrix(uint256 ratio) private pure returns (uint256[16] memory entries) {
        unchecked {
            for (uint256 d = 0; d < 4; ++d) {
                uint256 column = Field.canonical(Field.multiply(ratio, ONE << (64 * d)));
                for (uint256 c = 0; c < 4; ++c) {
                    entries[4 * c + d] = (column >> (64 * c)) & 0xffffffff;
                }
            }
        }
    }

    /// @dev Write each block from the one before it: its powers times lambda^8.
    function _continue(uint256[16] memory matrix, uint256 from, uint256 end) private pure {
        assembly ("memory-safe") {
            function reduce(t) -> r {
                r := shr(24, sub(add(t, REDUCTION), mul(and(t, LOW_24), P)))
                r := shr(24, sub(add(r, REDUCTION), mul(and(r, LOW_24), P)))
            }
            // half a block at a time: four words, one for each coefficient
            for {} lt(from, end) { from := add(from, 128) } {
                let w0 := mload(from)
                let w1 := mload(add(from, 32))
                let w2 := mload(add(from, 64))
                let w3 := mload(add(from, 96))
                let row := matrix
                let to := add(from, 256)
                for { let last := add(to, 128) } lt(to, last) { to := add(to, 32) } {
                    let t := add(mul(w0, mload(row)), mul(w1, mload(add(row, 32))))
                    t := add(t, mul(w2, mload(add(row, 64))))
                    mstore(to, reduce(add(t, mul(w3, mload(add(row, 96))))))
                    row := add(row, 128)
                }
            }
        }
    }
}
