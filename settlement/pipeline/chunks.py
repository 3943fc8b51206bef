"""Data of a batch in pieces that fit a transaction: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from execution.block_data import block_data_hash
from execution.types import Hash32
from settlement.errors import BlockTooLarge

MAX_CHUNK_BYTES: Final = 120_000
"""Call data of one ``post_data``; nodes take transactions of up to 131,072 bytes."""

MAX_BLOCK_BYTES: Final = 124_000
"""The contract's bound on one block, which then has a chunk to itself."""

MAX_CHUNK_BLOCKS: Final = 1024

_CALL_HEAD_BYTES: Final = 4 + 3 * 32
_WORD: Final = 32


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive blocks that are posted at once, from one data chain to the next."""

    first_block: int
    blocks: tuple[bytes, ...] = field(repr=False)
    before: Hash32
    after: Hash32


def cut_chunks(first_block: int, blocks: Sequence[bytes], before: Hash32) -> tuple[Chunk, ...]:
    """Cut a batch's data; the same data always gives the same chunks.

    Raises
    ------
    BlockTooLarge
        If one block alone fits no transaction.
    """
    chunks: list[Chunk] = []
    waiting: list[bytes] = []
    size_bytes = _CALL_HEAD_BYTES
    number = first_block

    def close() -> None:
        nonlocal before, number
        after = block_data_hash(before, waiting)
        chunks.append(Chunk(number, tuple(waiting), before, after))
        before, number = after, number + len(waiting)
        waiting.clear()

    for index, encoded in enumerate(blocks):
        if len(encoded) > MAX_BLOCK_BYTES:
            raise BlockTooLarge(first_block + index, len(encoded), MAX_BLOCK_BYTES)
        block_bytes = _abi_bytes(encoded)
        is_full = size_bytes + block_bytes > MAX_CHUNK_BYTES or len(waiting) >= MAX_CHUNK_BLOCKS
        if waiting and is_full:
            close()
            size_bytes = _CALL_HEAD_BYTES
        waiting.append(encoded)
        size_bytes += block_bytes
    if waiting:
        close()
    return tuple(chunks)


def _abi_bytes(encoded: bytes) -> int:
    """What a block takes in the ABI: its offset, its length, and itself in whole words."""
    return 2 * _WORD + -(-len(encoded) // _WORD) * _WORD
