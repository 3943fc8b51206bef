// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Field, LANES_MODULUS, LOW_24, ONE, P, REDUCTION, TO_MONTGOMERY} from "./Field.sol";
import {Challenges} from "./Header.sol";
import {
    Interpreter,
    SLOT_BETA,
    SLOT_FIRST_ROW,
    SLOT_GAMMA,
    SLOT_LAST_ROW,
    SLOT_ONE,
    SLOT_PARAMETERS,
    SLOT_SUM_PER_ROW,
    SLOT_TRANSITION,
    SLOT_ZERO
} from "./Interpreter.sol";
import {Machine} from "./Machine.sol";
import {LOOKUP, MAIN, PREPROCESSED, QUOTIENT, ShapeOf} from "./Shape.sol";

/// @notice Where the opened values of one table are, as offsets in the call data.
struct OpenedTable {
    uint256[4] start;
}

/// @title A table's opened values satisfy its constraints at the point z.
/// @notice With Z(X) = X^n - 1 and l the last point of the trace's domain, for each table
///
///     (Q0(z) + z^n Q1(z)) Z(z)  =  sum of alpha^k C_k(z) S_k(z)
///
/// where S_k is 1 for a constraint of every row, z - l for all rows but the last, Z/(z - 1) for the
/// first and Z/(z - l) for the last.
library Constraints {
    using Machine for bytes;

    /// @notice The quotient of this chip does not match its constraints.
    error ConstraintMismatch(uint256 chip);
    /// @notice z is a point of this chip's trace, where nothing can be concluded.
    error PointInsideTrace(uint256 chip);

    /// @notice Check one table.
    /// @param slots Free memory for as many words as the chip's record says, then the program.
    /// @param sum The claimed sum of its lookups, in Montgomery form.
    function check(
        bytes memory config,
        uint256 chip,
        uint256 logHeight,
        OpenedTable memory opened,
        Challenges memory drawn,
        uint256 sum,
        uint256 slots,
        uint256 program
    ) internal pure {
        uint256 record = config.chip(chip);
        uint256 zPower = Field.squareTimes(drawn.z, logHeight);
        uint256 vanishing = Field.subtract(zPower, ONE);
        if (Field.isZero(vanishing)) revert PointInsideTrace(chip);

        _fillConstants(config, record, logHeight, drawn, vanishing, sum, slots);
        uint256 next = slots + 32 * (SLOT_PARAMETERS + config.number(Machine.PARAMETER_COUNT));
        _fillOpened(record, opened, next);
        uint256 total = Interpreter.run(slots, program, drawn.alpha);

        _combine(opened.start[QUOTIENT], 2, slots);
        uint256 low;
        uint256 high;
        assembly ("memory-safe") {
            low := mload(slots)
            high := mload(add(slots, 32))
        }
        uint256 quotient = Field.add(low, Field.multiply(zPower, high));
        if (!Field.isEqual(Field.multiply(quotient, vanishing), total)) {
            revert ConstraintMismatch(chip);
        }
    }

    function _fillConstants(
        bytes memory config,
        uint256 record,
        uint256 logHeight,
        Challenges memory drawn,
        uint256 vanishing,
        uint256 sum,
        uint256 slots
    ) private pure {
        unchecked {
            uint256 rows = 1 << logHeight;
            uint256 last = Field.embed(Field.inverseRootOfUnity(logHeight));
            uint256 toLast = Field.subtract(drawn.z, last);
            _store(slots, SLOT_ZERO, 0);
            _store(slots, SLOT_ONE, ONE);
            _store(slots, SLOT_GAMMA, drawn.gamma);
            _store(slots, SLOT_BETA, drawn.beta);
            _store(slots, SLOT_SUM_PER_ROW, Field.scale(sum, Field.embed(Field.baseInvert(rows))));
            _store(slots, SLOT_TRANSITION, toLast);
            if (Machine.usesFirstRow(record)) {
                uint256 toFirst = Field.subtract(drawn.z, ONE);
                _store(slots, SLOT_FIRST_ROW, Field.multiply(vanishing, Field.invert(toFirst)));
            }
            if (Machine.usesLastRow(record)) {
                _store(slots, SLOT_LAST_ROW, Field.multiply(vanishing, Field.invert(toLast)));
            }
            uint256 cursor = config.parameters();
            for (uint256 k = 0; k < config.number(Machine.PARAMETER_COUNT); ++k) {
                uint256 value = config.word(cursor + 4 * k) >> 224;
                _store(slots, SLOT_PARAMETERS + k, Field.embed(value));
            }
        }
    }

    /// @dev Preprocessed and main columns as they are, lookup columns as elements of the extension.
    function _fillOpened(uint256 record, OpenedTable memory opened, uint256 to) private pure {
        unchecked {
            for (uint256 tree = PREPROCESSED; tree <= MAIN; ++tree) {
                uint256 count = ShapeOf.width(record, tree) + ShapeOf.nextCount(record, tree);
                _copy(opened.start[tree], count, to);
                to += 32 * count;
            }
            uint256 groups = Machine.groupCount(record);
            if (groups != 0) _combine(opened.start[LOOKUP], groups + 1, to);
        }
    }

    function _store(uint256 slots, uint256 slot, uint256 value) private pure {
        assembly ("memory-safe") {
            mstore(add(slots, shl(5, slot)), value)
        }
    }

    /// @dev Write elements of the call data to memory, in Montgomery form.
    function _copy(uint256 from, uint256 count, uint256 to) private pure {
        assembly ("memory-safe") {
            for { let end := add(to, mul(32, count)) } lt(to, end) { to := add(to, 32) } {
                let x := shr(128, calldataload(from))
                from := add(from, 16)
                let t := or(shl(192, and(x, 0xffffffff)), shr(96, x))
                t := or(t, and(x, 0xffffffff0000000000000000))
                t := mul(or(t, and(shl(96, x), shl(128, 0xffffffff))), TO_MONTGOMERY)
                t := shr(24, sub(add(t, REDUCTION), mul(and(t, LOW_24), P)))
                t := shr(24, sub(add(t, REDUCTION), mul(and(t, LOW_24), P)))
                mstore(to, t)
            }
        }
    }

    /// @dev The same for extension columns, from the elements at their four coordinates' columns:
    /// sum of x^i times element i.
    function _combine(uint256 from, uint256 count, uint256 to) private pure {
        assembly ("memory-safe") {
            for { let end := add(to, mul(32, count)) } lt(to, end) { to := add(to, 32) } {
                let t := 0
                for { let shift := 0 } lt(shift, 256) { shift := add(shift, 64) } {
                    let x := shr(128, calldataload(from))
                    from := add(from, 16)
                    let lanes := or(shl(192, and(x, 0xffffffff)), shr(96, x))
                    lanes := or(lanes, and(x, 0xffffffff0000000000000000))
                    lanes := or(lanes, and(shl(96, x), shl(128, 0xffffffff)))
                    // lanes of the sum: below 10 * 2^32
                    t := add(t, mulmod(lanes, shl(shift, 1), LANES_MODULUS))
                }
                t := mul(t, TO_MONTGOMERY)
                t := shr(24, sub(add(t, REDUCTION), mul(and(t, LOW_24), P)))
                t := shr(24, sub(add(t, REDUCTION), mul(and(t, LOW_24), P)))
                mstore(to, t)
            }
        }
    }
}
