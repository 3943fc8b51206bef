"""Where the protocol's own contracts live; ``src/predeploy_addresses.vy`` says the same."""

from typing import Final

from execution.types import Address
from ledger import crossing

PORTAL_ADDRESS: Final = Address(bytes.fromhex("4200000000000000000000000000000000000001"))
"""``Portal``, on both chains."""

ROUND_GUARD_ADDRESS: Final = Address(bytes.fromhex("4200000000000000000000000000000000000002"))
"""``RoundGuard``, on the ZK chain."""

OWNERSHIP_ORACLE_ADDRESS: Final = Address(bytes.fromhex("4200000000000000000000000000000000000003"))
"""``OwnershipOracle``, on the fast chain."""

BRIDGED_TOKENS_ADDRESS: Final = Address(bytes.fromhex("4200000000000000000000000000000000000004"))
"""``BridgedTokens``, on both chains."""

FORCED_TRANSACTION_ADDRESS: Final = Address(crossing.FORCED_TRANSACTION_ADDRESS)
"""Target of an entry of L1's queue that is a forced transaction; no code is there."""
