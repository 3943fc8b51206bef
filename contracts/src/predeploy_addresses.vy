# pragma version 0.4.3
"""
@title Where the protocol's own contracts live
@license Apache-2.0
@notice Every predeploy has no constructor and no immutables, so these addresses are compiled in.
        `contracts/addresses.py` holds the same values and a test compares the two.
"""

# Sender of every system transaction (EIP-4788 and EIP-2935 use the same address).
SYSTEM: constant(address) = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE

# `Portal`, on both chains.
PORTAL: constant(address) = 0x4200000000000000000000000000000000000001

# `RoundGuard`, on the ZK chain.
ROUND_GUARD: constant(address) = 0x4200000000000000000000000000000000000002

# `OwnershipOracle`, on the fast chain.
OWNERSHIP_ORACLE: constant(address) = 0x4200000000000000000000000000000000000003

# `BridgedTokens`, on both chains.
BRIDGED_TOKENS: constant(address) = 0x4200000000000000000000000000000000000004
