"""What founders of a network agree on beside their keys, and the genesis that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.predeploys import DEFAULT_MAX_TOTAL_EXPOSURE_WEI, fast_predeploys, zk_predeploys
from execution.genesis import allocation
from execution.types import Address, GenesisAccount
from ledger.genesis import (
    NO_L1,
    PROTOCOL_VERSION,
    ChainGenesis,
    Genesis,
    GenesisValidator,
    L1Anchor,
    Timing,
)
from ledger.types import ChainId, ChainRole, Epoch, TimestampMs

GAS_LIMIT: Final = 60_000_000
INITIAL_BASE_FEE_WEI: Final = 10**9
FAST_CHECKPOINT_INTERVAL_BLOCKS: Final = 32


@dataclass(frozen=True, slots=True)
class ChainTerms:
    """One chain: its id, and who has how much at the start."""

    chain_id: ChainId
    balances_wei: Mapping[Address, int]
    gas_limit: int = GAS_LIMIT


@dataclass(frozen=True, slots=True)
class NetworkTerms:
    """Everything in a genesis but validators and time.

    What is on the fast chain at the start is backed: the ZK chain's Portal starts with as much
    locked.
    """

    network: str
    zk: ChainTerms
    fast: ChainTerms
    timing: Timing
    max_total_exposure_wei: int = DEFAULT_MAX_TOTAL_EXPOSURE_WEI
    l1: L1Anchor = NO_L1


def build_genesis(
    terms: NetworkTerms, validators: tuple[GenesisValidator, ...], timestamp_ms: TimestampMs
) -> Genesis:
    """The genesis of these validators under these terms; not checked yet."""
    fast = _funded(terms.fast)
    zk = _funded(terms.zk) | zk_predeploys(
        terms.fast.chain_id,
        fast.values(),
        terms.max_total_exposure_wei,
        l1_chain_id=terms.l1.chain_id,
        rollup=Address(terms.l1.rollup),
    )
    fast |= fast_predeploys(terms.zk.chain_id)
    return Genesis(
        network=terms.network,
        protocol_version=PROTOCOL_VERSION,
        epoch=Epoch(0),
        timestamp_ms=timestamp_ms,
        validators=validators,
        timing=terms.timing,
        chains=(
            _chain(ChainRole.ZK, terms.zk, False, 1, zk),
            _chain(ChainRole.FAST, terms.fast, True, FAST_CHECKPOINT_INTERVAL_BLOCKS, fast),
        ),
        l1=terms.l1,
    )


def _funded(chain: ChainTerms) -> dict[Address, GenesisAccount]:
    return {address: GenesisAccount(wei) for address, wei in chain.balances_wei.items()}


def _chain(
    role: ChainRole,
    terms: ChainTerms,
    is_base_fee_zero: bool,
    checkpoint_interval_blocks: int,
    accounts: dict[Address, GenesisAccount],
) -> ChainGenesis:
    return ChainGenesis(
        role=role,
        chain_id=terms.chain_id,
        gas_limit=terms.gas_limit,
        is_base_fee_zero=is_base_fee_zero,
        initial_base_fee_wei=0 if is_base_fee_zero else INITIAL_BASE_FEE_WEI,
        checkpoint_interval_blocks=checkpoint_interval_blocks,
        allocations=tuple(
            allocation(address, account) for address, account in sorted(accounts.items())
        ),
    )
