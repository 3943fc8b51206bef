"""Decoding of JSON-RPC results: every shape and size is checked before it is used."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from execution.types import Address, Hash32
from settlement.errors import MalformedAnswer

MAX_LOG_TOPICS: Final = 4
MAX_LOG_DATA_BYTES: Final = 1024 * 1024

# Python's own parsers take signs, spaces and underscores as well.
_HEX: Final = re.compile("0x[0-9a-fA-F]*")


@dataclass(frozen=True, slots=True)
class BlockHead:
    """What is needed of a block."""

    number: int
    block_hash: Hash32
    parent_hash: Hash32
    timestamp_seconds: int
    base_fee_wei: int


@dataclass(frozen=True, slots=True)
class L1Log:
    """One log in a block."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    block_number: int
    block_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class L1Receipt:
    """Receipt of an included transaction."""

    transaction_hash: Hash32
    block_number: int
    block_hash: Hash32
    is_success: bool
    gas_used: int
    effective_gas_price_wei: int
    contract_address: Address | None


@dataclass(frozen=True, slots=True)
class FeeMarket:
    """Base fee of the next block, and the tip that recent transactions paid, in wei per gas."""

    base_fee_wei: int
    tip_wei: int


def quantity(value: Any, bits: int = 64) -> int:
    """An integer in hex."""
    is_short = isinstance(value, str) and 3 <= len(value) <= 2 + bits // 4
    if not is_short or not _HEX.fullmatch(value):
        raise MalformedAnswer("expected a quantity in hex")
    return int(value[2:], 16)


def data(value: Any, limit_bytes: int) -> bytes:
    """Bytes in hex."""
    if not isinstance(value, str) or len(value) % 2:
        raise MalformedAnswer("expected bytes in hex")
    if len(value) > 2 + 2 * limit_bytes:
        raise MalformedAnswer(f"{len(value) // 2 - 1} bytes, at most {limit_bytes} were expected")
    if not _HEX.fullmatch(value):
        raise MalformedAnswer("expected bytes in hex")
    return bytes.fromhex(value[2:])


def hash32(value: Any) -> Hash32:
    """32 bytes."""
    return Hash32(_exactly(value, 32))


def address(value: Any) -> Address:
    """20 bytes."""
    return Address(_exactly(value, 20))


def head(value: Any) -> BlockHead:
    """A block without its transactions."""
    fields = _object(value)
    return BlockHead(
        number=quantity(fields.get("number")),
        block_hash=hash32(fields.get("hash")),
        parent_hash=hash32(fields.get("parentHash")),
        timestamp_seconds=quantity(fields.get("timestamp")),
        base_fee_wei=quantity(fields.get("baseFeePerGas", "0x0"), 256),
    )


def receipt(value: Any, transaction_hash: Hash32) -> L1Receipt:
    """A receipt of the transaction that was asked for."""
    fields = _object(value)
    if hash32(fields.get("transactionHash")) != transaction_hash:
        raise MalformedAnswer("the receipt of another transaction")
    created = fields.get("contractAddress")
    return L1Receipt(
        transaction_hash=transaction_hash,
        block_number=quantity(fields.get("blockNumber")),
        block_hash=hash32(fields.get("blockHash")),
        is_success=quantity(fields.get("status")) == 1,
        gas_used=quantity(fields.get("gasUsed")),
        effective_gas_price_wei=quantity(fields.get("effectiveGasPrice", "0x0"), 256),
        contract_address=None if created is None else address(created),
    )


def logs(value: Any, limit: int) -> tuple[L1Log, ...]:
    """Logs of a query."""
    return tuple(_log(item) for item in _array(value, limit))


def fee_history(value: Any) -> FeeMarket:
    """The answer to ``eth_feeHistory`` with one percentile."""
    fields = _object(value)
    base_fees = _array(fields.get("baseFeePerGas"), 1025)
    if not base_fees:
        raise MalformedAnswer("a fee history without base fees")
    rewards = [
        quantity(entry[0], 256)
        for entry in _array(fields.get("reward") or [], 1024)
        if isinstance(entry, list) and entry
    ]
    rewards.sort()
    tip_wei = rewards[len(rewards) // 2] if rewards else 0
    return FeeMarket(quantity(base_fees[-1], 256), tip_wei)


def _log(value: Any) -> L1Log:
    fields = _object(value)
    if fields.get("removed") is True:
        raise MalformedAnswer("a log that a reorg has removed")
    return L1Log(
        address=address(fields.get("address")),
        topics=tuple(hash32(topic) for topic in _array(fields.get("topics"), MAX_LOG_TOPICS)),
        data=data(fields.get("data"), MAX_LOG_DATA_BYTES),
        block_number=quantity(fields.get("blockNumber")),
        block_hash=hash32(fields.get("blockHash")),
        log_index=quantity(fields.get("logIndex")),
    )


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedAnswer("expected an object")
    return value


def _array(value: Any, limit: int) -> Sequence[Any]:
    if not isinstance(value, list):
        raise MalformedAnswer("expected an array")
    if len(value) > limit:
        raise MalformedAnswer(f"{len(value)} items, at most {limit} were expected")
    return value


def _exactly(value: Any, length: int) -> bytes:
    found = data(value, length)
    if len(found) != length:
        raise MalformedAnswer(f"{len(found)} bytes, expected {length}")
    return found
