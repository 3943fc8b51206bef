"""What the settlement journal holds, in the ledger's codec."""

from typing import Annotated, Final

from ledger.block import TransactionField
from ledger.bounds import AtMost
from ledger.codec import wire
from ledger.crossing import CheckpointCertificate
from ledger.types import BlockNumberField, EvmHashField, GasField, WeiField

MAX_RECORD_BYTES: Final = 256 * 1024
MAX_PURPOSE_BYTES: Final = 128


@wire(140)
class BatchCut:
    """A batch begins: this node has decided where it ends.

    ``chain_before`` and ``chain_after`` are the data chain before its first and after its
    last block. The id says the same as parent, checkpoint and ``chain_after``.
    """

    batch_id: EvmHashField
    parent: EvmHashField
    first_block: BlockNumberField
    certificate: CheckpointCertificate
    chain_before: EvmHashField
    chain_after: EvmHashField


@wire(141)
class TipMoved:
    """L1 made a batch final.

    If it ``is_ours``, it and the batches cut before it are done, and later ones go on. If
    not, every batch that was open is void. It says which, since the record that cut the
    batch may be deleted by the time this one is read again.
    """

    batch_id: EvmHashField
    last_block: BlockNumberField
    chain_after: EvmHashField
    is_ours: bool


@wire(142)
class TransactionSigned:
    """A transaction that may leave from now on, and no other under its nonce but replacements."""

    nonce: GasField
    max_fee_wei: WeiField
    tip_wei: WeiField
    purpose: Annotated[str, AtMost(MAX_PURPOSE_BYTES)]
    raw: TransactionField


@wire(143)
class TransactionSettled:
    """The transaction of a nonce has its confirmations."""

    nonce: GasField
    transaction_hash: EvmHashField
    l1_block: BlockNumberField
    is_success: bool


@wire(144)
class NonceDisplaced:
    """Somebody else with the same key used a nonce: what we signed under it is void."""

    nonce: GasField


Record = BatchCut | TipMoved | TransactionSigned | TransactionSettled | NonceDisplaced
RECORD_TYPES: Final = (BatchCut, TipMoved, TransactionSigned, TransactionSettled, NonceDisplaced)
