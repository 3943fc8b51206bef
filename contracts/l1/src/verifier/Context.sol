// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Claim} from "./Claims.sol";
import {Field} from "./Field.sol";
import {Header, HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {Queue} from "./Queue.sol";
import {EXTENSION_BYTES, Shape} from "./Shape.sol";
import {Transcript} from "./Transcript.sol";

/// @title What every query of a session needs, written once when the opened values were accepted.
/// @notice Bytes, 32 for each entry: log heights (padded), roots of the main, lookup and quotient
/// tree, z, lambda, FRI's layer roots, their challenges, the final polynomial, three for each size
/// (`Claim`); then the keys of the queries (`Queue`). Elements are in Montgomery form.
library Context {
    using Machine for bytes;

    uint256 internal constant HEIGHTS = 0;
    uint256 internal constant MAIN_ROOT = 32;
    uint256 internal constant Z = 128;
    uint256 internal constant LAMBDA = 160;
    uint256 internal constant LAYER_ROOTS = 192;

    /// @notice Follow the transcript from the opened values to lambda.
    function batchingChallenge(
        bytes memory config,
        Header memory header,
        bytes32 state,
        bytes memory opened
    ) internal pure returns (uint256 lambda, bytes32 next) {
        state = Transcript.observe(state, "opened values", opened);
        uint256 bits = config.number(Machine.BATCHING_GRINDING);
        state = Transcript.checkGrinding(state, "batching challenge", bits, header.batchingNonce);
        return HeaderOf.draw(state, "lambda");
    }

    /// @notice Follow it to the end, and gather what queries need.
    /// @param z, lambda In Montgomery form.
    function gather(
        bytes memory config,
        Shape memory shape,
        Header memory header,
        uint256 z,
        uint256 lambda,
        bytes32 state,
        Claim[] memory sizes
    ) internal pure returns (bytes memory) {
        unchecked {
            // LAYERS
            uint256 layers = shape.steps.length;
            uint256[] memory drawn = new uint256[](layers);
            for (uint256 k = 0; k < layers; ++k) {
                bytes memory root = HeaderOf.slice(header.encoded, header.layerRoots + 32 * k, 32);
                state = Transcript.observe(state, "FRI layer root", root);
                (drawn[k], state) = HeaderOf.draw(state, "FRI fold");
            }

            // FINAL POLYNOMIAL
            uint256 length = shape.finalLength;
            bytes memory encoded =
                HeaderOf.slice(header.encoded, header.finalValues, EXTENSION_BYTES * length);
            state = Transcript.observe(state, "FRI final polynomial", encoded);
            uint256[] memory coefficients = new uint256[](length);
            for (uint256 k = 0; k < length; ++k) {
                coefficients[k] = Field.canonical(HeaderOf.element(encoded, EXTENSION_BYTES * k));
            }

            // INDICES
            uint256 bits = config.number(Machine.QUERY_GRINDING);
            state = Transcript.checkGrinding(state, "FRI queries", bits, header.queryNonce);
            uint256 queries = config.number(Machine.QUERY_COUNT);
            bytes memory queue = Queue.draw(state, queries, shape.logSizes[0]);

            return bytes.concat(
                bytes32(shape.heights),
                header.mainRoot,
                header.lookupRoot,
                header.quotientRoot,
                bytes32(z),
                bytes32(lambda),
                HeaderOf.slice(header.encoded, header.layerRoots, 32 * layers),
                abi.encodePacked(drawn),
                abi.encodePacked(coefficients),
                _flat(sizes),
                queue
            );
        }
    }

    /// @notice Offset of the challenges of FRI's layers.
    function betas(Shape memory shape) internal pure returns (uint256) {
        unchecked {
            return LAYER_ROOTS + 32 * shape.steps.length;
        }
    }

    function finalPolynomial(Shape memory shape) internal pure returns (uint256) {
        unchecked {
            return LAYER_ROOTS + 64 * shape.steps.length;
        }
    }

    /// @notice Offset of the claims about each size.
    function claims(Shape memory shape) internal pure returns (uint256) {
        unchecked {
            return finalPolynomial(shape) + 32 * shape.finalLength;
        }
    }

    function keys(Shape memory shape) internal pure returns (uint256) {
        unchecked {
            return claims(shape) + 96 * shape.logSizes.length;
        }
    }

    function _flat(Claim[] memory sizes) private pure returns (bytes memory flat) {
        unchecked {
            uint256[] memory words = new uint256[](3 * sizes.length);
            for (uint256 s = 0; s < sizes.length; ++s) {
                words[3 * s] = Field.canonical(sizes[s].here);
                words[3 * s + 1] = Field.canonical(sizes[s].following);
                words[3 * s + 2] = Field.canonical(sizes[s].shift);
            }
            return abi.encodePacked(words);
        }
    }
}
