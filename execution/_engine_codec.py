"""Requests and responses of the wasm engine, as ``stf/src/abi`` reads and writes them.

A 256-bit integer travels as an integer where it fits 64 bits, else as big-endian bytes.
"""

from typing import Any, Final

from execution import errors
from execution.types import (
    AccountChange,
    AccountState,
    Address,
    BlockInput,
    BlockOutput,
    CallRequest,
    GenesisAccount,
    Hash32,
    Log,
    Receipt,
    SkippedTransaction,
)

EMPTY_CODE_HASH: Final = Hash32(
    bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
)
"""keccak-256 of no bytes: the code hash of an account without code."""

_ABSENT_ACCOUNT: Final = AccountState(nonce=0, balance_wei=0, code_hash=EMPTY_CODE_HASH)
_WIDE: Final = 1 << 64


def encode_wide(value: int) -> int | bytes:
    if value < _WIDE:
        return value
    try:
        return value.to_bytes(32, "big")
    except OverflowError as error:
        raise errors.MalformedRequestError(f"expected at most 256 bits, got {value}") from error


def decode_wide(value: int | bytes) -> int:
    return value if isinstance(value, int) else int.from_bytes(value, "big")


def encode_account(address: Address, account: GenesisAccount) -> list[object]:
    storage = [[encode_wide(slot), encode_wide(value)] for slot, value in account.storage.items()]
    return [address, account.nonce, encode_wide(account.balance_wei), account.code, storage]


def encode_block(block: BlockInput) -> list[object]:
    return [
        block.number,
        block.timestamp_seconds,
        block.prev_randao,
        block.coinbase,
        block.gas_limit,
        [[tx.nonce, tx.to, tx.gas_limit, tx.data] for tx in block.system_transactions],
        block.transactions,
        block.senders,
    ]


def encode_call(request: CallRequest) -> list[object]:
    return [
        request.sender,
        request.to,
        request.data,
        encode_wide(request.value_wei),
        request.gas_limit,
        encode_wide(request.gas_price_wei),
    ]


def decode_account_state(entry: list[Any] | None) -> AccountState:
    if entry is None:
        return _ABSENT_ACCOUNT
    nonce, balance, code_hash = entry
    return AccountState(nonce, decode_wide(balance), code_hash)


def decode_block(number: int, response: list[Any]) -> BlockOutput:
    (
        block_hash,
        header_rlp,
        state_root,
        transactions_root,
        receipts_root,
        logs_bloom,
        gas_used,
        base_fee_wei,
        included,
        receipts,
        skipped,
        changes,
        proving_costs,
    ) = response
    return BlockOutput(
        number=number,
        block_hash=block_hash,
        header_rlp=header_rlp,
        state_root=state_root,
        transactions_root=transactions_root,
        receipts_root=receipts_root,
        logs_bloom=logs_bloom,
        gas_used=gas_used,
        base_fee_wei=base_fee_wei,
        included=tuple(included),
        receipts=tuple(map(_decode_receipt, receipts)),
        skipped=tuple(SkippedTransaction(index, reason) for index, reason in skipped),
        changes=tuple(map(_decode_change, changes)),
        proving_costs=tuple(proving_costs),
    )


def _decode_receipt(entry: list[Any]) -> Receipt:
    (
        transaction_hash,
        transaction_type,
        sender,
        to,
        is_success,
        gas_used,
        cumulative_gas_used,
        effective_gas_price,
        contract_address,
        logs,
        output,
    ) = entry
    return Receipt(
        transaction_hash,
        transaction_type,
        sender,
        to,
        is_success,
        gas_used,
        cumulative_gas_used,
        decode_wide(effective_gas_price),
        contract_address,
        tuple(Log(address, tuple(topics), data) for address, topics, data in logs),
        output,
    )


def _decode_change(entry: list[Any]) -> AccountChange:
    address, is_deleted, nonce, balance, code, is_storage_wiped, storage = entry
    return AccountChange(
        address,
        is_deleted,
        nonce,
        decode_wide(balance),
        code,
        is_storage_wiped,
        {decode_wide(slot): decode_wide(value) for slot, value in storage},
    )
