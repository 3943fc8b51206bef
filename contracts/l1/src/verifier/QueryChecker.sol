// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {DataContract} from "./DataContract.sol";
import {Queries} from "./Queries.sol";

/// @title The part of the verifier that checks queries, in a contract of its own for its size.
/// @notice It has no state. `StarkVerifier` makes it, and says which data it is to believe.
contract QueryChecker {
    /// @notice Check queries from `first` on, as many as there are.
    /// @param description Data contract with the key's description.
    /// @param context Data contract with what the session's queries need.
    /// @return next The first query that was not checked.
    function check(address description, address context, uint256 first, bytes calldata queries)
        external
        view
        returns (uint256 next)
    {
        uint256 start;
        assembly ("memory-safe") {
            start := queries.offset
        }
        return Queries.check(
            DataContract.read(description),
            DataContract.read(context),
            first,
            start,
            start + queries.length
        );
    }
}
