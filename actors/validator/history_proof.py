"""Whether a peer's answer proves its blocks: digests chain them up to one certified block."""

from collections.abc import Sequence
from typing import Final

from actors.messages import MAX_LINK_HEADERS, HistoryResponse
from actors.transport.channels import POLICIES
from actors.transport.interface import Channel
from actors.validator.archive import Archive
from actors.validator.errors import WrongBlocks, WrongCertificate, WrongRange
from actors.validator.range_plan import HeightRange
from ledger.block import MAX_BLOCK_BYTES, BlockHeader, SealedBlock, header_digest, open_block
from ledger.errors import CodecError, SignatureError
from ledger.types import Digest
from ledger.validators import ValidatorSet
from ledger.votes import Finalization

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
    last = _follow([block.header for block in blocks], blocks[0].header.parent)
    check_certified(last, response.link, response.finalization, validators)


def check_certified(
    block: Digest,
    link: Sequence[BlockHeader],
    finalization: Finalization,
    validators: ValidatorSet,
) -> None:
    """Check that headers lead from a block to one that a finalization is of.

    Raises
    ------
    WrongBlocks, WrongCertificate
        If they do not, or it is no certificate.
    """
    last = _follow(link, block)
    if finalization.proposal.payload != last:
        raise WrongCertificate(
            f"it is of the block {finalization.proposal.payload.hex()[:16]}, "
            f"expected {last.hex()[:16]}"
        )
    try:
        validators.verify_certificate(finalization)
    except SignatureError as error:
        raise WrongCertificate(str(error)) from error


def certified_link(
    archive: Archive, block: SealedBlock
) -> tuple[tuple[BlockHeader, ...], Finalization] | None:
    """Headers after a final block up to a certified one, and its certificate.

    None if they are not all here, or more than an answer may have.
    """
    certificate = archive.certificate_from(block.header.epoch, block.header.view)
    if certificate is None:
        return None
    headers: list[BlockHeader] = []
    digest = block.digest
    while digest != certificate.proposal.payload:
        following = archive.block(block.header.height + len(headers) + 1)
        if following is None or len(headers) == MAX_LINK_HEADERS:
            return None
        headers.append(following.header)
        digest = following.digest
    return tuple(headers), certificate


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
