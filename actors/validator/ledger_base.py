"""Where a ledger begins that was not fetched from its first block on: a snapshot's block."""

from typing import Final

from actors.snapshots.files import SnapshotFiles
from actors.snapshots.records import LedgerSnapshot
from bridge.state import BridgeState
from ledger.block import SealedBlock, open_block
from ledger.codec import decode, encode, wire
from ledger.genesis import Genesis, genesis_digest
from ledger.types import BlockNumber, BlockNumberField, ChainRole, Digest, DigestField, HeightField
from ledger.votes import Finalization
from storage.keys import (
    CertificateKind,
    block_key,
    certificate_key,
    chain_block_key,
    height_key,
    meta_key,
)
from storage.store import Space, Store, WriteBatch

BASE_KEY: Final = meta_key("base")
STATE_PREFIX: Final = b"state/"
OPERATOR_VOTE_PREFIX: Final = b"operator-vote/"
EPOCH_PREFIX: Final = b"epoch/"
MAX_BASE_BYTES: Final = 1024


@wire(160)
class LedgerBase:
    """The first block of a ledger, and what cannot be found out from later ones.

    The numbers are those of the blocks after which the chains' states were taken, the heads the
    digests of the chains' newest blocks up to ``height``.
    """

    height: HeightField
    zk_number: BlockNumberField
    fast_number: BlockNumberField
    zk_head: DigestField
    fast_head: DigestField

    def number(self, role: ChainRole) -> BlockNumber:
        """Block after which a chain's state was taken."""
        return self.zk_number if role is ChainRole.ZK else self.fast_number

    def head(self, role: ChainRole) -> Digest:
        """Digest of a chain's newest block up to the height."""
        return self.zk_head if role is ChainRole.ZK else self.fast_head


def stored_base(store: Store) -> LedgerBase | None:
    """The base of a ledger; None if it begins with its first block."""
    raw = store.get(Space.META, BASE_KEY)
    return None if raw is None else decode(raw, LedgerBase, limit_bytes=MAX_BASE_BYTES)


def install_base(store: Store, genesis: Genesis, files: SnapshotFiles) -> None:
    """Put a verified snapshot in the place of everything that a ledger store holds.

    One atomic batch, on the disk when this returns. The operator's own votes stay, and what
    proves the set of the epoch, which the snapshot is of, too.

    Raises
    ------
    SnapshotDamaged
        If the snapshot is not whole; nothing is changed then.
    """
    ledger, proof = files.ledger(), files.proof()
    assert proof is not None, "a snapshot is verified with its proof before it is installed"
    kept = [
        entry
        for prefix in (OPERATOR_VOTE_PREFIX, EPOCH_PREFIX)
        for entry in store.iterate(Space.META, prefix)
    ]
    batch = WriteBatch()
    for space in Space:
        batch.delete_range(space, b"", b"\xff" * 64)
    for key, value in kept:
        batch.put(Space.META, key, value)
    batch.put(Space.META, meta_key("genesis"), genesis_digest(genesis))
    batch.put(Space.META, BASE_KEY, encode(_base_of(ledger, files)))
    _put_block(batch, open_block(proof.block), ledger.state, proof.finalization)
    store.commit(batch, sync=True)


def _base_of(ledger: LedgerSnapshot, files: SnapshotFiles) -> LedgerBase:
    return LedgerBase(
        height=ledger.state.height,
        zk_number=files.head(ChainRole.ZK).number,
        fast_number=files.head(ChainRole.FAST).number,
        zk_head=ledger.zk_head,
        fast_head=ledger.fast_head,
    )


def _put_block(
    batch: WriteBatch, block: SealedBlock, state: BridgeState, finalization: Finalization
) -> None:
    header, proposal = block.header, finalization.proposal
    height = height_key(header.height)
    batch.put(Space.BLOCKS, block_key(block.digest), block.encoded)
    batch.put(Space.FINALIZED, height, block.digest)
    batch.put(Space.HEADERS, chain_block_key(header.chain, header.chain_block_number), height)
    batch.put(Space.META, STATE_PREFIX + height, encode(state))
    key = certificate_key(proposal.epoch, proposal.view, CertificateKind.FINALIZATION)
    batch.put(Space.CERTIFICATES, key, encode(finalization))
