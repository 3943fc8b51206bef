"""A chain on the product's own engine (revm), to call contracts on by real transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from contracts.compiled import Artifact
from contracts.l1.deployment import init_code
from execution.engine import WasmEngine
from execution.types import (
    Address,
    BlockInput,
    BlockOutput,
    CallRequest,
    ChainSpec,
    GenesisAccount,
    Hash32,
    Log,
    SystemTransaction,
)
from ledger.hashing import keccak
from tests.support.contract_abi import decode_events, decode_output, encode_call, revert_text

ETHER = 10**18
START_SECONDS = 1_700_000_000
BLOCK_GAS = 60_000_000
MOST_TRANSACTION_GAS = 1 << 24
"""EIP-7825: no transaction on L1 may have more."""


class Key:
    """A named account of both chains."""

    def __init__(self, name: str) -> None:
        self.account: LocalAccount = Account.from_key(keccak(name.encode()))
        self.address = Address(bytes.fromhex(self.account.address[2:]))

    def sign_digest(self, digest: bytes) -> bytes:
        """Signature over a digest as ``r || s || v``."""
        return bytes(self.account.unsafe_sign_hash(digest).signature)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one transaction ended; ``output`` is what the call returned, or its revert data."""

    is_success: bool
    output: bytes
    gas_used: int
    logs: tuple[Log, ...]
    created: Address | None

    @property
    def reason(self) -> str:
        """The text that it reverted with."""
        return revert_text(self.output) or self.output.hex()


class EngineChain:
    """A chain whose every transaction has a block of its own, at ``now_seconds``."""

    def __init__(self, chain_id: int, alloc: dict[Address, GenesisAccount]) -> None:
        self.spec = ChainSpec(chain_id, BLOCK_GAS, START_SECONDS, alloc, is_base_fee_zero=True)
        self.engine = WasmEngine(self.spec)
        self.now_seconds = START_SECONDS
        self.executed: list[tuple[BlockInput, BlockOutput]] = []
        self._nonces: dict[Address, int] = {}

    def pass_time(self, seconds: int) -> None:
        """Let time pass: an empty block, later."""
        self.now_seconds += seconds
        self.block([])

    def next_nonce(self, key: Key) -> int:
        """Nonce of an account's next transaction."""
        return self._nonces.get(key.address, 0)

    def sign(
        self,
        key: Key,
        to: Address | None,
        data: bytes = b"",
        value_wei: int = 0,
        gas: int = MOST_TRANSACTION_GAS,
    ) -> bytes:
        """Raw transaction with the account's next nonce."""
        nonce = self.next_nonce(key)
        self._nonces[key.address] = nonce + 1
        signed = key.account.sign_transaction(
            {
                "chainId": self.spec.chain_id,
                "nonce": nonce,
                "gas": gas,
                "maxFeePerGas": 0,
                "maxPriorityFeePerGas": 0,
                "to": to or b"",
                "value": value_wei,
                "data": data,
            }
        )
        return bytes(signed.raw_transaction)

    def next_block(
        self, transactions: Sequence[bytes], system: Sequence[SystemTransaction] = ()
    ) -> BlockInput:
        """The block with these transactions, not executed yet."""
        number = self.engine.head_number + 1
        return BlockInput(
            number=number,
            timestamp_seconds=self.now_seconds,
            prev_randao=Hash32(keccak(number.to_bytes(8))),
            coinbase=Address(bytes(20)),
            gas_limit=BLOCK_GAS,
            system_transactions=tuple(system),
            transactions=tuple(transactions),
            senders=(None,) * len(transactions),
        )

    def block(self, transactions: Sequence[bytes]) -> list[bool]:
        """Execute a block; which of its transactions succeeded."""
        output = self.execute(self.next_block(transactions))
        return [receipt.is_success for receipt in output.receipts]

    def execute(self, block: BlockInput) -> BlockOutput:
        """Execute a block, in which every transaction is valid."""
        output = self.engine.execute(block)
        assert output.skipped == ()
        self.executed.append((block, output))
        return output

    def transact(
        self, key: Key, to: Address | None, data: bytes = b"", value_wei: int = 0
    ) -> Outcome:
        """Send a transaction in a block of its own; a revert is an outcome like others."""
        if self.engine.head_number == 0:
            self.block([])
        request = CallRequest(key.address, to, data, value_wei, MOST_TRANSACTION_GAS)
        foreseen = self.engine.call(request)
        output = self.execute(self.next_block([self.sign(key, to, data, value_wei)]))
        (receipt,) = output.receipts
        assert receipt.is_success == foreseen.is_success
        return Outcome(
            is_success=receipt.is_success,
            output=foreseen.output,
            gas_used=receipt.gas_used,
            logs=receipt.logs,
            created=receipt.contract_address,
        )

    def deploy(
        self, key: Key, compiled: Artifact, *arguments: Any, value_wei: int = 0
    ) -> DeployedContract:
        """Deploy a compiled contract."""
        outcome = self.transact(key, None, init_code(compiled, *arguments), value_wei)
        assert outcome.is_success, outcome.reason
        assert outcome.created is not None
        return DeployedContract(self, compiled, outcome.created)

    def balance_wei(self, address: Address) -> int:
        """Balance of an account."""
        (state,) = self.engine.accounts([address])
        return state.balance_wei


@dataclass(frozen=True, slots=True)
class DeployedContract:
    """A contract of a chain, called by the names of its ABI."""

    chain: EngineChain
    compiled: Artifact
    address: Address

    def encode_call(self, function: str, *arguments: Any) -> bytes:
        """Call data of one call."""
        return encode_call(self.compiled.abi, function, *arguments)

    def transact(self, key: Key, function: str, *arguments: Any, value_wei: int = 0) -> Outcome:
        """Send a transaction that calls the contract."""
        data = self.encode_call(function, *arguments)
        return self.chain.transact(key, self.address, data, value_wei)

    def must(self, key: Key, function: str, *arguments: Any, value_wei: int = 0) -> Outcome:
        """Send a transaction that has to succeed."""
        outcome = self.transact(key, function, *arguments, value_wei=value_wei)
        assert outcome.is_success, outcome.reason
        return outcome

    def refusal(self, key: Key, function: str, *arguments: Any, value_wei: int = 0) -> str:
        """Send a transaction that has to revert; what it reverts with."""
        outcome = self.transact(key, function, *arguments, value_wei=value_wei)
        assert not outcome.is_success
        return outcome.reason

    def view(self, function: str, *arguments: Any) -> Any:
        """What a view returns: its only value, or the tuple of them."""
        data = self.encode_call(function, *arguments)
        result = self.chain.engine.call(CallRequest(Address(bytes(20)), self.address, data))
        assert result.is_success, result.output
        return decode_output(self.compiled.abi, function, len(arguments), result.output)

    def events(self, outcome: Outcome, name: str) -> list[dict[str, Any]]:
        """Decoded logs of one event of this contract."""
        ours = (log for log in outcome.logs if log.address == self.address)
        return decode_events(self.compiled.abi, name, ours)
