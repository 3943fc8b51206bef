"""Whether a peer's answer proves its blocks: digests chain them up to one certified block."""

from collections.abc import Sequence
from typing import Final

from actors.messages import HistoryResponse
from actors.transport.channels import POLICIES
from actors.transport.interface import Channel
from actors.validator.errors import WrongBlocks, WrongCertificate, WrongRange
from actors.validator.range_plan import HeightRange
from ledger.block import MAX_BLOCK_BYTES, BlockHeader, SealedBlock, header_digest, open_block
from ledger.errors import CodecError, SignatureError
from ledger.types import Digest
from ledger.validators import ValidatorSet

RESPONSE_BYTES: Final = POLICIES[Channel.BACKFILL].maximum_message_bytes - 512 * 1024
"""Of blocks in one answer: leaves room for the longest link and certificate."""

MIN_SHORT_ANSWER_BYTES: Final = RESPONSE_BYTES - MAX_BLOCK_BYTES - 16
"""An honest answer that ends early does so since one more block would not fit."""


def open_blocks(response: HistoryResponse) -> tuple[SealedBlock, ...]:
    """Decoded blocks of an answer, at least one.

    Raises
    ------
    WrongBlocks
        If there are none, or one is no block.
    """
    if not response.blocks:
        raise WrongBlocks("expected at least one block, got none")
    try:
        return tuple(open_block(raw) for raw in response.blocks)
    except CodecError as error:
        raise WrongBlocks(f"no block: {error}") from error


def prove(
    blocks: tuple[SealedBlock, ...],
    response: HistoryResponse,
    asked: HeightRange,
    validators: ValidatorSet,
) -> None:
    """Check that an answer's blocks are those asked for, each final by its certificate.

    That a body is its header's, and that the blocks keep the ledger's rules, shows when they are
    applied.

    Raises
    ------
    WrongRange, WrongBlocks, WrongCertificate
        If the answer is another one than an honest peer gives.
    """
    _check_range(blocks, asked)
    parent = _follow([block.header for block in blocks], blocks[0].header.parent)
    parent = _follow(response.link, parent)
    if response.finalization.proposal.payload != parent:
        raise WrongCertificate(
            f"it is of the block {response.finalization.proposal.payload.hex()[:16]}, "
            f"expected {parent.hex()[:16]}"
        )
    try:
        validators.verify_certificate(response.finalization)
    except SignatureError as error:
        raise WrongCertificate(str(error)) from error


def _check_range(blocks: tuple[SealedBlock, ...], asked: HeightRange) -> None:
    heights = [block.header.height for block in blocks]
    if heights != list(range(asked.first, asked.first + len(blocks))):
        raise WrongRange(f"heights {heights[:1]} to {heights[-1:]}, expected from {asked.first} on")
    is_short = len(blocks) < asked.last - asked.first + 1
    size = sum(len(block.encoded) for block in blocks)
    if heights[-1] > asked.last or (is_short and size < MIN_SHORT_ANSWER_BYTES):
        raise WrongRange(
            f"heights {heights[0]} to {heights[-1]} in {size} bytes, "
            f"expected {asked.first} to {asked.last}"
        )


def _follow(headers: Sequence[BlockHeader], parent: Digest) -> Digest:
    for header in headers:
        if header.parent != parent:
            raise WrongBlocks(f"block {header.height} does not extend the one before")
        parent = header_digest(header)
    return parent
