"""What nodes ask each other about snapshots, on the backfill channel."""

from typing import Annotated

from actors.messages import MAX_LINK_HEADERS, EncodedBlockField
from ledger.block import BlockHeader
from ledger.bounds import AtMost, Uint
from ledger.codec import wire
from ledger.crossing import CheckpointCertificate
from ledger.snapshot import MAX_CHUNK_BYTES, SnapshotStatement
from ledger.types import DigestField
from ledger.votes import Finalization


@wire(66)
class SnapshotQuery:
    """Asks which snapshots a peer can serve."""


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


@wire(153)
class SnapshotProof:
    """The block at the snapshot's height, headers up to a certified one, and certificates."""

    manifest: DigestField
    block: EncodedBlockField
    link: Annotated[tuple[BlockHeader, ...], AtMost(MAX_LINK_HEADERS)]
    finalization: Finalization
    zk: CheckpointCertificate
    fast: CheckpointCertificate


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
