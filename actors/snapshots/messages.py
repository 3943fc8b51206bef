"""What nodes ask each other about snapshots, on the backfill channel."""

from typing import Annotated, Final

from actors.messages import MAX_LINK_HEADERS, EncodedBlockField
from actors.snapshots.records import MAX_HEADER_BYTES
from ledger.block import BlockHeader
from ledger.bounds import AtMost, Uint
from ledger.codec import wire
from ledger.crossing import CheckpointCertificate
from ledger.snapshot import MAX_CHUNK_BYTES, SnapshotStatement
from ledger.types import DigestField, HeightField
from ledger.votes import Finalization

MAX_HEADERS_AFTER_HEAD: Final = 1024
MAX_QUERIED: Final = 4


@wire(66)
class SnapshotQuery:
    """Asks which snapshots a peer can serve, and to make those of these heights if it can.

    Without heights it may make the newest: so peers come to have the same ones.
    """

    heights: Annotated[tuple[HeightField, ...], AtMost(MAX_QUERIED)]


@wire(67)
class SnapshotOffers:
    """The snapshots that can be served: a statement of the peer about each."""

    statements: Annotated[tuple[SnapshotStatement, ...], AtMost(4)]


@wire(68)
class ManifestRequest:
    """Asks for the manifest with a digest: a :class:`~ledger.snapshot.SnapshotManifest`."""

    manifest: DigestField


@wire(69)
class ProofRequest:
    """Asks for what proves that a snapshot's block is final and its states are certified."""

    manifest: DigestField


@wire(161)
class CertifiedHeaders:
    """Ethereum headers after the block of a chain's state, up to one with a checkpoint."""

    header_rlps: Annotated[
        tuple[Annotated[bytes, AtMost(MAX_HEADER_BYTES)], ...], AtMost(MAX_HEADERS_AFTER_HEAD)
    ]
    certificate: CheckpointCertificate


@wire(153)
class SnapshotProof:
    """What makes a snapshot's block final, and its states certified."""

    manifest: DigestField
    block: EncodedBlockField
    link: Annotated[tuple[BlockHeader, ...], AtMost(MAX_LINK_HEADERS)]
    finalization: Finalization
    zk: CertifiedHeaders
    fast: CertifiedHeaders


@wire(154)
class ChunkRequest:
    """Asks for a chunk, by its place among all chunks of the manifest."""

    manifest: DigestField
    index: Annotated[int, Uint(32)]


@wire(155)
class SnapshotChunk:
    """One chunk."""

    manifest: DigestField
    index: Annotated[int, Uint(32)]
    data: Annotated[bytes, AtMost(MAX_CHUNK_BYTES)]


SnapshotRequest = SnapshotQuery | ManifestRequest | ProofRequest | ChunkRequest
