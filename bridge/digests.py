"""The digests of a chain's latest blocks, which its checkpoints have to name.

Blocks are appended one by one, and a state of the ledger is kept per undecided
block, so the window is persistent: it is made of chunks of 256 digests that
successive windows share, and an append copies one chunk. Which digests a window
holds depends on the numbers alone, so that equal ledgers have equal windows.
"""

from typing import Annotated, Final

from ledger.bounds import AtMost
from ledger.codec import wire
from ledger.hashing import keccak
from ledger.types import BlockNumber, BlockNumberField, Digest, DigestField

CHUNK_DIGESTS: Final = 256
WINDOW_CHUNKS: Final = 64
WINDOW_BLOCKS: Final = CHUNK_DIGESTS * (WINDOW_CHUNKS - 1)
"""So many of a chain's latest blocks are always in its window (16,128; 0.5 MB)."""

_ChunkField = Annotated[tuple[DigestField, ...], AtMost(CHUNK_DIGESTS)]


@wire(70)
class DigestWindow:
    """Digests of the blocks from ``first_number`` on, in aligned chunks.

    ``first_number`` is 1 more than a multiple of 256; all chunks but the last are full.
    """

    first_number: BlockNumberField
    chunks: Annotated[tuple[_ChunkField, ...], AtMost(WINDOW_CHUNKS)]

    @property
    def next_number(self) -> BlockNumber:
        """Number of the block that is appended next."""
        if not self.chunks:
            return self.first_number
        full = CHUNK_DIGESTS * (len(self.chunks) - 1)
        return BlockNumber(self.first_number + full + len(self.chunks[-1]))

    def append(self, digest: Digest) -> "DigestWindow":
        """The window after one more block; drops the oldest chunk when there are too many."""
        is_last_full = not self.chunks or len(self.chunks[-1]) == CHUNK_DIGESTS
        if not is_last_full:
            last = (*self.chunks[-1], digest)
            return DigestWindow(self.first_number, (*self.chunks[:-1], last))
        chunks = (*self.chunks, (digest,))
        if len(chunks) <= WINDOW_CHUNKS:
            return DigestWindow(self.first_number, chunks)
        return DigestWindow(BlockNumber(self.first_number + CHUNK_DIGESTS), chunks[1:])

    def find(self, number: BlockNumber) -> Digest | None:
        """Digest of a block, or None where the window does not reach."""
        if not self.first_number <= number < self.next_number:
            return None
        chunk, place = divmod(number - self.first_number, CHUNK_DIGESTS)
        return self.chunks[chunk][place]

    def anchor_after(self, number: BlockNumber, anchor: Digest) -> "DigestWindow":
        """The window in which all blocks after ``number`` are to be executed anew.

        See :func:`replay_digest`.
        """
        chunks: list[tuple[Digest, ...]] = []
        for index, chunk in enumerate(self.chunks):
            first = self.first_number + index * CHUNK_DIGESTS
            kept = max(0, min(len(chunk), number + 1 - first))
            chunks.append(
                chunk[:kept] + tuple(replay_digest(anchor, digest) for digest in chunk[kept:])
            )
        return DigestWindow(self.first_number, tuple(chunks))


EMPTY_WINDOW: Final = DigestWindow(BlockNumber(1), ())


def replay_digest(anchor: Digest, digest: Digest) -> Digest:
    """What the checkpoint of a replayed block names instead of the block's digest.

    ``anchor`` is the digest of the ledger block that ended the quarantine. The
    lying execution's attestations of the same block carry valid signatures of a
    quorum; they name the block's bare digest, so they count for nothing after the
    replay was ordered.
    """
    return Digest(keccak(anchor + digest))
