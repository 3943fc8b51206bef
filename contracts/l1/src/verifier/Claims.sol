// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    CANONICAL_CARRY,
    CANONICAL_PROBE,
    Field,
    LANES_MODULUS,
    LOW_24,
    LOW_40,
    P,
    REDUCTION
} from "./Field.sol";
import {HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {EXTENSION_BYTES, Shape, ShapeOf, TREE_COUNT} from "./Shape.sol";

/// @notice What FRI batches about one size of low-degree extensions.
/// @param here Sum of lambda^k f_k(z) over all columns of tables of this size.
/// @param following Sum of lambda^j f_j(g z) over those that are opened there, from lambda^0 on.
/// @param shift lambda^(number of columns): what `following` has to be multiplied by.
struct Claim {
    uint256 here;
    uint256 following;
    uint256 shift;
}

/// @title The opened values, batched by powers of lambda as FRI asks for them.
library Claims {
    using Machine for bytes;

    /// @notice Where each matrix's opened values are in the call data.
    /// @param cursor Where the first value is.
    /// @return starts Entry 4k + t is for chip k and tree t; 0 if the chip is absent.
    function starts(bytes memory config, Shape memory shape, uint256 cursor)
        internal
        pure
        returns (uint256[] memory)
    {
        unchecked {
            uint256 chips = config.number(Machine.CHIP_COUNT);
            uint256[] memory found = new uint256[](TREE_COUNT * chips);
            for (uint256 tree = 0; tree < TREE_COUNT; ++tree) {
                for (uint256 k = 0; k < chips; ++k) {
                    if (ShapeOf.logHeightOf(shape, k) == 0) continue;
                    uint256 record = config.chip(k);
                    found[TREE_COUNT * k + tree] = cursor;
                    uint256 width = ShapeOf.width(record, tree);
                    cursor += EXTENSION_BYTES * (width + ShapeOf.nextCount(record, tree));
                }
            }
            return found;
        }
    }

    /// @notice Batch all opened values, and refuse any that is not canonical.
    /// @return claims One for each of the shape's sizes.
    function batch(
        bytes memory config,
        Shape memory shape,
        uint256[] memory matrixStarts,
        uint256 lambda
    ) internal pure returns (Claim[] memory claims) {
        unchecked {
            uint256 logBlowup = config.number(Machine.LOG_BLOWUP);
            claims = new Claim[](shape.logSizes.length);
            uint256[] memory columns = new uint256[](claims.length);
            // number of the claim by log-height
            uint256[32] memory claimOf;
            for (uint256 s = 0; s < claims.length; ++s) {
                claimOf[shape.logSizes[s] - logBlowup] = s;
            }

            // Horner's rule goes from the last matrix, and its last column, to the first
            uint256 bad;
            for (uint256 tree = TREE_COUNT; tree != 0;) {
                --tree;
                for (uint256 k = shape.heights.length; k != 0;) {
                    --k;
                    uint256 start = matrixStarts[TREE_COUNT * k + tree];
                    if (start == 0) continue;
                    uint256 number = claimOf[ShapeOf.logHeightOf(shape, k)];
                    uint256 width = ShapeOf.width(config.chip(k), tree);
                    uint256 next = ShapeOf.nextCount(config.chip(k), tree);
                    columns[number] += width;
                    bad = _addMatrix(claims[number], start, width, next, lambda, bad);
                }
            }
            for (uint256 s = 0; s < claims.length; ++s) {
                Claim memory claim = claims[s];
                claim.here = Field.toMontgomery(Field.canonical(claim.here));
                claim.following = Field.toMontgomery(Field.canonical(claim.following));
                claim.shift = Field.power(lambda, columns[s]);
            }
            if (bad & CANONICAL_CARRY != 0) revert HeaderOf.NonCanonicalElement("opened values");
        }
    }

    function _addMatrix(
        Claim memory claim,
        uint256 start,
        uint256 width,
        uint256 next,
        uint256 lambda,
        uint256 bad
    ) private pure returns (uint256) {
        unchecked {
            (claim.here, bad) = _horner(claim.here, start, width, lambda, bad);
            start += EXTENSION_BYTES * width;
            (claim.following, bad) = _horner(claim.following, start, next, lambda, bad);
            return bad;
        }
    }

    /// @dev Continue Horner's rule, without Montgomery's factor, over `count` elements of the call data, the last one first.
    function _horner(uint256 total, uint256 start, uint256 count, uint256 lambda, uint256 bad)
        private
        pure
        returns (uint256, uint256)
    {
        assembly ("memory-safe") {
            let lambdaLow := and(lambda, LOW_24)
            let lambdaHigh := and(shr(24, lambda), LOW_40)
            for { let cursor := add(start, mul(16, count)) } gt(cursor, start) {} {
                cursor := sub(cursor, 16)
                let x := shr(128, calldataload(cursor))
                let t := or(shl(192, and(x, 0xffffffff)), shr(96, x))
                t := or(t, and(x, 0xffffffff0000000000000000))
                t := or(t, and(shl(96, x), shl(128, 0xffffffff)))
                bad := or(bad, add(t, CANONICAL_PROBE))
                // total = total * lambda + t, where lambda alone has Montgomery's factor
                let low := mulmod(total, lambdaLow, LANES_MODULUS)
                let high := mulmod(total, lambdaHigh, LANES_MODULUS)
                low := shr(24, sub(add(low, REDUCTION), mul(and(low, LOW_24), P)))
                low := add(low, high)
                total := shr(24, sub(add(low, REDUCTION), mul(and(low, LOW_24), P)))
                total := add(total, t)
            }
        }
        return (total, bad);
    }
}
