"""Snapshots of everything that the ledger's blocks have led to, and who vouches for them.

A snapshot of height h holds the ledger's own state after the block at h, and the state of each
chain after its first attested block behind h. It is cut into chunks; the manifest lists
their digests. All honest validators make the same manifest of the same height, since the
content is a function of the ledger.
"""

from typing import Annotated, Final

from ledger.bounds import AtMost
from ledger.codec import encode, wire
from ledger.hashing import Domain, digest, domain_prefix
from ledger.types import (
    Digest,
    DigestField,
    Ed25519SignatureField,
    EpochField,
    HeightField,
    ValidatorIndexField,
)

MAX_CHUNK_BYTES: Final = 256 * 1024
MAX_CHUNKS_PER_PART: Final = 32_768
"""8 GiB: more than an engine can hold."""


@wire(150)
class SnapshotPart:
    """Digests of the chunks of one part, in order."""

    chunks: Annotated[tuple[DigestField, ...], AtMost(MAX_CHUNKS_PER_PART)]


@wire(151)
class SnapshotManifest:
    """What a snapshot consists of; ``digest`` is that of the ledger block at ``height``."""

    height: HeightField
    digest: DigestField
    ledger: SnapshotPart
    zk: SnapshotPart
    fast: SnapshotPart

    @property
    def chunks(self) -> tuple[Digest, ...]:
        """Digests of all chunks: of the ledger's state, of the ZK chain, of the fast chain."""
        return self.ledger.chunks + self.zk.chunks + self.fast.chunks


@wire(152)
class SnapshotStatement:
    """A validator's word that the snapshot of a height has this manifest."""

    epoch: EpochField
    height: HeightField
    manifest: DigestField
    signer: ValidatorIndexField
    signature: Ed25519SignatureField


def manifest_digest(manifest: SnapshotManifest) -> Digest:
    """What a statement names."""
    return digest(Domain.SNAPSHOT_MANIFEST, encode(manifest))


def chunk_digest(chunk: bytes) -> Digest:
    """What a manifest lists."""
    return digest(Domain.SNAPSHOT_CHUNK, chunk)


def snapshot_message(genesis: Digest, epoch: int, height: int, manifest: Digest) -> bytes:
    """The bytes that a statement signs."""
    place = epoch.to_bytes(8, "big") + height.to_bytes(8, "big")
    return domain_prefix(Domain.SNAPSHOT) + genesis + place + manifest
