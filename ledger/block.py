"""Ledger blocks: one sequence, in which each block belongs to one of the two chains."""

from dataclasses import dataclass
from typing import Annotated, Final

from ledger.bounds import AtMost
from ledger.codec import decode, encode, wire
from ledger.crossing import CertifiedCheckpoint, Message, QuarantineVote, ResumeVote
from ledger.evidence import ConflictingFinalize, ConflictingNotarize, NullifyFinalize
from ledger.hashing import Domain, digest
from ledger.membership import SetChangeProposal, SetChangeVote
from ledger.types import (
    ZERO_DIGEST,
    BlockNumberField,
    ChainRole,
    Digest,
    DigestField,
    EpochField,
    HeightField,
    TimestampMsField,
    ValidatorIndexField,
    ViewField,
)

MAX_TRANSACTION_BYTES: Final = 128 * 1024
MAX_TRANSACTIONS_PER_BLOCK: Final = 8192
MAX_CHECKPOINTS_PER_BLOCK: Final = 16
MAX_EVIDENCE_PER_BLOCK: Final = 16
MAX_OPERATOR_VOTES_PER_BLOCK: Final = 256
MAX_L1_MESSAGES_PER_BLOCK: Final = 128
MAX_BLOCK_BYTES: Final = 2 * 1024 * 1024

TransactionField = Annotated[bytes, AtMost(MAX_TRANSACTION_BYTES)]


@wire(10)
class BlockHeader:
    """What a block's digest covers; ``body`` is the digest of the :class:`BlockBody`.

    ``height`` counts the blocks of the ledger and ``chain_block_number`` those of
    its chain, both from 1; ``parent`` is the digest of the previous ledger block,
    of either chain (that of the genesis at height 1). ``timestamp_ms`` is Unix time.
    ``next_members`` is the digest of the next epoch's validator set
    (:func:`ledger.membership.members_digest`) on the last block of an epoch, else zero.
    """

    epoch: EpochField
    view: ViewField
    height: HeightField
    parent: DigestField
    chain: ChainRole
    chain_block_number: BlockNumberField
    timestamp_ms: TimestampMsField
    proposer: ValidatorIndexField
    body: DigestField
    next_members: DigestField = ZERO_DIGEST

    @property
    def ends_epoch(self) -> bool:
        """Whether it is the last block of its epoch."""
        return self.next_members != ZERO_DIGEST


@wire(11)
class BlockBody:
    """Raw signed Ethereum transactions, and what the ledger itself has to agree on.

    ``l1_messages`` are the next entries of L1's queue: deposits and forced transactions.
    """

    transactions: Annotated[tuple[TransactionField, ...], AtMost(MAX_TRANSACTIONS_PER_BLOCK)]
    checkpoints: Annotated[tuple[CertifiedCheckpoint, ...], AtMost(MAX_CHECKPOINTS_PER_BLOCK)]
    evidence: Annotated[
        tuple[ConflictingNotarize | ConflictingFinalize | NullifyFinalize, ...],
        AtMost(MAX_EVIDENCE_PER_BLOCK),
    ]
    operator_votes: Annotated[
        tuple[QuarantineVote | ResumeVote | SetChangeProposal | SetChangeVote, ...],
        AtMost(MAX_OPERATOR_VOTES_PER_BLOCK),
    ]
    l1_messages: Annotated[tuple[Message, ...], AtMost(MAX_L1_MESSAGES_PER_BLOCK)]


@wire(12)
class LedgerBlock:
    """Header and body, as they travel and as they are stored."""

    header: BlockHeader
    body: BlockBody


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A block with its digest and its encoding, each computed once."""

    block: LedgerBlock
    digest: Digest
    encoded: bytes

    @property
    def header(self) -> BlockHeader:
        """The block's header."""
        return self.block.header

    @property
    def body(self) -> BlockBody:
        """The block's body."""
        return self.block.body


def body_digest(body: BlockBody) -> Digest:
    """Digest that a header commits to."""
    return digest(Domain.BLOCK_BODY, encode(body))


def header_digest(header: BlockHeader) -> Digest:
    """Digest of the block: what consensus votes on."""
    return digest(Domain.BLOCK_HEADER, encode(header))


def seal(block: LedgerBlock) -> SealedBlock:
    """Add digest and encoding to a block of our own."""
    return SealedBlock(block, header_digest(block.header), encode(block))


def open_block(raw: bytes) -> SealedBlock:
    """Decode a block from outside; the header may still lie about its body.

    Raises
    ------
    CodecError
        If the bytes are not a block's canonical encoding.
    """
    block = decode(raw, LedgerBlock, limit_bytes=MAX_BLOCK_BYTES)
    return SealedBlock(block, header_digest(block.header), raw)
