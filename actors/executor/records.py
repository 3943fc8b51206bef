"""How executed blocks and accounts look on disk."""

from typing import Annotated, Final

from execution.types import Address, Hash32, Log, Receipt
from gateway.views import LedgerPosition, StoredBlock
from ledger.block import MAX_TRANSACTION_BYTES
from ledger.bounds import AtMost, Uint
from ledger.codec import wire
from ledger.crossing import Message
from ledger.types import (
    BlockNumber,
    BlockNumberField,
    DigestField,
    EvmAddressField,
    EvmHashField,
    GasField,
    HeightField,
    TimestampMsField,
    ViewField,
    WeiField,
)

MAX_RECORD_BYTES: Final = 256 * 1024 * 1024
_MAX_ITEMS: Final = 65_535

OptionalAddressField = Annotated[bytes, AtMost(20)]
"""Empty where there is no address."""

DataField = Annotated[bytes, AtMost(16 * 1024 * 1024)]


@wire(80)
class LogRecord:
    """One log."""

    address: EvmAddressField
    topics: Annotated[tuple[EvmHashField, ...], AtMost(4)]
    data: DataField


@wire(81)
class ReceiptRecord:
    """One receipt with its transaction."""

    raw: Annotated[bytes, AtMost(MAX_TRANSACTION_BYTES)]
    transaction_hash: EvmHashField
    transaction_type: Annotated[int, Uint(8)]
    sender: EvmAddressField
    to: OptionalAddressField
    is_success: bool
    gas_used: GasField
    cumulative_gas_used: GasField
    effective_gas_price_wei: WeiField
    contract_address: OptionalAddressField
    logs: Annotated[tuple[LogRecord, ...], AtMost(_MAX_ITEMS)]
    output: DataField


@wire(82)
class BlockRecord:
    """One executed block; ``digest`` is that of its ledger block."""

    number: BlockNumberField
    block_hash: EvmHashField
    header_rlp: Annotated[bytes, AtMost(4096)]
    logs_bloom: Annotated[bytes, AtMost(256)]
    base_fee_wei: WeiField
    gas_limit: GasField
    gas_used: GasField
    timestamp_seconds: GasField
    receipts: Annotated[tuple[ReceiptRecord, ...], AtMost(_MAX_ITEMS)]
    height: HeightField
    view: ViewField
    digest: DigestField
    timestamp_ms: TimestampMsField


@wire(83)
class ResultRecord:
    """What the node attests of a block: enough to attest it again after a restart."""

    number: BlockNumberField
    digest: DigestField
    attested_digest: DigestField
    block_hash: EvmHashField
    state_root: EvmHashField
    receipts_root: EvmHashField
    messages: Annotated[tuple[Message, ...], AtMost(_MAX_ITEMS)]
    next_message_nonce: GasField


@wire(84)
class AccountRecord:
    """One account of the state after the newest final block."""

    nonce: GasField
    balance_wei: WeiField
    code_hash: EvmHashField


@wire(85)
class ProgressRecord:
    """The newest final block."""

    number: BlockNumberField
    digest: DigestField
    header_rlp: Annotated[bytes, AtMost(4096)]
    next_message_nonce: GasField


def block_record(block: StoredBlock, position: LedgerPosition) -> BlockRecord:
    """Record of an executed block."""
    return BlockRecord(
        number=BlockNumber(block.number),
        block_hash=block.block_hash,
        header_rlp=block.header_rlp,
        logs_bloom=block.logs_bloom,
        base_fee_wei=block.base_fee_wei,
        gas_limit=block.gas_limit,
        gas_used=block.gas_used,
        timestamp_seconds=block.timestamp_seconds,
        receipts=tuple(
            _receipt_record(raw, receipt)
            for raw, receipt in zip(block.transactions, block.receipts, strict=True)
        ),
        height=position.height,
        view=position.view,
        digest=position.digest,
        timestamp_ms=position.timestamp_ms,
    )


def stored_block(record: BlockRecord) -> StoredBlock:
    """The block of a record."""
    return StoredBlock(
        number=record.number,
        block_hash=Hash32(record.block_hash),
        header_rlp=record.header_rlp,
        logs_bloom=record.logs_bloom,
        base_fee_wei=record.base_fee_wei,
        gas_limit=record.gas_limit,
        gas_used=record.gas_used,
        timestamp_seconds=record.timestamp_seconds,
        transactions=tuple(receipt.raw for receipt in record.receipts),
        receipts=tuple(_receipt(receipt) for receipt in record.receipts),
        ledger=LedgerPosition(record.height, record.view, record.digest, record.timestamp_ms),
    )


def _receipt_record(raw: bytes, receipt: Receipt) -> ReceiptRecord:
    return ReceiptRecord(
        raw=raw,
        transaction_hash=receipt.transaction_hash,
        transaction_type=receipt.transaction_type,
        sender=receipt.sender,
        to=receipt.to or b"",
        is_success=receipt.is_success,
        gas_used=receipt.gas_used,
        cumulative_gas_used=receipt.cumulative_gas_used,
        effective_gas_price_wei=receipt.effective_gas_price_wei,
        contract_address=receipt.contract_address or b"",
        logs=tuple(LogRecord(log.address, log.topics, log.data) for log in receipt.logs),
        output=receipt.output,
    )


def _receipt(record: ReceiptRecord) -> Receipt:
    return Receipt(
        transaction_hash=Hash32(record.transaction_hash),
        transaction_type=record.transaction_type,
        sender=Address(record.sender),
        to=Address(record.to) if record.to else None,
        is_success=record.is_success,
        gas_used=record.gas_used,
        cumulative_gas_used=record.cumulative_gas_used,
        effective_gas_price_wei=record.effective_gas_price_wei,
        contract_address=Address(record.contract_address) if record.contract_address else None,
        logs=tuple(
            Log(Address(log.address), tuple(Hash32(topic) for topic in log.topics), log.data)
            for log in record.logs
        ),
        output=record.output,
    )
