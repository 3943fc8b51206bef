"""What validators send each other besides votes, attestations and whole blocks.

Blocks travel on the payload channel as :class:`ledger.block.LedgerBlock`,
attestations on theirs as :class:`ledger.crossing.Attestation`.
"""

from typing import Annotated, Final

from ledger.block import MAX_BLOCK_BYTES, BlockHeader, TransactionField
from ledger.bounds import AtMost
from ledger.codec import wire
from ledger.types import ChainRole, DigestField, EpochField, HeightField
from ledger.votes import Finalization

MAX_BATCH_TRANSACTIONS: Final = 2048
MAX_REQUESTED_BLOCKS: Final = 64
MAX_LINK_HEADERS: Final = 1024

EncodedBlockField = Annotated[bytes, AtMost(MAX_BLOCK_BYTES)]


@wire(60)
class TransactionBatch:
    """Raw signed transactions for one chain's mempool."""

    chain: ChainRole
    transactions: Annotated[tuple[TransactionField, ...], AtMost(MAX_BATCH_TRANSACTIONS)]


@wire(61)
class PayloadRequest:
    """Asks for one block by digest, because a vote names it and it is not here."""

    digest: DigestField


@wire(62)
class HistoryRequest:
    """Asks for the finalized blocks of a range of heights, as many as fit into an answer."""

    first_height: HeightField
    last_height: HeightField


@wire(63)
class HistoryResponse:
    """Consecutive finalized blocks, and what proves them.

    ``link`` holds the headers from the block after the last one up to the block of
    ``finalization``: where one certificate covers many blocks, they need not all fit.
    """

    blocks: Annotated[tuple[EncodedBlockField, ...], AtMost(MAX_REQUESTED_BLOCKS)]
    link: Annotated[tuple[BlockHeader, ...], AtMost(MAX_LINK_HEADERS)]
    finalization: Finalization


@wire(64)
class HistoryQuery:
    """Asks which finalized blocks a peer can serve, up to the last one of an epoch.

    The asker is in that epoch: what lies behind it, it could not check yet.
    """

    epoch: EpochField


@wire(65)
class HistoryWindow:
    """The finalized blocks that can be served: answers a query, or a request for others."""

    oldest_height: HeightField
    newest_height: HeightField
