"""Decoding and validity of transactions, for the reference engine.

py-evm decodes and recovers; each rule that py-evm leaves to its callers, or
reports without a stable reason, is checked here in the order that
``skip_reasons`` documents.
"""

from typing import Any, Final

import rlp
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from execution import skip_reasons
from execution.types import Address, SystemTransaction

# A py-evm transaction or state: py-evm has no usable type information.
EvmTransaction = Any
EvmState = Any

LEGACY_TYPE: Final = 0
SET_CODE_TYPE: Final = 4
USER_TRANSACTION_TYPES: Final = frozenset({0x01, 0x02, 0x04})
FIRST_LIST_BYTE: Final = 0xC0
FIRST_NON_TYPE_BYTE: Final = 0x80

MAX_UINT8: Final = 2**8 - 1
MAX_UINT64: Final = 2**64 - 1
MAX_UINT128: Final = 2**128 - 1
MAX_UINT256: Final = 2**256 - 1
SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

TRANSACTION_GAS: Final = 21_000
CREATION_GAS: Final = 32_000
INITCODE_WORD_GAS: Final = 2
CALLDATA_TOKEN_GAS: Final = 4
CALLDATA_TOKEN_FLOOR_GAS: Final = 10
TOKENS_PER_NONZERO_BYTE: Final = 4
ACCESS_LIST_ADDRESS_GAS: Final = 2_400
ACCESS_LIST_SLOT_GAS: Final = 1_900
AUTHORIZATION_GAS: Final = 25_000
MAX_INITCODE_BYTES: Final = 49_152

DELEGATION_PREFIX: Final = bytes.fromhex("ef0100")
DELEGATION_BYTES: Final = 23


class Skip(Exception):
    """A transaction is invalid; ``reason`` is one of ``skip_reasons``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode_system_transaction(transaction: SystemTransaction) -> bytes:
    """``0x7e || rlp([nonce, to, gas_limit, data])``."""
    fields = [transaction.nonce, transaction.to, transaction.gas_limit, transaction.data]
    payload: bytes = rlp.encode(fields)
    return b"\x7e" + payload


def transaction_type(raw: bytes) -> int:
    """EIP-2718 type of a decodable transaction."""
    return LEGACY_TYPE if raw[0] >= FIRST_LIST_BYTE else raw[0]


def decode(raw: bytes) -> EvmTransaction:
    """Decode one of the transaction types that the chain takes.

    Raises
    ------
    Skip
        If the bytes are not such a transaction.
    """
    if not raw or FIRST_NON_TYPE_BYTE <= raw[0] < FIRST_LIST_BYTE:
        raise Skip(skip_reasons.INVALID_ENCODING)
    if raw[0] < FIRST_NON_TYPE_BYTE and raw[0] not in USER_TRANSACTION_TYPES:
        raise Skip(skip_reasons.UNSUPPORTED_TYPE)
    try:
        transaction = PragueTransactionBuilder.decode(raw)
    except (RLPException, ValidationError, RecursionError) as error:
        raise Skip(skip_reasons.INVALID_ENCODING) from error
    if not _has_valid_fields(transaction, transaction_type(raw)):
        raise Skip(skip_reasons.INVALID_ENCODING)
    return transaction


def check_without_state(
    transaction: EvmTransaction, raw: bytes, chain_id: int, base_fee_wei: int, gas_left: int
) -> Address:
    """Check all that needs no account, and recover the sender.

    Raises
    ------
    Skip
        With the first reason that applies.
    """
    kind = transaction_type(raw)
    is_for_other_chain = transaction.chain_id is not None and transaction.chain_id != chain_id
    if kind == LEGACY_TYPE and not _has_valid_v(transaction.v):
        raise Skip(skip_reasons.INVALID_SIGNATURE)
    if is_for_other_chain:
        raise Skip(skip_reasons.WRONG_CHAIN_ID)
    sender = _recover(transaction)
    if kind == SET_CODE_TYPE and not transaction.authorization_list:
        raise Skip(skip_reasons.EMPTY_AUTHORIZATION_LIST)
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise Skip(skip_reasons.TIP_ABOVE_FEE)
    if transaction.max_fee_per_gas < base_fee_wei:
        raise Skip(skip_reasons.FEE_BELOW_BASE_FEE)
    if transaction.gas > gas_left:
        raise Skip(skip_reasons.BLOCK_GAS_LIMIT)
    is_creation = transaction.to == b""
    if is_creation and len(transaction.data) > MAX_INITCODE_BYTES:
        raise Skip(skip_reasons.INITCODE_TOO_LARGE)
    if transaction.gas < _least_gas(transaction, kind):
        raise Skip(skip_reasons.INTRINSIC_GAS)
    return sender


def check_account(transaction: EvmTransaction, sender: Address, state: EvmState) -> None:
    """Check the sender's code, nonce and funds.

    Raises
    ------
    Skip
        With the first reason that applies.
    """
    code = state.get_code(sender)
    is_delegation = len(code) == DELEGATION_BYTES and code.startswith(DELEGATION_PREFIX)
    if code and not is_delegation:
        raise Skip(skip_reasons.SENDER_HAS_CODE)
    if transaction.nonce == MAX_UINT64:
        raise Skip(skip_reasons.NONCE_MAX)
    account_nonce = state.get_nonce(sender)
    if transaction.nonce < account_nonce:
        raise Skip(skip_reasons.NONCE_TOO_LOW)
    if transaction.nonce > account_nonce:
        raise Skip(skip_reasons.NONCE_TOO_HIGH)
    cost_wei = transaction.gas * transaction.max_fee_per_gas + transaction.value
    if state.get_balance(sender) < cost_wei:
        raise Skip(skip_reasons.INSUFFICIENT_FUNDS)


def floor_gas(transaction: EvmTransaction) -> int:
    """Least gas that the calldata costs, whatever is executed (EIP-7623)."""
    return TRANSACTION_GAS + CALLDATA_TOKEN_FLOOR_GAS * calldata_tokens(transaction.data)


def _least_gas(transaction: EvmTransaction, kind: int) -> int:
    gas = TRANSACTION_GAS + CALLDATA_TOKEN_GAS * calldata_tokens(transaction.data)
    is_creation = transaction.to == b""
    if is_creation:
        gas += CREATION_GAS + INITCODE_WORD_GAS * ((len(transaction.data) + 31) // 32)
    for _, slots in transaction.access_list:
        gas += ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_SLOT_GAS * len(slots)
    if kind == SET_CODE_TYPE:
        gas += AUTHORIZATION_GAS * len(transaction.authorization_list)
    return max(gas, floor_gas(transaction))


def calldata_tokens(data: bytes) -> int:
    """Tokens of calldata: a zero byte is one, another byte four (EIP-7623)."""
    zero_count = data.count(0)
    return zero_count + TOKENS_PER_NONZERO_BYTE * (len(data) - zero_count)


def _recover(transaction: EvmTransaction) -> Address:
    is_low_s = 0 < transaction.s <= SECP256K1_ORDER // 2
    is_in_range = 0 < transaction.r < SECP256K1_ORDER and is_low_s and transaction.y_parity <= 1
    if not is_in_range:
        raise Skip(skip_reasons.INVALID_SIGNATURE)
    try:
        return Address(transaction.sender)
    except BadSignature as error:
        raise Skip(skip_reasons.INVALID_SIGNATURE) from error


def _has_valid_v(v: int) -> bool:
    is_before_eip_155 = v in (27, 28)
    return is_before_eip_155 or v >= 35


def _has_valid_fields(transaction: EvmTransaction, kind: int) -> bool:
    """Field sizes; py-evm's decoder bounds neither integers nor the addresses in lists."""
    is_numbers_bounded = (
        transaction.nonce <= MAX_UINT64
        and transaction.gas <= MAX_UINT64
        and transaction.max_fee_per_gas <= MAX_UINT128
        and transaction.max_priority_fee_per_gas <= MAX_UINT128
        and transaction.value <= MAX_UINT256
        and max(transaction.r, transaction.s) <= MAX_UINT256
    )
    if kind == LEGACY_TYPE:
        return bool(is_numbers_bounded and transaction.v <= MAX_UINT256)
    is_list_valid = all(len(address) == 20 for address, _ in transaction.access_list)
    if kind == SET_CODE_TYPE:
        is_list_valid = (
            is_list_valid
            and len(transaction.to) == 20
            and all(_is_valid_authorization(item) for item in transaction.authorization_list)
        )
    is_signature_bounded = max(transaction.chain_id, transaction.y_parity) <= MAX_UINT256
    return bool(is_numbers_bounded and is_signature_bounded and is_list_valid)


def _is_valid_authorization(authorization: Any) -> bool:
    is_signature_bounded = (
        authorization.y_parity <= MAX_UINT8 and max(authorization.r, authorization.s) <= MAX_UINT256
    )
    is_bounded = authorization.chain_id <= MAX_UINT256 and authorization.nonce <= MAX_UINT64
    has_address = len(authorization.address) == 20
    return bool(is_signature_bounded and is_bounded and has_address)
