// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    LANES_MODULUS,
    LOW_24,
    LOW_31,
    LOW_33,
    LOW_40,
    ONE,
    P,
    P_LANES,
    REDUCTION,
    TWO_P_LANES
} from "./Field.sol";

// Slots that every program finds filled; `contracts/verifier/slots.py` has the same numbers.
uint256 constant SLOT_ZERO = 0;
uint256 constant SLOT_ONE = 1;
uint256 constant SLOT_GAMMA = 2;
uint256 constant SLOT_BETA = 3;
uint256 constant SLOT_SUM_PER_ROW = 4;
uint256 constant SLOT_TRANSITION = 5;
uint256 constant SLOT_FIRST_ROW = 6;
uint256 constant SLOT_LAST_ROW = 7;
uint256 constant SLOT_PARAMETERS = 8;
// Byte offsets of the slots that the loop below reads.
uint256 constant OFFSET_GAMMA = 64;
uint256 constant OFFSET_BETA = 96;

/// @title Evaluates a chip's constraints at one point.
/// @notice A program works on slots, words of memory with an element of the extension each, below 2p
/// per lane. Its instructions write a slot or give the value of the next constraint, as those do that
/// write slot 0, which stays zero: from the last constraint to the first, so that Horner's rule
/// combines them with powers of alpha.
///
///   bytes                                            value
///   0                                                the end
///   1 n1 (d2 a2 b2)..                                a * b, n times
///   2 n1 (d2 a2 b2)..                                a + b - 2 a b
///   9 n1 (d2 a2 b2)..                                a - a b
///   8 n1 (a2 b2)..                                   constraint a * b
///   3 n1 a2..                                        constraint a * (a - 1)
///   4 d2 n1 m1 a2..                                  sum of n slots less m slots, n + m <= 60
///   5 d2 n1 m1 g1 c4 (a2 k2 b2 k2).. .. (a2 k4)..    c + n pairs of slots times k, less m pairs of
///                                                    slots times k, with g slots times k, there in
///                                                    Montgomery form; the k of the first add up to
///                                                    at most 2^21, and those of the second
///   6 d2 n1 c4 a2..                                  c + gamma + beta (a_n + beta (a_(n-1) + ...
///   7 d2 c4                                          c
///
/// @dev Programs come from contracts whose hash the key's description fixes, so they are trusted.
library Interpreter {
    /// @notice Run a program.
    /// @param slots Where slot 0 is.
    /// @param program Where the program begins.
    /// @return total Sum of alpha^k times constraint k, below 4p per lane.
    function run(uint256 slots, uint256 program, uint256 alpha)
        internal
        pure
        returns (uint256 total)
    {
        assembly ("memory-safe") {
            function multiply(a, b) -> r {
                let low := mulmod(a, and(b, LOW_24), LANES_MODULUS)
                let high := mulmod(a, and(shr(24, b), LOW_40), LANES_MODULUS)
                low := shr(24, sub(add(low, REDUCTION), mul(and(low, LOW_24), P)))
                low := add(low, high)
                r := shr(24, sub(add(low, REDUCTION), mul(and(low, LOW_24), P)))
            }
            function reduceOnce(t) -> r {
                r := shr(24, sub(add(t, REDUCTION), mul(and(t, LOW_24), P)))
            }
            function fold(t) -> r {
                r := add(and(t, LOW_31), mul(and(shr(31, t), LOW_33), 0xffffff))
            }

            for {} 1 {} {
                let instruction := mload(program)
                let code := byte(0, instruction)
                let count := byte(1, instruction)
                let value
                switch code
                case 1 {
                    let cursor := add(program, 2)
                    program := add(cursor, mul(6, count))
                    for {} lt(cursor, program) { cursor := add(cursor, 6) } {
                        let entry := mload(cursor)
                        let a := mload(add(slots, and(shr(219, entry), 0x1fffe0)))
                        let b := mload(add(slots, and(shr(203, entry), 0x1fffe0)))
                        mstore(add(slots, and(shr(235, entry), 0x1fffe0)), multiply(a, b))
                    }
                    continue
                }
                case 2 {
                    let cursor := add(program, 2)
                    program := add(cursor, mul(6, count))
                    for {} lt(cursor, program) { cursor := add(cursor, 6) } {
                        let entry := mload(cursor)
                        let a := mload(add(slots, and(shr(219, entry), 0x1fffe0)))
                        let b := mload(add(slots, and(shr(203, entry), 0x1fffe0)))
                        value := mul(2, sub(TWO_P_LANES, multiply(a, b)))
                        value := fold(add(add(a, b), value))
                        mstore(add(slots, and(shr(235, entry), 0x1fffe0)), value)
                    }
                    continue
                }
                case 9 {
                    let cursor := add(program, 2)
                    program := add(cursor, mul(6, count))
                    for {} lt(cursor, program) { cursor := add(cursor, 6) } {
                        let entry := mload(cursor)
                        let a := mload(add(slots, and(shr(219, entry), 0x1fffe0)))
                        let b := mload(add(slots, and(shr(203, entry), 0x1fffe0)))
                        value := fold(add(a, sub(TWO_P_LANES, multiply(a, b))))
                        mstore(add(slots, and(shr(235, entry), 0x1fffe0)), value)
                    }
                    continue
                }
                case 3 {
                    let cursor := add(program, 2)
                    program := add(cursor, mul(2, count))
                    for {} lt(cursor, program) { cursor := add(cursor, 2) } {
                        let a := mload(add(slots, and(shr(235, mload(cursor)), 0x1fffe0)))
                        value := multiply(a, add(a, sub(P_LANES, ONE)))
                        total := add(multiply(total, alpha), value)
                    }
                    continue
                }
                case 8 {
                    let cursor := add(program, 2)
                    program := add(cursor, mul(4, count))
                    for {} lt(cursor, program) { cursor := add(cursor, 4) } {
                        let entry := mload(cursor)
                        let a := mload(add(slots, and(shr(235, entry), 0x1fffe0)))
                        let b := mload(add(slots, and(shr(219, entry), 0x1fffe0)))
                        total := add(multiply(total, alpha), multiply(a, b))
                    }
                    continue
                }
                case 4 {
                    count := byte(4, instruction)
                    value := mul(count, TWO_P_LANES)
                    let cursor := add(program, 5)
                    let middle := add(cursor, mul(2, byte(3, instruction)))
                    program := add(middle, mul(2, count))
                    for {} lt(cursor, middle) { cursor := add(cursor, 2) } {
                        value := add(value, mload(add(slots, and(shr(235, mload(cursor)), 0x1fffe0))))
                    }
                    for {} lt(cursor, program) { cursor := add(cursor, 2) } {
                        value := sub(value, mload(add(slots, and(shr(235, mload(cursor)), 0x1fffe0))))
                    }
                    value := fold(value)
                }
                case 5 {
                    let cursor := add(program, 10)
                    let end := add(cursor, mul(8, byte(3, instruction)))
                    for {} lt(cursor, end) { cursor := add(cursor, 8) } {
                        let pair := mload(cursor)
                        let first :=
                            mul(
                                mload(add(slots, and(shr(235, pair), 0x1fffe0))),
                                and(shr(224, pair), 0xffff)
                            )
                        let second :=
                            mul(
                                mload(add(slots, and(shr(203, pair), 0x1fffe0))),
                                and(shr(192, pair), 0xffff)
                            )
                        value := add(value, add(first, second))
                    }
                    end := add(cursor, mul(8, byte(4, instruction)))
                    // a multiple of p above all that is subtracted: p * 2^24
                    if lt(cursor, end) { value := add(value, shl(24, P_LANES)) }
                    for {} lt(cursor, end) { cursor := add(cursor, 8) } {
                        let pair := mload(cursor)
                        let first :=
                            mul(
                                mload(add(slots, and(shr(235, pair), 0x1fffe0))),
                                and(shr(224, pair), 0xffff)
                            )
                        let second :=
                            mul(
                                mload(add(slots, and(shr(203, pair), 0x1fffe0))),
                                and(shr(192, pair), 0xffff)
                            )
                        value := sub(value, add(first, second))
                    }
                    end := add(cursor, mul(6, byte(5, instruction)))
                    if lt(cursor, end) {
                        let general
                        for {} lt(cursor, end) { cursor := add(cursor, 6) } {
                            let term := mload(cursor)
                            general :=
                                add(
                                    general,
                                    reduceOnce(
                                        mul(
                                            mload(add(slots, and(shr(235, term), 0x1fffe0))),
                                            and(shr(208, term), 0xffffffff)
                                        )
                                    )
                                )
                        }
                        value := add(value, reduceOnce(general))
                    }
                    value := add(value, and(shr(176, instruction), 0xffffffff))
                    value := fold(fold(fold(fold(value))))
                    program := end
                }
                case 6 {
                    let cursor := add(program, 8)
                    program := add(cursor, mul(2, byte(3, instruction)))
                    let beta := mload(add(slots, OFFSET_BETA))
                    for {} lt(cursor, program) { cursor := add(cursor, 2) } {
                        value :=
                            multiply(
                                add(value, mload(add(slots, and(shr(235, mload(cursor)), 0x1fffe0)))),
                                beta
                            )
                    }
                    value := add(value, and(shr(192, instruction), 0xffffffff))
                    value := fold(add(value, mload(add(slots, OFFSET_GAMMA))))
                }
                case 7 {
                    value := and(shr(200, instruction), 0xffffffff)
                    program := add(program, 7)
                }
                default { break }

                let destination := and(shr(227, instruction), 0x1fffe0)
                switch destination
                case 0 { total := add(multiply(total, alpha), value) }
                default { mstore(add(slots, destination), value) }
            }
        }
    }
}
