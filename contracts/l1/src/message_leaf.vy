# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title The bytes that a queue entry is hashed by
@license Apache-2.0
@notice The leaf of `bridge/outbox.py`, for a message whose source chain is this one.
"""

# @dev Longest `data` of an entry, in bytes: the bound of the ZK chain's Portal.
MAX_DATA_BYTES: constant(uint256) = 8192

# @dev The data and the 96 bytes of the other fields.
MAX_LEAF_BYTES: constant(uint256) = 8288


@internal
@view
def _leaf_hash(
    nonce: uint256,
    sender: address,
    target: address,
    value_wei: uint256,
    gas_limit: uint256,
    data: Bytes[MAX_DATA_BYTES],
) -> bytes32:
    """
    @dev Returns keccak256 of `abi.encodePacked(uint64 L1 chain id, uint64 nonce, address sender,
         address target, uint256 value, uint64 gas limit, bytes data)`.
    """
    leaf: Bytes[MAX_LEAF_BYTES] = concat(
        self._uint64(chain.id),
        self._uint64(nonce),
        convert(sender, bytes20),
        convert(target, bytes20),
        convert(value_wei, bytes32),
        self._uint64(gas_limit),
        data,
    )
    return keccak256(leaf)


@internal
@pure
def _uint64(number: uint256) -> bytes8:
    """
    @dev Returns the eight big-endian bytes of a number below 2**64.
    """
    return convert(convert(number, uint64), bytes8)
