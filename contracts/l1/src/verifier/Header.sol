// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CANONICAL_CARRY, Field} from "./Field.sol";
import {Machine} from "./Machine.sol";
import {EXTENSION_BYTES, Shape, ShapeOf} from "./Shape.sol";
import {Transcript} from "./Transcript.sol";

/// @notice Everything that a proof says but opened values and queries.
/// @param sums Offset of the claimed sums in `encoded`; likewise for `layerRoots` and `finalValues`.
struct Header {
    bytes encoded;
    bytes32 mainRoot;
    bytes32 lookupRoot;
    bytes32 quotientRoot;
    uint64 lookupNonce;
    uint64 batchingNonce;
    uint64 queryNonce;
    uint256 sums;
    uint256 layerRoots;
    uint256 finalValues;
}

/// @notice What the verifier draws before the opened values, in Montgomery form, and the state of
/// the transcript then.
struct Challenges {
    uint256 gamma;
    uint256 beta;
    uint256 alpha;
    uint256 z;
    bytes32 state;
}

/// @title The header of a proof and the challenges up to the point z.
/// @notice Bytes: log heights, main root, lookup nonce (8), lookup root, sums (16 each), quotient
/// root, batching nonce (8), FRI's layer roots, final polynomial (16 for each coefficient), query
/// nonce (8). Heights determine the length.
library HeaderOf {
    using Machine for bytes;

    /// @notice Bytes of another number than the heights demand.
    error WrongLength(string what, uint256 expected, uint256 got);
    /// @notice A field element that is not below the modulus.
    error NonCanonicalElement(string what);

    /// @notice Read a header and check its shape.
    function parse(bytes memory config, bytes memory encoded)
        internal
        pure
        returns (Shape memory shape, Header memory header)
    {
        unchecked {
            // HEIGHTS
            uint256 chips = config.number(Machine.CHIP_COUNT);
            if (encoded.length < chips) revert WrongLength("heights", chips, encoded.length);
            bytes memory heights = slice(encoded, 0, chips);
            shape = ShapeOf.derive(config, heights);

            // LENGTH
            uint256 finalBytes = EXTENSION_BYTES * shape.finalLength;
            uint256 sumBytes = EXTENSION_BYTES * shape.lookupTableCount;
            uint256 layerBytes = 32 * shape.steps.length;
            uint256 expected = chips + 3 * 32 + 3 * 8 + sumBytes + layerBytes + finalBytes;
            if (encoded.length != expected) {
                revert WrongLength("header", expected, encoded.length);
            }

            // FIELDS
            header.encoded = encoded;
            uint256 cursor = chips;
            header.mainRoot = bytes32(encoded.word(cursor));
            header.lookupNonce = uint64(encoded.word(cursor + 32) >> 192);
            header.lookupRoot = bytes32(encoded.word(cursor + 40));
            header.sums = cursor + 72;
            cursor += 72 + sumBytes;
            header.quotientRoot = bytes32(encoded.word(cursor));
            header.batchingNonce = uint64(encoded.word(cursor + 32) >> 192);
            header.layerRoots = cursor + 40;
            header.finalValues = cursor + 40 + layerBytes;
            header.queryNonce = uint64(encoded.word(cursor + 40 + layerBytes + finalBytes) >> 192);
            _checkCanonical(encoded, header.sums, sumBytes, "lookup sums");
            _checkCanonical(encoded, header.finalValues, finalBytes, "final polynomial");
        }
    }

    /// @notice Follow the transcript from the statement to the point z.
    function challenge(
        bytes memory config,
        Shape memory shape,
        Header memory header,
        bytes32 statementDigest
    ) internal pure returns (Challenges memory drawn) {
        unchecked {
            // STATEMENT
            bytes32 state = bytes32(config.word(Machine.TRANSCRIPT));
            state = Transcript.observe(state, "public values", abi.encodePacked(statementDigest));
            state = Transcript.observe(state, "log heights", shape.heights);

            // MAIN TREE
            state = Transcript.observe(state, "main root", abi.encodePacked(header.mainRoot));
            uint256 bits = config.number(Machine.LOOKUP_GRINDING);
            state = Transcript.checkGrinding(state, "lookup challenges", bits, header.lookupNonce);
            (drawn.gamma, state) = draw(state, "gamma");
            (drawn.beta, state) = draw(state, "beta");

            // LOOKUP TREE
            bytes memory sums =
                slice(header.encoded, header.sums, EXTENSION_BYTES * shape.lookupTableCount);
            state = Transcript.observe(state, "lookup root", abi.encodePacked(header.lookupRoot));
            state = Transcript.observe(state, "lookup sums", sums);
            (drawn.alpha, state) = draw(state, "alpha");

            // QUOTIENT TREE
            bytes memory root = abi.encodePacked(header.quotientRoot);
            state = Transcript.observe(state, "quotient root", root);
            (drawn.z, drawn.state) = draw(state, "z");
        }
    }

    /// @notice A challenge in Montgomery form.
    function draw(bytes32 state, string memory label) internal pure returns (uint256, bytes32) {
        (uint256 plain, bytes32 next) = Transcript.sampleExtension(state, label);
        return (Field.canonical(Field.toMontgomery(plain)), next);
    }

    /// @notice The claimed sum of a table, by its number among those with lookups.
    function sumOf(Header memory header, uint256 number) internal pure returns (uint256) {
        unchecked {
            return element(header.encoded, header.sums + EXTENSION_BYTES * number);
        }
    }

    /// @notice The element at an offset, in Montgomery form.
    function element(bytes memory data, uint256 cursor) internal pure returns (uint256) {
        return Field.toMontgomery(Field.unpack(Machine.word(data, cursor) >> 128));
    }

    function slice(bytes memory data, uint256 start, uint256 length)
        internal
        pure
        returns (bytes memory part)
    {
        part = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(part, 32), add(add(data, 32), start), length)
        }
    }

    function _checkCanonical(
        bytes memory data,
        uint256 start,
        uint256 length,
        string memory what
    ) private pure {
        unchecked {
            uint256 bad;
            for (uint256 cursor = start; cursor < start + length; cursor += EXTENSION_BYTES) {
                bad |= Field.probe(Field.unpack(Machine.word(data, cursor) >> 128));
            }
            if (bad & CANONICAL_CARRY != 0) revert NonCanonicalElement(what);
        }
    }
}
