"""How a block that is not final yet looks on disk: enough to execute it again."""

from typing import Annotated, Final

from execution.types import Address, BlockInput, Hash32
from ledger.block import TransactionField
from ledger.bounds import AtMost
from ledger.codec import wire
from ledger.types import (
    BlockNumber,
    BlockNumberField,
    EvmAddressField,
    EvmHashField,
    GasField,
    WeiField,
)

MAX_RECORD_BYTES: Final = 64 * 1024 * 1024


@wire(100)
class L1BlockRecord:
    """Input of one block."""

    number: BlockNumberField
    timestamp_seconds: GasField
    prev_randao: EvmHashField
    coinbase: EvmAddressField
    gas_limit: GasField
    transactions: Annotated[tuple[TransactionField, ...], AtMost(65_535)]
    senders: Annotated[tuple[EvmAddressField, ...], AtMost(65_535)]


@wire(101)
class L1OriginRecord:
    """What the chain started with, so that it is the same after a restart."""

    chain_id: GasField
    timestamp_seconds: GasField
    initial_base_fee_wei: WeiField


def block_record(block: BlockInput) -> L1BlockRecord:
    """Record of a block whose senders are all known."""
    senders = tuple(sender for sender in block.senders if sender is not None)
    assert len(senders) == len(block.transactions), "the pool knows every sender"
    return L1BlockRecord(
        BlockNumber(block.number),
        block.timestamp_seconds,
        block.prev_randao,
        block.coinbase,
        block.gas_limit,
        block.transactions,
        senders,
    )


def block_input(record: L1BlockRecord) -> BlockInput:
    """The input that a record was made of."""
    return BlockInput(
        number=record.number,
        timestamp_seconds=record.timestamp_seconds,
        prev_randao=Hash32(record.prev_randao),
        coinbase=Address(record.coinbase),
        gas_limit=record.gas_limit,
        system_transactions=(),
        transactions=record.transactions,
        senders=record.senders,
    )
