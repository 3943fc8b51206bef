"""The L1 verifier on the product's own engine (revm), called by real transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from eth_account import Account
from eth_account.signers.local import LocalAccount

from contracts.verifier.calls import Call, Session, call_data
from contracts.verifier.deployment import plan_deployment
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

CHAIN_ID = 1
MOST_TRANSACTION_GAS = 1 << 24
"""EIP-7825."""
BLOCK_GAS = 60_000_000
START_SECONDS = 1_700_000_000
SENDER: LocalAccount = Account.from_key(keccak(b"poster"))
SENDER_ADDRESS = Address(bytes.fromhex(SENDER.address[2:]))


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction and what became of it."""

    raw: bytes
    receipt: Receipt


class VerifierChain:
    """A chain with one account that sends transactions, each in a block of its own."""

    def __init__(self) -> None:
        account = GenesisAccount(balance_wei=10**24)
        spec = ChainSpec(
            CHAIN_ID, BLOCK_GAS, START_SECONDS, {SENDER_ADDRESS: account}, is_base_fee_zero=True
        )
        self.engine = WasmEngine(spec)
        self._nonces = [0]

    def send(self, to: Address | None, data: bytes, gas: int = MOST_TRANSACTION_GAS) -> Sent:
        """Send one transaction; a revert is an outcome like others."""
        number = self.engine.head_number + 1
        signed = SENDER.sign_transaction(
            {
                "type": 2,
                "chainId": CHAIN_ID,
                "nonce": self._nonces[-1],
                "gas": gas,
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
                timestamp_seconds=START_SECONDS + number,
                prev_randao=Hash32(bytes(32)),
                coinbase=Address(bytes(20)),
                gas_limit=BLOCK_GAS,
                system_transactions=(),
                transactions=(raw,),
                senders=(SENDER_ADDRESS,),
            )
        )
        assert not output.skipped, output.skipped
        self._nonces.append(self._nonces[-1] + 1)
        return Sent(raw, output.receipts[0])

    def create(self, code: bytes) -> Address:
        """Deploy a contract."""
        receipt = self.send(None, code).receipt
        assert receipt.is_success, receipt
        assert receipt.contract_address is not None
        return receipt.contract_address

    def view(self, to: Address, data: bytes) -> bytes:
        """Return what a call returns that must not revert."""
        result = self.engine.call(CallRequest(SENDER_ADDRESS, to, data))
        assert result.is_success, result
        return result.output

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """Whatever happens inside did not happen afterwards."""
        number, nonces = self.engine.head_number, list(self._nonces)
        try:
            yield
        finally:
            self.engine.rollback(number)
            self._nonces = nonces


@dataclass(frozen=True, slots=True)
class DeployedVerifier:
    """A verifier for one key."""

    chain: VerifierChain
    address: Address

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

    def is_verified(self, statement_digest: bytes) -> bool:
        """Ask for a statement."""
        data = keccak(b"isVerified(bytes32)")[:4] + statement_digest
        return bool(int.from_bytes(self.chain.view(self.address, data), "big"))

    def reason(self, call: Call) -> str:
        """Name of the error that a call would revert with; empty if it would not."""
        result = self.chain.engine.call(CallRequest(SENDER_ADDRESS, self.address, call.data))
        return "" if result.is_success else error_name(result.output) or str(result.halt_reason)

    def accepts(self, session: Session) -> bool:
        """Whether all calls succeed and the statement counts as verified; nothing is kept."""
        with self.chain.forgotten():
            self.send_all(session.calls)
            return self.is_verified(session.statement_digest)


def error_name(output: bytes) -> str:
    """Name of one of the verifier's errors."""
    from contracts.verifier.artifact import verifier_artifact

    for entry in verifier_artifact().abi:
        if entry["type"] == "error":
            types = ",".join(argument["type"] for argument in entry["inputs"])
            if keccak(f"{entry['name']}({types})".encode())[:4] == output[:4]:
                return str(entry["name"])
    return output.hex()


def deploy(chain: VerifierChain, key: VerifyingKey) -> DeployedVerifier:
    """Deploy a verifier with its data contracts."""
    plan = plan_deployment(key)
    programs = [chain.create(code) for code in plan.programs]
    return DeployedVerifier(chain, chain.create(plan.verifier(programs)))


__all__ = ["DeployedVerifier", "Sent", "VerifierChain", "call_data", "deploy", "error_name"]
