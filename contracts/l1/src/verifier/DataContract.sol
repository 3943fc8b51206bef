// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Bytes kept as the code of a contract: cheaper to read than storage.
/// @notice The code is a zero byte and then the data. Zero is STOP: nobody can run it.
library DataContract {
    uint256 internal constant MOST_BYTES = 24_575;

    /// @notice The contract could not be made: too long, or no gas.
    error DataNotWritten();
    /// @notice There is no data at the address.
    error NoData(address cursor);

    function write(bytes memory data) internal returns (address cursor) {
        // PUSH4 length, DUP1, PUSH1 12, PUSH0, CODECOPY, PUSH0, RETURN; then the code
        uint32 length = uint32(data.length + 1);
        bytes memory creation =
            abi.encodePacked(hex"63", length, hex"80600c5f395ff3", bytes1(0), data);
        assembly ("memory-safe") {
            cursor := create(0, add(creation, 32), mload(creation))
        }
        if (cursor == address(0)) revert DataNotWritten();
    }

    function read(address cursor) internal view returns (bytes memory data) {
        uint256 size = cursor.code.length;
        if (size == 0) revert NoData(cursor);
        unchecked {
            data = new bytes(size - 1);
        }
        assembly ("memory-safe") {
            extcodecopy(cursor, add(data, 32), 1, sub(size, 1))
        }
    }
}
