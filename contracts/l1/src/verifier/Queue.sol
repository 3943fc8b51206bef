// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Transcript} from "./Transcript.sol";

/// @title The query indices, in the order in which they are checked.
/// @notice An index is kept as its bits in reverse, so that neighbours share the upper parts of
/// their Merkle paths: node i of a layer of 2^l nodes is on the path of every index that is i
/// modulo 2^l.
library Queue {
    uint256 internal constant KEY_BYTES = 4;

    /// @notice Draw the indices and sort them.
    /// @return keys 4 bytes each, ascending; equal indices appear as often as they were drawn.
    function draw(bytes32 state, uint256 count, uint256 logSize)
        internal
        pure
        returns (bytes memory keys)
    {
        unchecked {
            keys = new bytes(KEY_BYTES * count + 32);
            bytes32 digest;
            for (uint256 drawn = 0; drawn < count; ++drawn) {
                (digest, state) = Transcript.sample(state, "FRI query");
                uint256 index = (uint256(digest) >> 192) & ((1 << logSize) - 1);
                _insert(keys, drawn, reverse(index, logSize));
            }
            assembly ("memory-safe") {
                mstore(keys, mul(KEY_BYTES, count))
            }
        }
    }

    /// @notice The bits of a number below 2^count in reverse.
    function reverse(uint256 number, uint256 count) internal pure returns (uint256 reversed) {
        unchecked {
            for (; count != 0; --count) {
                reversed = (reversed << 1) | (number & 1);
                number >>= 1;
            }
        }
    }

    /// @notice How many low bits two indices have in common, from their keys.
    /// @return count `logSize` if they are equal.
    function sharedBits(uint256 key, uint256 other, uint256 logSize)
        internal
        pure
        returns (uint256 count)
    {
        unchecked {
            count = logSize;
            for (uint256 difference = key ^ other; difference != 0; difference >>= 1) --count;
        }
    }

    function keyAt(bytes memory keys, uint256 start, uint256 position)
        internal
        pure
        returns (uint256 key)
    {
        assembly ("memory-safe") {
            key := shr(224, mload(add(add(keys, 32), add(start, mul(KEY_BYTES, position)))))
        }
    }

    /// @dev Insert behind all keys that are not greater.
    function _insert(bytes memory keys, uint256 count, uint256 key) private pure {
        unchecked {
            uint256 low;
            uint256 high = count;
            while (low < high) {
                uint256 middle = (low + high) / 2;
                if (keyAt(keys, 0, middle) > key) high = middle;
                else low = middle + 1;
            }
            assembly ("memory-safe") {
                let cursor := add(add(keys, 32), mul(KEY_BYTES, low))
                mcopy(add(cursor, KEY_BYTES), cursor, mul(KEY_BYTES, sub(count, low)))
                mstore(cursor, or(shl(224, key), shr(32, shl(32, mload(cursor)))))
            }
        }
    }
}
