// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Bytes kept as the code of a contract: cheaper to read than storage.
/// @notice The code is a zero byte and then the data. Zero is STOP: nobody can run it.
library DataContract {
    uint256 internal constant MOST_BYTES = 24_575;

    /// @notice The contract could not be made: too long, or no gas.
    error DataNotWritten();
    /// @notice There is no data at the address.
    error NoData(address place);

    function write(bytes memory data) internal returns (address place) {
        // PUSH4 length, DUP1, PUSH1 12, PUSH0, CODECOPY, PUSH0, RETURN; then the code
        uint32 length = uint32(data.length + 1);
        bytes memory creation =
            abi.encodePacked(hex"63", length, hex"80600c5f395ff3", bytes1(0), data);
        assembly ("memory-safe") {
            place := create(0, add(creation, 32), mload(creation))
        }
        if (place == address(0)) revert DataNotWritten();
    }

    /// @notice Whether there is code at the address that nobody can run: it stays for ever.
    function isData(address place) internal view returns (bool) {
        bytes memory first = new bytes(1);
        assembly ("memory-safe") {
            extcodecopy(place, add(first, 32), 0, 1)
        }
        return place.code.length != 0 && first[0] == 0;
    }

    function read(address place) internal view returns (bytes memory data) {
        uint256 size = place.code.length;
        if (size == 0) revert NoData(place);
        unchecked {
            data = new bytes(size - 1);
        }
        assembly ("memory-safe") {
            extcodecopy(place, add(data, 32), 1, sub(size, 1))
        }
    }
}
