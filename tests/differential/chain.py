"""A small chain on both engines, for tests that state what has to happen."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from execution.types import (
    Address,
    BlockInput,
    BlockOutput,
    ChainSpec,
    GenesisAccount,
    Hash32,
    Receipt,
    SystemTransaction,
)
from tests.differential.compare import Engines
from tests.differential.signing import Fields, Key, make_key, sign

CHAIN_ID: Final = 4242
ETHER: Final = 10**18
GWEI: Final = 10**9
COINBASE: Final = Address(b"\xcb" * 20)
GAS_LIMIT: Final = 30_000_000

ALICE: Final = make_key(1)
BOB: Final = make_key(2)


def contract_address(number: int) -> Address:
    """Where a test's genesis contracts live."""
    return Address(bytes([0xC0 + number]) * 20)


class Chain:
    """Alice and Bob are rich; ``contracts`` are at :func:`contract_address` 0, 1, ..."""

    def __init__(
        self,
        *contracts: bytes,
        alloc: Mapping[Address, GenesisAccount] | None = None,
        is_base_fee_zero: bool = True,
        is_metered: bool = False,
    ) -> None:
        accounts = {key.address: GenesisAccount(balance_wei=100 * ETHER) for key in (ALICE, BOB)}
        for number, code in enumerate(contracts):
            accounts[contract_address(number)] = GenesisAccount(nonce=1, code=code)
        accounts.update(alloc or {})
        self.spec = ChainSpec(
            chain_id=CHAIN_ID,
            gas_limit=GAS_LIMIT,
            genesis_timestamp_seconds=1_700_000_000,
            alloc=accounts,
            is_base_fee_zero=is_base_fee_zero,
            is_metered=is_metered,
        )
        self.engines = Engines(self.spec)
        self.number = 0
        self.system_count = 0

    def execute(
        self,
        *transactions: bytes,
        system: Sequence[SystemTransaction] = (),
        gas_limit: int = GAS_LIMIT,
    ) -> BlockOutput:
        """One block on both engines."""
        self.number += 1
        block = BlockInput(
            number=self.number,
            timestamp_seconds=1_700_000_000 + self.number,
            prev_randao=Hash32(self.number.to_bytes(32, "big")),
            coinbase=COINBASE,
            gas_limit=gas_limit,
            system_transactions=tuple(system),
            transactions=transactions,
            senders=(None,) * len(transactions),
        )
        return self.engines.execute(block, "block")

    def nonce(self, key: Key) -> int:
        """Nonce of an account after the last block."""
        return self.engines.reference.account(key.address).nonce

    def send(self, key: Key, to: bytes, **fields: Any) -> Receipt:
        """One transaction in a block of its own."""
        output = self.execute(self.sign(key, to, **fields))
        assert not output.skipped, output.skipped
        return output.receipts[-1]

    def sign(self, key: Key, to: bytes, **fields: Any) -> bytes:
        """A signed transaction with the account's next nonce and some defaults."""
        defaults: dict[str, Any] = {
            "kind": 2,
            "chain_id": CHAIN_ID,
            "nonce": self.nonce(key),
            "gas_limit": 1_000_000,
            "max_fee_wei": 10 * GWEI,
            "tip_wei": 0,
            "to": to,
        }
        return sign(key, Fields(**(defaults | fields)))

    def storage(self, address: Address, slot: int) -> int:
        """A slot, which has to be the same on both engines."""
        value = self.engines.reference.storage(address, slot)
        assert self.engines.wasm.storage_at(address, slot) == value
        return value

    def code(self, address: Address) -> bytes:
        """Code of an account after the last block."""
        return self.engines.wasm.code(address)
