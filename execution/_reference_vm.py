"""py-evm's Prague rules, and the calls that the protocol itself makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.forks.spurious_dragon._utils import collect_touched_accounts
from eth.vm.message import Message

from execution._reference_meter import (
    Opcode,
    ReferenceMeter,
    metered_opcode,
    metered_precompile,
)
from execution._reference_state import Database
from execution._reference_transactions import EvmTransaction, floor_gas
from execution.types import (
    SYSTEM_ADDRESS,
    Address,
    BlockInput,
    Hash32,
    Log,
    SystemTransaction,
)

# A py-evm computation: what one message call did.
Computation = Any


MODEXP_ADDRESS: Final = bytes(19) + b"\x05"


def modexp(computation: Computation) -> Computation:
    """py-evm's MODEXP, except that an empty base to the power of zero is one.

    py-evm 0.12.1b1 answers zero to every empty base; EIP-198 takes 0**0 for 1.
    """
    PragueComputation.get_precompiles()[MODEXP_ADDRESS](computation)
    data = computation.msg.data_as_bytes
    base_length, exponent_length, modulus_length = (
        int.from_bytes(data[offset : offset + 32].ljust(32, b"\0"), "big") for offset in (0, 32, 64)
    )
    has_empty_base = base_length == 0 and modulus_length > 0
    if has_empty_base:
        is_exponent_zero = not any(data[96 : 96 + exponent_length])
        modulus_start = 96 + exponent_length
        modulus_bytes = data[modulus_start : modulus_start + modulus_length]
        is_modulus_above_one = modulus_bytes.ljust(modulus_length, b"\0").lstrip(b"\0") > b"\x01"
        result = int(is_exponent_zero and is_modulus_above_one)
        computation.output = result.to_bytes(modulus_length, "big")
    return computation


# py-evm is untyped, so its classes are Any to mypy.
class ReferenceComputation(PragueComputation):  # type: ignore[misc]
    """Prague's computation with two corrections: :func:`modexp`, and the outermost message.

    py-evm 0.12.1b1 takes every message from the transaction's sender for the
    outermost one. Since EIP-7702 the sender can have code and create contracts,
    and py-evm then charges their initcode words (EIP-3860) twice.
    """

    opcodes: ClassVar[dict[int, Opcode]] = {
        number: metered_opcode(number, opcode)
        for number, opcode in PragueComputation.opcodes.items()
    }
    _precompiles: ClassVar[dict[bytes, Opcode]] = {
        address: metered_precompile(address, precompile)
        for address, precompile in (
            PragueComputation.get_precompiles() | {MODEXP_ADDRESS: modexp}
        ).items()
    }

    @property
    def is_origin_computation(self) -> bool:
        """Whether this is the transaction's outermost message."""
        return bool(self.msg.depth == 0)

    @classmethod
    def apply_message(
        cls,
        state: Any,
        message: Message,
        transaction_context: Any,
        parent_computation: Computation | None = None,
    ) -> Computation:
        """Run a message; the meter has to know of those that the protocol's code sends."""
        if state.meter is not None and not message.is_create:
            state.meter.begin_inner(message.depth, message.gas)
        return super().apply_message(state, message, transaction_context, parent_computation)

    @classmethod
    def apply_create_message(
        cls,
        state: Any,
        message: Message,
        transaction_context: Any,
        parent_computation: Computation | None = None,
    ) -> Computation:
        """Run a creation; the storage of what it creates is empty."""
        if state.meter is not None:
            state.look_at(message.storage_address)
            state.meter.note_created(message.storage_address)
        return super().apply_create_message(state, message, transaction_context, parent_computation)


class ReferenceState(PragueState):  # type: ignore[misc]
    """Prague's state, with the corrected computation, and with a meter where the chain has one."""

    computation_class = ReferenceComputation
    meter: ReferenceMeter | None = None

    def look_at(self, address: Address) -> None:
        """Note that an account is looked at."""
        if self.meter is not None:
            self.meter.look_at_account(address)

    def get_balance(self, address: Address) -> int:
        """Balance of an account."""
        self.look_at(address)
        return int(super().get_balance(address))

    def get_nonce(self, address: Address) -> int:
        """Nonce of an account."""
        self.look_at(address)
        return int(super().get_nonce(address))

    def get_code(self, address: Address) -> bytes:
        """Code of an account."""
        self.look_at(address)
        code = bytes(super().get_code(address))
        if self.meter is not None:
            self.meter.look_at_code(address, Hash32(super().get_code_hash(address)), code)
        return code

    def get_code_hash(self, address: Address) -> Hash32:
        """Hash of an account's code."""
        self.look_at(address)
        return Hash32(super().get_code_hash(address))

    def account_exists(self, address: Address) -> bool:
        """Whether there is such an account."""
        self.look_at(address)
        return bool(super().account_exists(address))

    def account_is_empty(self, address: Address) -> bool:
        """Whether the account is empty (EIP-161)."""
        self.look_at(address)
        return bool(super().account_is_empty(address))

    def has_code_or_nonce(self, address: Address) -> bool:
        """Whether a creation would collide with the account."""
        self.look_at(address)
        return bool(super().has_code_or_nonce(address))

    def set_code(self, address: Address, code: bytes) -> None:
        """Deploy a code."""
        super().set_code(address, code)
        if self.meter is not None:
            self.meter.note_deployed(address, code)

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        """Value of a slot."""
        if self.meter is not None:
            self.meter.look_at_slot(address, slot)
        return int(super().get_storage(address, slot, from_journal))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transaction or system transaction did."""

    is_success: bool
    gas_used: int
    logs: tuple[Log, ...]
    output: bytes
    created_address: Address | None


def build_state(
    database: Database,
    root: Hash32,
    block: BlockInput,
    chain_id: int,
    base_fee_wei: int,
    ancestor_hashes: Sequence[Hash32],
) -> Any:
    """py-evm's state for one block; ``ancestor_hashes`` starts with the parent's."""
    context = ExecutionContext(
        coinbase=block.coinbase,
        timestamp=block.timestamp_seconds,
        block_number=block.number,
        difficulty=0,
        mix_hash=block.prev_randao,
        gas_limit=block.gas_limit,
        prev_hashes=ancestor_hashes,
        chain_id=chain_id,
        base_fee_per_gas=base_fee_wei,
        excess_blob_gas=0,
    )
    return ReferenceState(database, context, root)


def apply_transaction(
    state: Any, transaction: EvmTransaction, *, is_short: bool = False
) -> Outcome | None:
    """Execute a transaction that passed all checks; py-evm raises if it disagrees.

    ``None``, and no trace of it, where its budget ``is_short`` and it spent that.
    """
    state.lock_changes()
    snapshot = state.snapshot() if is_short else None
    computation = state.apply_transaction(transaction)
    if snapshot is not None and state.meter.has_struck:
        state.revert(snapshot)
        return None
    if state.meter is not None:
        state.look_at(state.coinbase)
        state.meter.end(state.get_code_hash)

    # py-evm's receipts cap the refund by the calldata floor too; the executor, which
    # moves the fees, does not, and nor do EIP-3529 and EIP-7623.
    gas_spent = transaction.gas - computation.get_gas_remaining()
    executor = state.get_transaction_executor()
    refund = executor.calculate_gas_refund(computation, gas_spent)
    is_creation = transaction.to == b""
    has_created = is_creation and computation.is_success
    return Outcome(
        is_success=bool(computation.is_success),
        gas_used=max(gas_spent - refund, floor_gas(transaction)),
        logs=_logs(computation),
        output=b"",
        created_address=Address(computation.msg.storage_address) if has_created else None,
    )


def apply_system_transaction(state: Any, transaction: SystemTransaction) -> Outcome:
    """Make the protocol's own call: no fee, no nonce, no intrinsic gas and no refund.

    As in a user's transaction, sender and recipient are warm; py-evm warms
    the coinbase and the precompiles itself.
    """
    state.lock_changes()
    state.look_at(SYSTEM_ADDRESS)
    state.mark_address_warm(SYSTEM_ADDRESS)
    state.mark_address_warm(transaction.to)
    executor = state.get_transaction_executor()
    code, delegate = executor.get_code_at_address(transaction.to)
    message = Message(
        gas=transaction.gas_limit,
        to=transaction.to,
        sender=SYSTEM_ADDRESS,
        value=0,
        data=transaction.data,
        code=code,
        is_delegation=delegate is not None,
    )
    context = CancunTransactionContext(gas_price=0, origin=SYSTEM_ADDRESS)
    computation = state.computation_class.apply_message(state, message, context)
    if state.meter is not None:
        state.meter.end(state.get_code_hash)
    _clear_accounts(state, computation)
    state.clear_transient_storage()
    return Outcome(
        is_success=bool(computation.is_success),
        gas_used=int(computation.get_gas_used()),
        logs=_logs(computation),
        output=bytes(computation.output),
        created_address=None,
    )


def _clear_accounts(state: Any, computation: Computation) -> None:
    """Delete what destroyed itself (EIP-6780) and what was touched and is empty (EIP-161).

    Of what was touched py-evm has the coinbase too, which the call did not look at.
    """
    meter, state.meter = state.meter, None
    for address in computation.get_accounts_for_deletion():
        state.delete_account(address)
    for address in collect_touched_accounts(computation):
        if state.account_exists(address) and state.account_is_empty(address):
            state.delete_account(address)
    state.meter = meter


def _logs(computation: Computation) -> tuple[Log, ...]:
    return tuple(
        Log(
            Address(address),
            tuple(Hash32(topic.to_bytes(32, "big")) for topic in topics),
            bytes(data),
        )
        for address, topics, data in computation.get_log_entries()
    )
