"""A chain on the wasm engine alone, with two rich accounts and contracts of the test."""

from collections.abc import Sequence
from typing import Any, Final

from execution.engine import WasmEngine
from execution.types import (
    Address,
    BlockInput,
    BlockOutput,
    ChainSpec,
    GenesisAccount,
    Hash32,
    SystemTransaction,
)
from tests.differential.signing import Fields, Key, make_key, sign

CHAIN_ID: Final = 7
ETHER: Final = 10**18
GWEI: Final = 10**9
GAS_LIMIT: Final = 30_000_000
INITIAL_BASE_FEE_WEI: Final = GWEI
BASE_FEE_OF_BLOCK_1_WEI: Final = 875_000_000
"""An empty genesis block lowers the fee by an eighth (EIP-1559)."""

COINBASE: Final = Address(b"\xc0" * 20)
STRANGER: Final = Address(b"\x55" * 20)
ALICE: Final = make_key(1)
BOB: Final = make_key(2)


def contract_address(number: int) -> Address:
    """Where contract ``number`` of the genesis state lives."""
    return Address(b"\xcc" * 19 + bytes([number]))


def make_spec(*contracts: bytes, **changes: Any) -> ChainSpec:
    alloc = {key.address: GenesisAccount(balance_wei=100 * ETHER) for key in (ALICE, BOB)}
    for number, code in enumerate(contracts):
        alloc[contract_address(number)] = GenesisAccount(nonce=1, code=code)
    parameters: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "gas_limit": GAS_LIMIT,
        "genesis_timestamp_seconds": 1_000,
        "alloc": alloc,
    }
    return ChainSpec(**(parameters | changes))


def transaction(key: Key = ALICE, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "kind": 2,
        "chain_id": CHAIN_ID,
        "nonce": 0,
        "gas_limit": 100_000,
        "to": STRANGER,
        "max_fee_wei": 10 * GWEI,
        "tip_wei": 3,
    }
    return sign(key, Fields(**(fields | changes)))


def block_input(
    number: int,
    transactions: Sequence[bytes] = (),
    system_transactions: Sequence[SystemTransaction] = (),
    **changes: Any,
) -> BlockInput:
    parameters: dict[str, Any] = {
        "number": number,
        "timestamp_seconds": 1_000 + number,
        "prev_randao": Hash32(number.to_bytes(32, "big")),
        "coinbase": COINBASE,
        "gas_limit": GAS_LIMIT,
        "system_transactions": tuple(system_transactions),
        "transactions": tuple(transactions),
        "senders": (None,) * len(transactions),
    }
    return BlockInput(**(parameters | changes))


def execute(engine: WasmEngine, *transactions: bytes, **changes: Any) -> BlockOutput:
    """Execute the next block of an engine."""
    return engine.execute(block_input(engine.head_number + 1, transactions, **changes))


def balance(engine: WasmEngine, address: Address, number: int | None = None) -> int:
    (state,) = engine.accounts([address], number)
    return state.balance_wei
