# pragma version 0.4.3
"""
@title What the contracts on L1 know of the ZK chain and the ledger
@license Apache-2.0
@notice A test compares these values with `contracts/` and `ledger/`.
"""

# @dev Predeploys of the ZK chain, by `predeploy_addresses.vy`.
PORTAL: constant(address) = 0x4200000000000000000000000000000000000001
BRIDGED_TOKENS: constant(address) = 0x4200000000000000000000000000000000000004

# @dev Target that marks a queue entry as a forced transaction.
FORCED_TRANSACTION: constant(address) = 0x4200000000000000000000000000000000000005

# @dev Sender of system transactions, which no message may call.
SYSTEM: constant(address) = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE

# @dev Storage slot of the ZK Portal's `withdrawals`.
WITHDRAWALS_SLOT: constant(uint256) = 2

# @dev Storage slots of the `BridgedTokens` predeploy: owner of a token, and who locked it.
TOKEN_OWNER_SLOT: constant(uint256) = 0
TOKEN_LOCKED_BY_SLOT: constant(uint256) = 4
