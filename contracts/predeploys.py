"""Genesis accounts of the protocol's own contracts.

Predeploys have no constructor: their initial state is written into the
genesis storage, at the slots that the compiler laid out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from contracts.addresses import (
    BRIDGED_TOKENS_ADDRESS,
    OWNERSHIP_ORACLE_ADDRESS,
    PORTAL_ADDRESS,
    ROUND_GUARD_ADDRESS,
)
from contracts.compiled import artifact
from contracts.errors import GenesisError
from execution.types import Address, GenesisAccount

FAST_LIQUIDITY_WEI: Final = 2**120
"""Genesis balance of the fast chain's Portal: far above all ETH there is, so never empty."""

L1_RESERVE_WEI: Final = 2**120
"""What the ZK chain's Portal holds beside ``locked_wei`` where there is an L1: it stands for ETH
that is on L1, pays deposits out and takes withdrawals in. Far above all ETH there is."""

NO_ROLLUP: Final = Address(bytes(20))

DEFAULT_MAX_TOTAL_EXPOSURE_WEI: Final = 1_000 * 10**18
"""Limit of the sum of open rounds' exposures, unless genesis says another."""

_MAX_UINT256: Final = 2**256 - 1


@dataclass(frozen=True, slots=True)
class GenesisStorage:
    """Values of a predeploy's variables at genesis, by name in its storage layout."""

    contract: str
    values: dict[str, int]

    def account(self, balance_wei: int = 0) -> GenesisAccount:
        """Return the predeploy's genesis account.

        Raises
        ------
        GenesisError
            The contract has immutables, lacks a variable, or a value does not fit its slot.

        """
        compiled = artifact(self.contract)
        if compiled.has_immutables:
            raise GenesisError(f"{self.contract} has immutables, which genesis cannot set")
        storage = {}
        for name, value in self.values.items():
            if name not in compiled.storage_layout:
                raise GenesisError(f"{self.contract} has no variable {name}")
            if not 0 <= value <= _MAX_UINT256:
                raise GenesisError(f"{self.contract}.{name}: expected 256 bits, got {value}")
            if value:
                storage[compiled.storage_layout[name]] = value
        return GenesisAccount(
            balance_wei=balance_wei, nonce=1, code=compiled.runtime_bytecode, storage=storage
        )


def zk_predeploys(
    fast_chain_id: int,
    fast_accounts: Iterable[GenesisAccount] = (),
    max_total_exposure_wei: int = DEFAULT_MAX_TOTAL_EXPOSURE_WEI,
    l1_chain_id: int = 0,
    rollup: Address = NO_ROLLUP,
) -> dict[Address, GenesisAccount]:
    """Return the predeploys of the ZK chain.

    Parameters
    ----------
    fast_chain_id
        Chain id of the fast chain.
    fast_accounts
        The fast chain's funded genesis accounts, without its predeploys. Their
        balances are backed: the ZK Portal starts with their sum locked.
    max_total_exposure_wei
        Limit of the sum of open rounds' exposures.
    l1_chain_id
        Chain id of the L1 that the chain settles on; 0 for none.
    rollup
        The ``Rollup`` there; zero where there is no L1.

    Raises
    ------
    GenesisError
        A value does not fit its slot, or only one of L1 and Rollup is named.

    """
    if (l1_chain_id != 0) != (rollup != NO_ROLLUP):
        raise GenesisError("expected both a chain id of L1 and a Rollup there, or neither")
    locked_wei = sum(account.balance_wei for account in fast_accounts)
    portal = GenesisStorage(
        "Portal",
        {
            "remote_chain_id": fast_chain_id,
            "is_asset_side": 1,
            "locked_wei": locked_wei,
            "l1_withdrawals.l1_chain_id": l1_chain_id,
        },
    )
    tokens = GenesisStorage("BridgedTokens", {"rollup": int.from_bytes(rollup)})
    reserve_wei = L1_RESERVE_WEI if l1_chain_id else 0
    guard = GenesisStorage(
        "RoundGuard", {"round_caps.max_total_exposure_wei": max_total_exposure_wei}
    )
    return {
        PORTAL_ADDRESS: portal.account(balance_wei=locked_wei + reserve_wei),
        ROUND_GUARD_ADDRESS: guard.account(),
        BRIDGED_TOKENS_ADDRESS: tokens.account(),
    }


def fast_predeploys(zk_chain_id: int) -> dict[Address, GenesisAccount]:
    """Return the predeploys of the fast chain.

    Parameters
    ----------
    zk_chain_id
        Chain id of the ZK chain.

    Raises
    ------
    GenesisError
        A value does not fit its slot.

    """
    portal = GenesisStorage("Portal", {"remote_chain_id": zk_chain_id})
    oracle = GenesisStorage("OwnershipOracle", {})
    return {
        PORTAL_ADDRESS: portal.account(balance_wei=FAST_LIQUIDITY_WEI),
        OWNERSHIP_ORACLE_ADDRESS: oracle.account(),
        BRIDGED_TOKENS_ADDRESS: GenesisStorage("BridgedTokens", {}).account(),
    }
