"""Final blocks of a chain's store as the inputs that make them again."""

from __future__ import annotations

from dataclasses import replace

from actors.executor.chain_store import ChainStore
from actors.executor.errors import StoreDamaged
from contracts.system_calls import forced_transaction
from execution._strict_rlp import decode_fields
from execution.types import (
    SYSTEM_TRANSACTION_TYPE,
    Address,
    BlockInput,
    Hash32,
    SystemTransaction,
)
from gateway.views import StoredBlock

_COINBASE, _GAS_LIMIT, _TIMESTAMP, _PREV_RANDAO = 2, 9, 11, 13
"""Places in an Ethereum header's RLP list."""


def block_inputs(store: ChainStore, first: int, last: int, l1_chain_id: int) -> list[BlockInput]:
    """Inputs of the final blocks `first` to `last`.

    They hold what each block included: a transaction that was skipped had no effect and is not
    kept. Only what L1 forces in is there also if it was skipped, since the guest wants to see it
    tried. Executed again, they give the same block hashes.

    Raises
    ------
    StoreDamaged
        A block of the range is missing.
    """
    inputs = []
    for number in range(first, last + 1):
        block = store.block(number)
        if block is None:
            raise StoreDamaged(f"block {number} is not in the store")
        inputs.append(_with_forced(executed_input(block), l1_chain_id))
    return inputs


def executed_input(block: StoredBlock) -> BlockInput:
    """What a block included, as the input that makes the same block hash again.

    Raises
    ------
    StoreDamaged
        What is stored is no block.
    """
    header, _ = decode_fields(block.header_rlp)
    system: list[SystemTransaction] = []
    raws: list[bytes] = []
    senders: list[Address | None] = []
    for raw, receipt in zip(block.transactions, block.receipts, strict=True):
        if raw[0] == SYSTEM_TRANSACTION_TYPE:
            system.append(_system_transaction(raw))
        else:
            raws.append(raw)
            senders.append(receipt.sender)
    return BlockInput(
        number=block.number,
        timestamp_seconds=_integer(header[_TIMESTAMP]),
        prev_randao=Hash32(_bytes(header[_PREV_RANDAO])),
        coinbase=Address(_bytes(header[_COINBASE])),
        gas_limit=_integer(header[_GAS_LIMIT]),
        system_transactions=tuple(system),
        transactions=tuple(raws),
        senders=tuple(senders),
    )


def _with_forced(block: BlockInput, l1_chain_id: int) -> BlockInput:
    skipped = _skipped_forced(block.system_transactions, block.transactions, l1_chain_id)
    return replace(
        block,
        transactions=(*skipped, *block.transactions),
        senders=(*(None for _ in skipped), *block.senders),
    )


def _skipped_forced(
    system: tuple[SystemTransaction, ...], included: tuple[bytes, ...], l1_chain_id: int
) -> tuple[bytes, ...]:
    """The forced transaction of a block, if it is not the first that was included.

    Later in the block it may be included all the same, from the block's own transactions.
    """
    forced = tuple(
        raw
        for transaction in system
        if (raw := forced_transaction(transaction, l1_chain_id)) is not None
    )
    return () if forced == included[: len(forced)] else forced


def _system_transaction(raw: bytes) -> SystemTransaction:
    (nonce, to, gas_limit, data), _ = decode_fields(raw[1:])
    return SystemTransaction(
        nonce=_integer(nonce),
        to=Address(_bytes(to)),
        gas_limit=_integer(gas_limit),
        data=_bytes(data),
    )


def _bytes(item: object) -> bytes:
    if not isinstance(item, bytes):
        raise StoreDamaged(f"expected bytes in a stored block, got {item!r}")
    return item


def _integer(item: object) -> int:
    return int.from_bytes(_bytes(item), "big")
