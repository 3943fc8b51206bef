"""What the chunks of a snapshot hold.

The ledger's part is the encoding of a :class:`LedgerSnapshot`, cut wherever a chunk is full.
A chain's part starts with a :class:`ChainHead`; every other chunk is a :class:`StoreChunk`:
entries of the executor's own store, in its order of keys.
"""

from typing import Annotated, Final

from bridge.state import BridgeState
from ledger.bounds import AtMost, Uint
from ledger.codec import wire
from ledger.snapshot import MAX_CHUNK_BYTES
from ledger.types import BlockNumberField, DigestField, GasField

MAX_HEADER_BYTES: Final = 4096
HEADERS_BEFORE_HEAD: Final = 256
"""Those whose hashes BLOCKHASH can ask for."""

PAIR_BYTES: Final = 96
"""More than a pair takes besides its value."""


@wire(156)
class LedgerSnapshot:
    """The ledger after a block: its state, and the digest of each chain's newest block."""

    state: BridgeState
    zk_head: DigestField
    fast_head: DigestField


@wire(157)
class ChainHead:
    """The block after which a chain's state was taken.

    ``digest`` is that of its ledger block; ``header_rlps`` are Ethereum headers, of the 256 blocks
    before it as far as there are so many, oldest first, and its own last.
    """

    number: BlockNumberField
    digest: DigestField
    next_message_nonce: GasField
    header_rlps: Annotated[
        tuple[Annotated[bytes, AtMost(MAX_HEADER_BYTES)], ...], AtMost(HEADERS_BEFORE_HEAD + 1)
    ]


@wire(158)
class StoredPair:
    """One entry: accounts are space 0, slots 1, codes 2."""

    space: Annotated[int, Uint(8)]
    key: Annotated[bytes, AtMost(64)]
    value: Annotated[bytes, AtMost(MAX_CHUNK_BYTES)]


@wire(159)
class StoreChunk:
    """Consecutive entries."""

    pairs: Annotated[tuple[StoredPair, ...], AtMost(16_384)]
