"""A verifier on a chain of our own: what its calls do and cost, before they are sent to L1.

The chain is the product's engine (revm). Transactions are signed and sent whole, so gas includes
what a transaction costs by itself, and EIP-7623's floor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from contracts.verifier.artifact import verifier_artifact
from contracts.verifier.calls import Call, Session
from contracts.verifier.deployment import plan_deployment
from contracts.verifier.progress import Progress, is_verified_call, progress_call, read_progress
from execution.engine import WasmEngine
from execution.types import (
    Address,
    BlockInput,
    CallRequest,
    ChainSpec,
    GenesisAccount,
    Hash32,
    Receipt,
)
from ledger.hashing import keccak
from proving.stark.keys import VerifyingKey

MOST_TRANSACTION_GAS: Final = 1 << 24
"""EIP-7825."""
_CHAIN_ID: Final = 1
_BLOCK_GAS: Final = 60_000_000
_START_SECONDS: Final = 1_700_000_000
_SENDER: Final[LocalAccount] = Account.from_key(keccak(b"rehearsal"))
SENDER_ADDRESS: Final = Address(bytes.fromhex(_SENDER.address[2:]))


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction and what became of it."""

    raw: bytes
    receipt: Receipt


class RehearsalChain:
    """A chain with one account that sends transactions, each in a block of its own."""

    def __init__(self) -> None:
        account = GenesisAccount(balance_wei=10**24)
        spec = ChainSpec(
            _CHAIN_ID, _BLOCK_GAS, _START_SECONDS, {SENDER_ADDRESS: account}, is_base_fee_zero=True
        )
        self.engine = WasmEngine(spec)
        self._nonce = 0

    def send(self, to: Address | None, data: bytes) -> Sent:
        """Send one transaction with the most gas that one may have; a revert is an outcome too."""
        number = self.engine.head_number + 1
        signed = _SENDER.sign_transaction(
            {
                "type": 2,
                "chainId": _CHAIN_ID,
                "nonce": self._nonce,
                "gas": MOST_TRANSACTION_GAS,
                "maxFeePerGas": 0,
                "maxPriorityFeePerGas": 0,
                "to": to or b"",
                "value": 0,
                "data": data,
            }
        )
        raw = bytes(signed.raw_transaction)
        output = self.engine.execute(
            BlockInput(
                number=number,
                timestamp_seconds=_START_SECONDS + number,
                prev_randao=Hash32(bytes(32)),
                coinbase=Address(bytes(20)),
                gas_limit=_BLOCK_GAS,
                system_transactions=(),
                transactions=(raw,),
                senders=(SENDER_ADDRESS,),
            )
        )
        if output.skipped:
            raise ValueError(f"no valid transaction: {output.skipped[0].reason}")
        self._nonce += 1
        return Sent(raw, output.receipts[0])

    def create(self, code: bytes) -> Sent:
        """Deploy a contract.

        Raises
        ------
        ValueError
            The deployment reverts.
        """
        sent = self.send(None, code)
        if not sent.receipt.is_success or sent.receipt.contract_address is None:
            raise ValueError(f"a deployment reverts after {sent.receipt.gas_used} gas")
        return sent

    def call(self, to: Address, data: bytes, number: int | None = None) -> tuple[bool, bytes]:
        """Return whether a call succeeds in the state after a block, and what it returns."""
        result = self.engine.call(CallRequest(SENDER_ADDRESS, to, data), number)
        return result.is_success, result.output

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """Whatever happens inside did not happen afterwards."""
        number, nonce = self.engine.head_number, self._nonce
        try:
            yield
        finally:
            self.engine.rollback(number)
            self._nonce = nonce


@dataclass(frozen=True, slots=True)
class RehearsedVerifier:
    """A verifier for one key.

    Attributes
    ----------
    deployment
        The transactions that made it and its data contracts.
    """

    chain: RehearsalChain
    address: Address
    deployment: tuple[Sent, ...]

    def send(self, data: bytes) -> Sent:
        """Call it by a transaction."""
        return self.chain.send(self.address, data)

    def send_all(self, calls: Iterable[Call]) -> list[Sent]:
        """Send calls up to the first that reverts, which is the last in the list."""
        sent = []
        for call in calls:
            sent.append(self.send(call.data))
            if not sent[-1].receipt.is_success:
                break
        return sent

    def view(self, data: bytes) -> bytes:
        """Return what a call returns that must not revert."""
        is_success, output = self.chain.call(self.address, data)
        if not is_success:
            raise ValueError(f"a view reverts: {error_name(output)}")
        return output

    def is_verified(self, statement_digest: bytes) -> bool:
        """Whether the statement was proved."""
        return bool(int.from_bytes(self.view(is_verified_call(statement_digest)), "big"))

    def progress(self, session_id: bytes) -> Progress:
        """How far a session is."""
        return read_progress(self.view(progress_call(session_id)))

    def reason(self, data: bytes, number: int | None = None) -> str:
        """Name of the error that a call reverts with after a block; empty if it does not."""
        is_success, output = self.chain.call(self.address, data, number)
        return "" if is_success else error_name(output)

    def accepts(self, session: Session) -> bool:
        """Whether all calls together prove the statement; nothing is kept."""
        with self.chain.forgotten():
            self.send_all(session.calls)
            return self.is_verified(session.statement_digest)


def deploy(chain: RehearsalChain, key: VerifyingKey) -> RehearsedVerifier:
    """Deploy a verifier with its data contracts.

    Raises
    ------
    UnsupportedMachineError
        The contract cannot verify proofs of this machine.
    """
    plan = plan_deployment(key)
    sent = [chain.create(code) for code in plan.programs]
    programs = [own.receipt.contract_address for own in sent]
    sent.append(chain.create(plan.verifier([address for address in programs if address])))
    address = sent[-1].receipt.contract_address
    assert address is not None
    return RehearsedVerifier(chain, address, tuple(sent))


def error_name(output: bytes) -> str:
    """Name of the verifier's error with that selector, or the output itself in hex."""
    for entry in verifier_artifact().abi:
        if entry["type"] == "error":
            types = ",".join(argument["type"] for argument in entry["inputs"])
            if keccak(f"{entry['name']}({types})".encode())[:4] == output[:4]:
                return str(entry["name"])
    return output.hex() or "out of gas"
