// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Claim, Claims} from "./Claims.sol";
import {Constraints, OpenedTable} from "./Constraints.sol";
import {Field} from "./Field.sol";
import {Challenges, Header, HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {PowerTable} from "./PowerTable.sol";
import {Queue} from "./Queue.sol";
import {Shape, ShapeOf, TREE_COUNT} from "./Shape.sol";

/// @title Lets tests call the verifier's libraries by themselves.
/// @notice Elements come and go in 16 bytes, as in proofs.
contract VerifierProbe {
    using Machine for bytes;

    function multiply(bytes16[] calldata left, bytes16[] calldata right)
        external
        pure
        returns (bytes16[] memory products)
    {
        products = new bytes16[](left.length);
        for (uint256 k = 0; k < left.length; ++k) {
            products[k] = _out(Field.multiply(_in(left[k]), _in(right[k])));
        }
    }

    function invert(bytes16[] calldata values) external pure returns (bytes16[] memory inverses) {
        inverses = new bytes16[](values.length);
        for (uint256 k = 0; k < values.length; ++k) {
            inverses[k] = _out(Field.invert(_in(values[k])));
        }
    }

    function power(bytes16 base, uint256 exponent) external pure returns (bytes16) {
        return _out(Field.power(_in(base), exponent));
    }

    /// @notice Products of elements with lanes as large as the functions allow.
    /// @param left, right Words with lanes below 2^34.
    function multiplyLanes(uint256 left, uint256 right) external pure returns (uint256) {
        return Field.canonical(Field.multiply(left, right));
    }

    function shape(bytes calldata config, bytes calldata heights)
        external
        pure
        returns (uint256[] memory logSizes, uint256[] memory steps, uint256 openedBytes)
    {
        Shape memory found = ShapeOf.derive(config, heights);
        return (found.logSizes, found.steps, found.openedBytes);
    }

    function challenges(bytes calldata config, bytes calldata encoded, bytes32 statementDigest)
        external
        pure
        returns (bytes16 gamma, bytes16 beta, bytes16 alpha, bytes16 z, bytes32 state)
    {
        (Shape memory found, Header memory header) = HeaderOf.parse(config, encoded);
        Challenges memory drawn = HeaderOf.challenge(config, found, header, statementDigest);
        return
            (_out(drawn.gamma), _out(drawn.beta), _out(drawn.alpha), _out(drawn.z), drawn.state);
    }

    /// @notice Check one chip's constraints.
    /// @param drawn gamma, beta, alpha, z.
    /// @param widths Elements of the chip in each tree, next rows included.
    function constraints(
        bytes calldata config,
        bytes calldata program,
        uint256 chip,
        uint256 logHeight,
        bytes16[4] calldata drawn,
        bytes16 sum,
        uint256[4] calldata widths,
        bytes calldata opened
    ) external pure {
        OpenedTable memory table;
        uint256 start;
        assembly ("memory-safe") {
            start := opened.offset
        }
        for (uint256 tree = 0; tree < TREE_COUNT; ++tree) {
            table.start[tree] = start;
            start += 16 * widths[tree];
        }
        bytes memory code = program;
        bytes memory description = config;
        Challenges memory challenge = Challenges({
            gamma: _in(drawn[0]),
            beta: _in(drawn[1]),
            alpha: _in(drawn[2]),
            z: _in(drawn[3]),
            state: 0
        });
        uint256[] memory slots =
            new uint256[](Machine.slotCount(description.chip(chip)));
        // whatever memory has before is no part of a program's input
        for (uint256 k = 0; k < slots.length; ++k) slots[k] = type(uint256).max;
        uint256 first;
        uint256 codeStart;
        assembly ("memory-safe") {
            first := add(slots, 32)
            codeStart := add(code, 32)
        }
        Constraints.check(
            description, chip, logHeight, table, challenge, _in(sum), first, codeStart
        );
    }

    function claims(
        bytes calldata config,
        bytes calldata heights,
        bytes calldata opened,
        bytes16 lambda
    ) external pure returns (bytes16[] memory here, bytes16[] memory following) {
        bytes memory description = config;
        Shape memory found = ShapeOf.derive(description, heights);
        uint256 start;
        assembly ("memory-safe") {
            start := opened.offset
        }
        uint256[] memory starts = Claims.starts(description, found, start);
        Claim[] memory batched = Claims.batch(description, found, starts, _in(lambda));
        here = new bytes16[](batched.length);
        following = new bytes16[](batched.length);
        for (uint256 k = 0; k < batched.length; ++k) {
            here[k] = _out(batched[k].here);
            following[k] = _out(Field.multiply(batched[k].following, batched[k].shift));
        }
    }

    function dot(bytes16 lambda, bytes calldata row)
        external
        pure
        returns (bytes16 sum, bool isCanonical)
    {
        bytes memory table = new bytes(PowerTable.SIZE);
        bytes memory padded = abi.encodePacked(row, bytes32(0));
        uint256 tableStart;
        uint256 rowStart;
        assembly ("memory-safe") {
            tableStart := add(table, 32)
            rowStart := add(padded, 32)
        }
        PowerTable.write(_in(lambda), tableStart);
        (uint256 total, uint256 bad) = PowerTable.dot(tableStart, rowStart, row.length / 4);
        uint256 carry = 0x0000000100000000000000010000000000000001000000000000000100000000;
        return (_out(total), bad & carry == 0);
    }

    function queue(bytes32 state, uint256 count, uint256 logSize)
        external
        pure
        returns (bytes memory)
    {
        return Queue.draw(state, count, logSize);
    }

    function _in(bytes16 element) private pure returns (uint256) {
        return Field.canonical(Field.toMontgomery(Field.unpack(uint128(element))));
    }

    function _out(uint256 element) private pure returns (bytes16) {
        return bytes16(uint128(Field.pack(element)));
    }
}
