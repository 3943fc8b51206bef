// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {P} from "./Field.sol";

/// @title Fiat-Shamir: challenges that depend on everything said before them.
/// @notice The state is a chain of SHA-256 digests, as in proving/transcript.py. Every hash starts
/// with a 4-byte tag of its purpose; every message and challenge has a label.
library Transcript {
    uint32 private constant OBSERVE = 4;
    uint32 private constant SAMPLE = 5;
    uint32 private constant AFTER = 6;
    uint32 private constant GRIND = 7;

    /// @notice A nonce without the proof of work that its label asks for.
    error GrindingFailed(string label);

    /// @notice Bind all later challenges to `data`.
    function observe(bytes32 state, string memory label, bytes memory data)
        internal
        pure
        returns (bytes32)
    {
        return sha256(
            abi.encodePacked(
                OBSERVE, state, uint32(bytes(label).length), label, uint64(data.length), data
            )
        );
    }

    /// @notice A challenge of 32 bytes, and the state after it.
    function sample(bytes32 state, string memory label)
        internal
        pure
        returns (bytes32 digest, bytes32 next)
    {
        digest = sha256(abi.encodePacked(SAMPLE, state, uint32(bytes(label).length), label));
        next = sha256(abi.encodePacked(AFTER, digest));
    }

    /// @notice A challenge from the extension field, canonical lanes that are the element's
    /// Montgomery form times 2^-48: the caller brings it there.
    function sampleExtension(bytes32 state, string memory label)
        internal
        pure
        returns (uint256 plain, bytes32 next)
    {
        bytes32 digest;
        (digest, next) = sample(state, label);
        // eight bytes to a coordinate, the lowest coordinate first
        plain = (uint256(digest) >> 192) % P;
        plain |= ((uint256(digest) >> 128) & type(uint64).max) % P << 64;
        plain |= ((uint256(digest) >> 64) & type(uint64).max) % P << 128;
        plain |= (uint256(digest) & type(uint64).max) % P << 192;
    }

    /// @notice Check the proof of work of a nonce and bind to it.
    /// @param bits Leading zero bits that its hash must have.
    function checkGrinding(bytes32 state, string memory label, uint256 bits, uint64 nonce)
        internal
        pure
        returns (bytes32)
    {
        bytes32 digest = sha256(abi.encodePacked(GRIND, state, nonce));
        if (uint256(digest) >> (256 - bits) != 0) revert GrindingFailed(label);
        return observe(state, label, abi.encodePacked(nonce));
    }
}
