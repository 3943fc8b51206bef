"""The final part of the ledger on disk: blocks, certificates, and snapshots of the bridge state.

Blocks are final once and never change. The bridge state after a block follows from
the blocks; a snapshot every ``SNAPSHOT_INTERVAL`` heights keeps the way there short.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, cast

from actors.validator.block_tree import TreeBlock
from actors.validator.errors import BeforeSnapshot, GenesisMismatch
from actors.validator.ledger_base import EPOCH_PREFIX, STATE_PREFIX, stored_base
from bridge.membership import ValidatorSets
from bridge.rules import apply_block
from bridge.state import BridgeState, initial_state
from bridge.work import ChainWork, FastReplay
from ledger.block import MAX_BLOCK_BYTES, SealedBlock, open_block
from ledger.codec import decode, encode
from ledger.crossing import CertifiedCheckpoint
from ledger.epochs import EpochChange
from ledger.evidence import ConflictingFinalize, ConflictingNotarize, Evidence, NullifyFinalize
from ledger.genesis import Genesis, genesis_digest
from ledger.types import ChainRole, Digest, Epoch, Height
from ledger.validators import ValidatorSet
from ledger.votes import Finalization
from storage.keys import (
    CertificateKind,
    block_key,
    certificate_key,
    chain_block_key,
    chain_prefix,
    height_key,
    meta_key,
    number_from_key,
    number_key,
)
from storage.store import Space, Store, WriteBatch

SNAPSHOT_INTERVAL: Final = 256
MAX_STATE_BYTES: Final = 512 * 1024 * 1024
"""Two full queues of the longest messages (268 MiB), and the rest."""
_MAX_CERTIFICATE_BYTES: Final = 64 * 1024
_GENESIS: Final = meta_key("genesis")
_SYNCED: Final = meta_key("synced-height")
_EVIDENCE_PREFIX: Final = b"evidence/"
_CHECKPOINT_PREFIX: Final = b"checkpoint/"
_REPLAY_PREFIX: Final = b"replay/"
_MAX_EPOCH_CHANGE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class OrderedBlock:
    """A final block with the state after it and the work that it has to do."""

    sealed: SealedBlock
    state: BridgeState
    work: ChainWork


@dataclass(frozen=True, slots=True)
class OrderedReplay:
    """A replay of the fast chain, and the final block that orders it."""

    block: Digest
    replay: FastReplay


class Archive:
    """One validator's final blocks.

    Parameters
    ----------
    validators
        The set of the genesis; those of later epochs follow from the blocks.

    Raises
    ------
    GenesisMismatch
        If the store belongs to another network.
    """

    def __init__(self, store: Store, genesis: Genesis, validators: ValidatorSet) -> None:
        self._store = store
        self._genesis = genesis
        self._sets = ValidatorSets(validators)
        stored = store.get(Space.META, _GENESIS)
        if stored is None:
            store.put(Space.META, _GENESIS, genesis_digest(genesis), sync=True)
        elif stored != genesis_digest(genesis):
            raise GenesisMismatch(
                f"the data belongs to the network {stored.hex()[:16]}, the genesis file to "
                f"{genesis_digest(genesis).hex()[:16]}: use the right one of them"
            )
        self.base = stored_base(store)
        last = store.last(Space.FINALIZED)
        self.height = Height(0 if last is None else number_from_key(last[0]))
        self.replays = self._stored_replays()

    def append(self, blocks: list[TreeBlock], certificate: Finalization) -> None:
        """Store newly final blocks, oldest first, and the certificate of the last one.

        They are of one epoch: if one of them ends it, it is the last one.
        """
        batch = WriteBatch()
        for block in blocks:
            header = block.sealed.header
            batch.put(Space.BLOCKS, block_key(block.digest), block.sealed.encoded)
            batch.put(Space.FINALIZED, height_key(header.height), block.digest)
            batch.put(
                Space.HEADERS,
                chain_block_key(header.chain, header.chain_block_number),
                height_key(header.height),
            )
            for certified in block.sealed.body.checkpoints:
                role = block.state.role_of(certified.certificate.checkpoint.chain_id)
                if role is not None:
                    key = _checkpoint_key(role, certified.certificate.checkpoint.number)
                    batch.put(Space.META, key, encode(certified))
            for position, evidence in enumerate(block.sealed.body.evidence):
                batch.put(Space.META, _evidence_key(header.height, position), encode(evidence))
            if block.work.replay is not None:
                batch.put(Space.META, _REPLAY_PREFIX + height_key(header.height), block.digest)
            if header.ends_epoch:
                members = block.state.membership.members
                change = EpochChange(header, certificate, members)
                batch.put(Space.META, _epoch_key(header.epoch), encode(change))
            if header.height % SNAPSHOT_INTERVAL == 0:
                batch.put(Space.META, _state_key(header.height), encode(block.state))
        view = certificate.proposal.view
        kind = CertificateKind.FINALIZATION
        key = certificate_key(certificate.proposal.epoch, view, kind)
        batch.put(Space.CERTIFICATES, key, encode(certificate))
        self._store.commit(batch)
        self.height = Height(blocks[-1].sealed.header.height)
        self.replays += tuple(
            OrderedReplay(block.digest, block.work.replay)
            for block in blocks
            if block.work.replay is not None
        )

    def block(self, height: int) -> SealedBlock | None:
        """Final block at a height."""
        digest = self._store.get(Space.FINALIZED, height_key(height))
        return None if digest is None else self.block_by_digest(Digest(digest))

    def digest_at(self, height: int) -> Digest | None:
        """Digest of the final block at a height, as the index has it."""
        digest = self._store.get(Space.FINALIZED, height_key(height))
        return None if digest is None else Digest(digest)

    @property
    def oldest_height(self) -> Height:
        """Height of the oldest block that can be served."""
        return Height(1) if self.base is None else Height(self.base.height)

    def encoded_blocks(self, first_height: int, count: int) -> Iterator[bytes]:
        """Encodings of consecutive final blocks from a height on, at most ``count``."""
        heights = range(first_height, min(first_height + count, self.height + 1))
        digests = self._store.get_many(Space.FINALIZED, [height_key(height) for height in heights])
        for digest in digests:
            raw = None if digest is None else self._store.get(Space.BLOCKS, block_key(digest))
            if raw is None:
                return
            yield raw

    def block_by_digest(self, digest: Digest) -> SealedBlock | None:
        """Final block with a digest."""
        raw = self._store.get(Space.BLOCKS, block_key(digest))
        return None if raw is None else open_block(raw)

    def height_of(self, role: ChainRole, number: int) -> Height | None:
        """Ledger height of a chain's final block."""
        key = self._store.get(Space.HEADERS, chain_block_key(role, number))
        return None if key is None else Height(number_from_key(key))

    def certificate_from(self, epoch: int, view: int) -> Finalization | None:
        """The first stored finalization of this view or a later one: it covers the view's block."""
        start = certificate_key(epoch, view, CertificateKind.FINALIZATION)
        for _, raw in self._store.iterate(Space.CERTIFICATES, start=start):
            found = decode(raw, Finalization, limit_bytes=_MAX_CERTIFICATE_BYTES)
            return found if found.proposal.epoch == epoch else None
        return None

    def epoch_change(self, epoch: int) -> EpochChange | None:
        """How an epoch ended, if it has."""
        raw = self._store.get(Space.META, _epoch_key(epoch))
        return None if raw is None else _open_epoch_change(raw)

    @property
    def first_epoch(self) -> Epoch:
        """The epoch of the genesis."""
        return self._genesis.epoch

    def first_height_of(self, epoch: int) -> Height:
        """Height of the first block of an epoch that has begun."""
        if epoch == self.first_epoch:
            return Height(1)
        change = self.epoch_change(epoch - 1)
        return Height(1 if change is None else change.header.height + 1)

    def newest_height_in(self, epoch: int) -> Height:
        """Height of the newest final block that is not of a later epoch."""
        change = self.epoch_change(epoch)
        return self.height if change is None else change.header.height

    def epoch_changes(self) -> list[EpochChange]:
        """How each epoch ended that has, the first one first: what proves the current set."""
        entries = self._store.iterate(Space.META, EPOCH_PREFIX)
        return [_open_epoch_change(raw) for _, raw in entries]

    def validators_after(self, state: BridgeState) -> ValidatorSet:
        """The set of the epoch that a state is in."""
        return self._sets.after(state)

    def certificates(self) -> Iterator[Finalization]:
        """All stored finalizations, oldest first."""
        for _, raw in self._store.iterate(Space.CERTIFICATES):
            yield decode(raw, Finalization, limit_bytes=_MAX_CERTIFICATE_BYTES)

    def snapshot_at(self, height: Height) -> BridgeState | None:
        """The stored state after a block, if there is one."""
        raw = self._store.get(Space.META, _state_key(height))
        return None if raw is None else decode(raw, BridgeState, limit_bytes=MAX_STATE_BYTES)

    def checkpoint(self, role: ChainRole, number: int) -> CertifiedCheckpoint | None:
        """Checkpoint of a chain's block, if the final ledger holds one."""
        raw = self._store.get(Space.META, _checkpoint_key(role, number))
        if raw is None:
            return None
        return decode(raw, CertifiedCheckpoint, limit_bytes=MAX_BLOCK_BYTES)

    def checkpoint_from(self, role: ChainRole, number: int) -> CertifiedCheckpoint | None:
        """The first checkpoint of a chain's block or a later one that the final ledger holds."""
        prefix = _CHECKPOINT_PREFIX + chain_prefix(role)
        start = _checkpoint_key(role, number)
        for _, raw in self._store.iterate(Space.META, prefix, start=start):
            return decode(raw, CertifiedCheckpoint, limit_bytes=MAX_BLOCK_BYTES)
        return None

    def evidence(self, limit: int) -> list[tuple[Height, Evidence]]:
        """The newest evidence on the final ledger, with its height."""
        entries = self._store.iterate(Space.META, _EVIDENCE_PREFIX, reverse=True)
        return [
            (Height(number_from_key(key, len(_EVIDENCE_PREFIX))), _open_evidence(raw))
            for key, raw in islice(entries, limit)
        ]

    def state_after(self, height: Height) -> BridgeState:
        """Bridge state after a final block, from the nearest snapshot below."""
        state = self._snapshot_below(height)
        for ordered in self._replay(state, height):
            state = ordered.state
        return state

    def ordered_from(
        self, height: Height, before: BridgeState | None = None
    ) -> Iterator[OrderedBlock]:
        """All final blocks from a height on, with their work, as of now.

        Parameters
        ----------
        before
            The state after the block before, if it is at hand: otherwise it costs the way from
            the nearest snapshot.
        """
        if before is None or before.height != height - 1:
            before = self.state_after(Height(height - 1))
        yield from self._replay(before, self.height)

    def chain_heads(self, height: Height) -> dict[ChainRole, Digest]:
        """Digest of each chain's newest block up to a height (that of the genesis before it)."""
        state = self.state_after(height)
        heads = {}
        for role in ChainRole:
            at = self.height_of(role, state.chain(role).number)
            digest = None if at is None else self._store.get(Space.FINALIZED, height_key(at))
            heads[role] = self._first_head(role) if digest is None else Digest(digest)
        return heads

    def _first_head(self, role: ChainRole) -> Digest:
        """Digest of the chain's newest block before the first one here."""
        return genesis_digest(self._genesis) if self.base is None else self.base.head(role)

    def sync(self) -> None:
        """Wait until everything stored so far is on the disk: the journal may forget it."""
        self._store.put(Space.META, _SYNCED, height_key(self.height), sync=True)

    def copy_to(self, target: Path) -> None:
        """Write what is final now into a directory of its own."""
        self._store.checkpoint(target)

    def close(self) -> None:
        """Flush and close the store."""
        self._store.close()

    def _stored_replays(self) -> tuple[OrderedReplay, ...]:
        """All replays on the final ledger, oldest first."""
        replays = []
        for key, digest in self._store.iterate(Space.META, _REPLAY_PREFIX):
            height = number_from_key(key, len(_REPLAY_PREFIX))
            carrier = next(self.ordered_from(Height(height)))
            if carrier.work.replay is not None:
                replays.append(OrderedReplay(Digest(digest), carrier.work.replay))
        return tuple(replays)

    def _snapshot_below(self, height: Height) -> BridgeState:
        start = _state_key(height)
        for _, raw in self._store.iterate(Space.META, STATE_PREFIX, start=start, reverse=True):
            return decode(raw, BridgeState, limit_bytes=MAX_STATE_BYTES)
        if self.base is not None:
            raise BeforeSnapshot(height, self.base.height)
        return initial_state(self._genesis)

    def _replay(self, state: BridgeState, last: Height) -> Iterator[OrderedBlock]:
        for height in range(state.height + 1, last + 1):
            sealed = self.block(height)
            if sealed is None:
                raise GenesisMismatch(f"the store lacks block {height} of {self.height}")
            validators = self._sets.after(state)
            state, work = apply_block(state, sealed, validators, sealed.header.proposer)
            yield OrderedBlock(sealed, state, work)


def _open_evidence(raw: bytes) -> Evidence:
    kinds = (ConflictingNotarize, ConflictingFinalize, NullifyFinalize)
    return cast(Evidence, decode(raw, *kinds, limit_bytes=_MAX_CERTIFICATE_BYTES))


def _open_epoch_change(raw: bytes) -> EpochChange:
    return decode(raw, EpochChange, limit_bytes=_MAX_EPOCH_CHANGE_BYTES)


def _epoch_key(epoch: int) -> bytes:
    return EPOCH_PREFIX + number_key(epoch)


def _checkpoint_key(role: ChainRole, number: int) -> bytes:
    return _CHECKPOINT_PREFIX + chain_block_key(role, number)


def _evidence_key(height: int, position: int) -> bytes:
    return _EVIDENCE_PREFIX + height_key(height) + position.to_bytes(1, "big")


def _state_key(height: int) -> bytes:
    return STATE_PREFIX + height_key(height)
