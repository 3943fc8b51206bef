"""From a ledger genesis to the constants and first state that an engine starts with."""

from execution.types import Address, ChainSpec, GenesisAccount
from ledger.genesis import ChainGenesis, Genesis, GenesisAllocation, StorageSlot
from ledger.types import ChainRole, EvmAddress


def chain_spec(genesis: Genesis, role: ChainRole) -> ChainSpec:
    """Engine constants of one of the chains."""
    chain = genesis.chain(role)
    return ChainSpec(
        chain_id=chain.chain_id,
        gas_limit=chain.gas_limit,
        genesis_timestamp_seconds=genesis.timestamp_ms // 1000,
        alloc=genesis_accounts(chain),
        initial_base_fee_wei=chain.initial_base_fee_wei,
        is_base_fee_zero=chain.is_base_fee_zero,
        is_metered=role is ChainRole.ZK,
    )


def genesis_accounts(chain: ChainGenesis) -> dict[Address, GenesisAccount]:
    """First state of a chain."""
    return {
        Address(allocation.address): GenesisAccount(
            balance_wei=allocation.balance_wei,
            nonce=allocation.nonce,
            code=allocation.code,
            storage={entry.slot: entry.value for entry in allocation.storage},
        )
        for allocation in chain.allocations
    }


def allocation(address: Address, account: GenesisAccount) -> GenesisAllocation:
    """One account as a genesis file lists it, its slots in ascending order."""
    return GenesisAllocation(
        address=EvmAddress(address),
        balance_wei=account.balance_wei,
        nonce=account.nonce,
        code=account.code,
        storage=tuple(StorageSlot(slot, value) for slot, value in sorted(account.storage.items())),
    )
