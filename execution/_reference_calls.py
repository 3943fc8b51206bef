"""Calls and proofs on the reference engine: what ``eth_call`` and ``eth_getProof`` need."""

from collections.abc import Sequence
from typing import Any, Final

import rlp
from eth.exceptions import InsufficientFunds, OutOfGas, Revert
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message
from eth_utils.exceptions import ValidationError
from trie import HexaryTrie

from execution import skip_reasons
from execution._reference_header import EMPTY_TRIE_ROOT
from execution._reference_state import Database, open_state
from execution._reference_transactions import (
    CREATION_GAS,
    INITCODE_WORD_GAS,
    TRANSACTION_GAS,
    calldata_tokens,
)
from execution.errors import CallRejectedError
from execution.types import (
    AccountProof,
    AccountState,
    Address,
    CallRequest,
    CallResult,
    Hash32,
    StorageProof,
)
from ledger.hashing import keccak

EMPTY_CODE_HASH: Final = Hash32(keccak(b""))
_TOKEN_GAS: Final = 4
_TOKEN_FLOOR_GAS: Final = 10
_REFUND_QUOTIENT: Final = 5


def run_call(state: Any, request: CallRequest, gas_limit: int) -> CallResult:
    """Run a call on py-evm's state of a block; the caller throws the state away.

    Raises
    ------
    CallRejectedError
        The call is no valid transaction.
    """
    tokens = calldata_tokens(request.data)
    intrinsic = TRANSACTION_GAS + _TOKEN_GAS * tokens
    initcode_gas = 0
    if request.to is None:
        intrinsic += CREATION_GAS
        # py-evm charges this part itself, when the outermost message begins.
        initcode_gas = INITCODE_WORD_GAS * ((len(request.data) + 31) // 32)
    floor = TRANSACTION_GAS + _TOKEN_FLOOR_GAS * tokens
    if gas_limit < max(intrinsic + initcode_gas, floor):
        raise CallRejectedError(skip_reasons.INTRINSIC_GAS)
    cost_wei = gas_limit * request.gas_price_wei + request.value_wei
    if state.get_balance(request.sender) < cost_wei:
        raise CallRejectedError(skip_reasons.INSUFFICIENT_FUNDS)
    computation = _compute(state, request, gas_limit - intrinsic)
    spent = gas_limit - computation.get_gas_remaining()
    refund = min(computation.get_gas_refund(), spent // _REFUND_QUOTIENT)
    gas_used = max(spent - refund, floor)
    if computation.is_success:
        return CallResult(True, bytes(computation.output), gas_used)
    if isinstance(computation.error, Revert):
        return CallResult(False, bytes(computation.output), gas_used)
    return CallResult(False, b"", gas_used, halt_reason=_halt_reason(computation.error))


def _compute(state: Any, request: CallRequest, gas: int) -> Any:
    state.lock_changes()
    state.delta_balance(request.sender, -request.gas_price_wei * gas)
    nonce = state.get_nonce(request.sender)
    state.increment_nonce(request.sender)
    state.mark_address_warm(request.sender)
    context = CancunTransactionContext(gas_price=request.gas_price_wei, origin=request.sender)
    try:
        if request.to is None:
            created = keccak(rlp.encode([request.sender, nonce]))[12:]
            state.mark_address_warm(created)
            message = Message(
                gas=gas,
                to=b"",
                sender=request.sender,
                value=request.value_wei,
                data=b"",
                code=request.data,
                create_address=created,
            )
            return state.computation_class.apply_create_message(state, message, context)
        state.mark_address_warm(request.to)
        executor = state.get_transaction_executor()
        code, delegate = executor.get_code_at_address(request.to)
        message = Message(
            gas=gas,
            to=request.to,
            sender=request.sender,
            value=request.value_wei,
            data=request.data,
            code=code,
            is_delegation=delegate is not None,
        )
        return state.computation_class.apply_message(state, message, context)
    except (InsufficientFunds, ValidationError) as error:
        raise CallRejectedError(str(error)) from error


def _halt_reason(error: Exception) -> str:
    return "out of gas" if isinstance(error, OutOfGas) else str(error) or type(error).__name__


def prove_account(
    database: Database, root: Hash32, address: Address, slots: Sequence[int]
) -> AccountProof:
    """EIP-1186 proof under a state root."""
    state = open_state(database, root)
    key = keccak(address)
    encoded = HexaryTrie(database, root).get(key)
    storage_root = Hash32(rlp.decode(encoded)[2]) if encoded else EMPTY_TRIE_ROOT
    # py-evm keeps an account's storage trie in the same database, under its plain root.
    return AccountProof(
        address=address,
        state=AccountState(
            state.get_nonce(address),
            state.get_balance(address),
            Hash32(state.get_code_hash(address)) if encoded else EMPTY_CODE_HASH,
        ),
        storage_root=storage_root,
        nodes=_path(database, root, key),
        storage=tuple(
            StorageProof(
                slot,
                int(state.get_storage(address, slot)),
                _path(database, storage_root, keccak(slot.to_bytes(32, "big"))),
            )
            for slot in slots
        ),
    )


def _path(database: Database, root: Hash32, key: bytes) -> tuple[bytes, ...]:
    if root == EMPTY_TRIE_ROOT:
        return ()
    return tuple(rlp.encode(node) for node in HexaryTrie(database, root).get_proof(key) if node)
